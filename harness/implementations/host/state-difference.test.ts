import { describe, expect, test } from '@jest/globals';
import { GIB } from '../../../model/abi/size.ts';
import { healthyMachine, lpGrid } from '../../../model/platform/healthy.ts';
import type { World } from '../../../model/world/world.ts';
import { FORMAT_VERSION } from '../../case.ts';
import { runCase } from '../../oracle/judge-case.ts';
import { compareWorlds } from './difference.ts';

/** Follows from the initialised LPs. */
const UNREPORTED = new Set(['next bring-up of an LP']);
const MACHINE = healthyMachine(lpGrid(1, 2), [{ base: 0, size: 2 * GIB, node: 0 }], [{ base: 0, size: 2 * GIB }]);

describe('a difference of the state at the end of a run is text for a reader', () => {
  test.each<[string, (world: World) => void, string, string]>([
    [
      'locks',
      ({ kernel }) => {
        kernel.locks.module.owner = 0;
        kernel.locks.cpus.readers = 1;
      },
      'none',
      'cpus held by 1 reader, module held',
    ],
    [
      'initialised LPs',
      ({ kernel }) => {
        for (const cpu of kernel.cpus.slice(1)) cpu.lpInitialised = false;
      },
      'LP 0, LP 1',
      'LP 0',
    ],
    [
      'TDX memory',
      ({ kernel }) => {
        kernel.tdxMemory.length = 1;
        kernel.tdxMemory[0] = { startPfn: 0x100, endPfn: 0x40000, node: 1, object: -1 };
      },
      '[0x100000, 0x80000000) node 0',
      '[0x100000, 0x40000000) node 1',
    ],
  ])('%s', (what, change, expected, got) => {
    const play = (): World =>
      runCase({
        formatVersion: FORMAT_VERSION,
        profile: { module: '1.5.01', kernel: '6.12' },
        platform: MACHINE,
        events: [{ kind: 'cpu-enable', lp: 0 }, { kind: 'cpu-enable', lp: 1 }, { kind: 'enable' }],
      });
    const changed = play();
    expect(changed.kernel.status).toBe('initialised');
    change(changed);
    expect(compareWorlds(play(), changed, UNREPORTED)).toMatchObject({
      what: `at the end: ${what}`,
      expected: `"${expected}"`,
      got: `"${got}"`,
    });
  });
});
