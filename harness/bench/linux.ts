import { GIB, MIB } from '../../model/abi/size.ts';
import { healthyMachine, lpGrid } from '../../model/platform/healthy.ts';
import { buildKernel } from '../implementations/linux/build.ts';
import { judgeAgainstModel, runCompiled, startKernel } from '../implementations/linux/judge.ts';
import { type Case, FORMAT_VERSION } from '../case.ts';
import { judgeCase } from '../oracle/judge-case.ts';
import { findProfile } from '../profile.ts';
import { benchTree } from '../testing/bench-tree.ts';

/**
 * Boots with initialisation per second, of compiled Linux and of its model: 2 LPs, 1 GiB, 256 TDH.SYS.TDMR.INIT each.
 */
const SECONDS = 3;
const input: Case = {
  formatVersion: FORMAT_VERSION,
  profile: { kernel: '6.12', module: '1.5.01' },
  platform: {
    ...healthyMachine(lpGrid(1, 2), [{ base: MIB, size: GIB - MIB, node: 0 }]),
    seamrr: { base: 2 * GIB, size: 32 * MIB },
  },
  events: [{ kind: 'cpu-enable', lp: 0 }, { kind: 'cpu-enable', lp: 1 }, { kind: 'enable' }],
};
const kernel = startKernel(buildKernel(benchTree(process.argv.slice(2))), findProfile(input.profile).revision, 'linux');

function measure(what: string, run: () => void): void {
  for (let warm = 0; warm < 300; warm += 1) run();
  const start = performance.now();
  let runs = 0;
  while (performance.now() - start < SECONDS * 1000) {
    run();
    runs += 1;
  }
  process.stdout.write(`${what.padEnd(52)} ${Math.round(runs / ((performance.now() - start) / 1000))} /s\n`);
}

if (runCompiled(kernel, input).world.kernel.status !== 'initialised') throw new Error('TDX was not initialised');
measure('model, every invariant', () => judgeCase(input, false));
measure('compiled, every invariant, answers in conversation', () => runCompiled(kernel, input));
measure('compiled and model, every invariant, by script', () => judgeAgainstModel(kernel, input, false));
kernel.child.close();
