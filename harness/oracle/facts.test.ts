import { expect, test } from '@jest/globals';
import { ALWAYS_AFTER, SOMETIMES_AFTER } from '../../model/invariants/catalogue.ts';
import { factsOf } from '../../model/invariants/facts.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { step } from '../../model/world/step.ts';
import type { EventRecord } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import { stages } from '../pipeline.ts';
import { findProfile } from './profile.ts';

/** Ids of the rules that speak up about an event although what they say they need is missing. */
function contradictions(world: World, record: EventRecord): string[] {
  const facts = factsOf(world, record);
  const found: string[] = [];
  const { kind } = record.event;
  for (const [at, rule] of (ALWAYS_AFTER.get(kind)?.rules ?? []).entries()) {
    const mask = ALWAYS_AFTER.get(kind)?.needs[at] ?? 0;
    if ((facts & mask) !== mask) rule.check(world, record, () => found.push(rule.id));
  }
  for (const [at, rule] of (SOMETIMES_AFTER.get(kind)?.rules ?? []).entries()) {
    const mask = SOMETIMES_AFTER.get(kind)?.needs[at] ?? 0;
    if ((facts & mask) !== mask && rule.reached(world, record)) found.push(rule.id);
  }
  return found;
}

const WORLDS = stages.kernels.flatMap((kernel) => ['default', 'hostile'].map((mood) => ({ kernel, mood })));

test.each(WORLDS)(
  'no rule has anything to say where its facts are missing: $kernel, mood $mood',
  ({ kernel, mood }) => {
    const profile = { kernel, module: stages.defaultModule(kernel) };
    const { revision, release } = findProfile(profile);
    const found = new Set<string>();
    for (let index = 0; index < 150; index += 1) {
      const { platform, events } = stages.generate('facts', index, { profile, mood });
      const world = bootWorld(platform, revision, release, true);
      for (const id of contradictions(world, world.records[0] as EventRecord)) found.add(id);
      for (const event of events) for (const id of contradictions(world, step(world, event))) found.add(id);
    }
    expect([...found]).toEqual([]);
  },
);
