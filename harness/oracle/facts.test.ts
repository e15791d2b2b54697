import { expect, test } from '@jest/globals';
import { ALWAYS, questionsAfter } from '../../model/invariants/catalogue.ts';
import { factsOf } from '../../model/invariants/facts.ts';
import type { Always, EventKind, Sometimes } from '../../model/invariants/invariant.ts';
import { SOMETIMES } from '../../model/invariants/sometimes.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { step } from '../../model/world/step.ts';
import type { EventRecord } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import { stages } from '../pipeline.ts';
import { findProfile } from '../profile.ts';

/** Ids of the rules that report an event although a fact they declare as required is missing. */
function contradictions(world: World, record: EventRecord): string[] {
  const { kind } = record.event;
  const { always, sometimes } = questionsAfter(kind, factsOf(world, record));
  const asked = new Set([...always, ...sometimes].map(({ id }) => id));
  const found: string[] = [];
  for (const rule of ALWAYS)
    if (looksAfter(rule, kind) && !asked.has(rule.id)) rule.check(world, record, () => found.push(rule.id));
  for (const rule of SOMETIMES)
    if (looksAfter(rule, kind) && !asked.has(rule.id) && rule.reached(world, record)) found.push(rule.id);
  return found;
}

const looksAfter = ({ after }: Always | Sometimes, kind: EventKind): boolean => after === 'all' || after.includes(kind);

const WORLDS = stages.kernels.flatMap((kernel) => ['default', 'hostile'].map((mood) => ({ kernel, mood })));

test.each(WORLDS)('no rule reports an event that lacks its facts: $kernel, mood $mood', ({ kernel, mood }) => {
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
});
