import { fileURLToPath } from 'node:url';
import { RELEASES } from '../../model/module/release.ts';
import { readJSONLines } from '../transcript/json-lines.ts';
import type { ModuleCase } from '../transcript/module-case.ts';
import { readModuleCase } from '../transcript/module-case.ts';
import type { RepeatMode } from '../transcript/module-replay.ts';
import { replayModuleCase } from '../transcript/module-replay.ts';

// Speed at which the module model replays the recording, without parsing. Budgets: 400,000 recorded steps per second
// with the calls of a repeat counted, 1.5 million calls per second with each of them made. A yardstick, measured between
// the runs, separates the speed of the machine from that of the code: a fixed piece of integer work.

const FILE = fileURLToPath(new URL('../../../corpus/transcripts/module-1.5.01.jsonl.gz', import.meta.url));
const RELEASE = RELEASES['1.5.01-recorded'];
const WARM_UP = 10;
const RUNS = 25;
const YARDSTICK_STEPS = 1_000_000;

const cases: ModuleCase[] = [];
for await (const { value } of readJSONLines(FILE)) cases.push(readModuleCase(value));

const yardsticks: number[] = [];
report('counted', 'steps', 400_000);
report('single', 'SEAMCALLs', 1_500_000);
process.stdout.write(
  `yardstick ${(median(yardsticks) * 1000).toFixed(1)} ms for ${YARDSTICK_STEPS} steps of integer work\n`,
);
process.stdout.write(`memory    ${Math.round(process.resourceUsage().maxRSS / 1024)} MB at most\n`);

function report(mode: RepeatMode, unit: 'steps' | 'SEAMCALLs', budget: number): void {
  const total = { steps: 0, SEAMCALLs: 0 };
  const seconds: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run += 1) {
    total.steps = 0;
    total.SEAMCALLs = 0;
    const start = performance.now();
    for (const one of cases) {
      const { steps, seamcalls, mismatches } = replayModuleCase(one, RELEASE, mode);
      if (mismatches.length !== 0) throw new Error(`${one.id} does not agree`);
      total.steps += steps;
      total.SEAMCALLs += seamcalls;
    }
    const end = performance.now();
    if (run < WARM_UP) continue;
    seconds.push((end - start) / 1000);
    yardsticks.push(yardstick());
  }
  const middle = median(seconds);
  const rate = Math.round(total[unit] / middle);
  const ratio = (middle / median(yardsticks)).toFixed(2);
  process.stdout.write(
    `replay, repeats ${mode.padEnd(8)} ${String(rate).padStart(9)} ${unit}/s (budget ${budget}), ${ratio} yardsticks a pass, ` +
      `best ${Math.round(total[unit] / Math.min(...seconds))}\n`,
  );
}

/** Seconds for a fixed amount of work that no change to the model touches. */
function yardstick(): number {
  const start = performance.now();
  let state = 1;
  for (let step = 0; step < YARDSTICK_STEPS; step += 1) state = (state * 48271 + step) % 2147483647;
  if (state === 0) throw new Error('unreachable');
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
