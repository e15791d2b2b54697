import { describe, expect, test } from '@jest/globals';
import { bootWorld } from '../../model/world/boot.ts';
import { runFrom } from '../../model/world/schedule.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { stages } from '../pipeline.ts';
import { describeWorld } from './describe-case.ts';
import { readsFrom, singleReads } from './metadata-reads.ts';
import { findProfile } from '../profile.ts';

const CASES = 150;

/** Runs a case on the model; `single`: TDH.SYS.RD is called once per field, as kernels outside the model do. */
function run({ profile, platform, events }: Case, single: boolean): World {
  const { revision, release } = findProfile(profile);
  const world = bootWorld(platform, revision, release);
  if (single) world.port = { ...world.port, metadataRun: () => undefined };
  for (let index = 0; index < events.length; ) index = runFrom(world, events, index, []);
  return world;
}

function readEntries({ trace }: World): number {
  return trace.filter((entry) => entry.kind === 'seamcall' && entry.leaf === 34).length;
}

describe.each(['6.12', '6.12-cmr', '6.17', '7.3', 'strict'])('a run of TDH.SYS.RD on %s', (kernel) => {
  test.each(['default', 'hostile'])('is printed like its single calls, and leaves the same state (%s)', (mood) => {
    const options = { profile: { kernel, module: stages.defaultModule(kernel) }, mood };
    let [runs, singles] = [0, 0];
    for (let index = 0; index < CASES; index += 1) {
      const input = stages.generate('reads', index, options);
      const [one, other] = [run(input, false), run(input, true)];
      expect(describeWorld(one)).toEqual(describeWorld(other));
      // The registers mean nothing between two calls.
      expect({ ...one.kernel, registers: null }).toEqual({ ...other.kernel, registers: null });
      expect(one.module).toEqual(other.module);
      expect(singleReads(one.trace)).toEqual(singleReads(other.trace));
      runs += readEntries(one);
      singles += readEntries(other);
    }
    expect(runs).toBeGreaterThan(0);
    expect(singles).toBeGreaterThan(runs);
  });
});

describe('reads of consecutive fields', () => {
  const input: Case = {
    ...stages.generate('reads', 0, { profile: { kernel: '6.12', module: '1.5.01' }, mood: 'legal' }),
  };
  const world = run(
    { ...input, events: [...input.platform.lps.keys()].map((lp) => ({ kind: 'cpu-enable', lp })) },
    true,
  );

  test('form one run only if they are made on the same LP', () => {
    const read = { ...world.trace.find((entry) => entry.kind === 'seamcall'), leaf: 34, rax: 0, condition: null };
    const entry = (lp: number, inRDX: number) => ({ ...read, lp, inRDX, inRCX: 0, inR8: 0, calls: 1 }) as never;
    expect(readsFrom([entry(0, 8), entry(0, 9), entry(0, 10), entry(0, 12)], 0)).toBe(3);
    expect(readsFrom([entry(0, 8), entry(1, 9)], 0)).toBe(1);
    expect(readsFrom([entry(0, 8)], 0)).toBe(1);
  });
});
