import { expect, test } from '@jest/globals';
import { bootWorld } from '../../model/world/boot.ts';
import { runFrom } from '../../model/world/schedule.ts';
import type { TraceEntry } from '../../model/world/trace.ts';
import type { PendingCondition, World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { stages } from '../pipeline.ts';
import { findProfile } from './profile.ts';

/** A condition that no SEAMCALL meets: while one waits, every call is looked at closely. */
const NEVER: PendingCondition = { condition: 'no-entropy', leaf: 0x10000, left: 1 };

function run({ profile, platform, events, schedule }: Case, watched: boolean): World {
  const { revision, release } = findProfile(profile);
  const world = bootWorld(platform, revision, release, true);
  if (watched) world.pending.push({ ...NEVER });
  for (let index = 0; index < events.length; ) index = runFrom(world, events, index, schedule);
  return world;
}

test.each(['6.12', '6.17', '7.3', 'strict'])('fields read the short way are read alike: %s', (kernel) => {
  const profile = { kernel, module: stages.defaultModule(kernel) };
  const seen = new Set<TraceEntry>();
  let shared = 0;
  for (let index = 0; index < 250; index += 1) {
    const input = stages.generate('metadata', index, { profile, mood: index % 2 === 0 ? 'default' : 'hostile' });
    const [short, long] = [run(input, false), run(input, true)];
    expect(short.trace).toEqual(long.trace);
    expect(short.records.map(({ outcome, errno }) => [outcome, errno])).toEqual(
      long.records.map(({ outcome, errno }) => [outcome, errno]),
    );
    expect(short.kernel.registers).toEqual(long.kernel.registers);
    expect(short.module.lastReason).toBe(long.module.lastReason);
    for (const entry of short.trace) {
      if (seen.has(entry)) shared += 1;
      seen.add(entry);
    }
  }
  // Entries are shared between cases only where the short way was taken.
  expect(shared).toBeGreaterThan(250);
});
