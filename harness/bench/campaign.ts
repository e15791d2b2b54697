import { PAGE_4K } from '../../model/abi/page.ts';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { coverMemory } from '../../model/kernel/tdmr.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { packageNumbers } from '../../model/platform/topology.ts';
import { isJudgedInFull, MADE_AHEAD, runRange } from '../campaign/range.ts';
import type { Case } from '../case.ts';
import { runCase } from '../oracle/judge-case.ts';
import { stages } from '../pipeline.ts';

// Cases per second of a campaign in its default mood, with every invariant, per kernel revision, and the distribution of
// the time. A complete case has at least 2 packages, 4 LPs, memory that takes 2 TDMRs and 8 events, and reaches READY or
// a named failure: `complete` is the rate of a campaign with only such cases. The budget is 20,000 of them per second on
// one core, with generation below a third.
//
// Two yardsticks, measured between the rounds, separate the speed of the machine from that of the code: a fixed piece of
// integer work, and plain fast-check arbitraries that generate a record of about the size of a case.

/** V8 continues to compile for about thirty thousand cases, one or two seconds of a campaign. */
const WARM_UP = 40_000;
const ROUNDS = 7;
const PER_ROUND = 3_000;
/** Cases per measurement: short enough to fit between two disturbances on a shared machine. */
const PER_STRETCH = 500;
const BUDGET = 20_000;
const SEED = 'bench';
const YARDSTICK_STEPS = 500_000;
const YARDSTICK_RECORDS = 500;
const YARDSTICK_WARM_UP = 10;

interface Result {
  readonly kernel: string;
  /** Medians. Rates are per second on one core, times in microseconds per case. */
  readonly casesPerSecond: number;
  /** Rate of the fastest measurement. */
  readonly best: number;
  readonly completePerSecond: number;
  /** Percentage of complete cases in a campaign. */
  readonly completePercent: number;
  readonly microseconds: Readonly<Record<Part, number>>;
  /** Milliseconds for a million steps of integer work, and the cost of a case in steps. */
  readonly yardstickMs: number;
  readonly stepsPerCase: number;
  readonly fastCheckRecordsPerSecond: number;
  /** Cases generated, run and judged in the time that plain fast-check generates one record. */
  readonly casesPerRecord: number;
}

const PARTS = ['generation', 'model', 'invariants', 'metamorphic', 'rest'] as const;
type Part = (typeof PARTS)[number];

const words = process.argv.slice(2);
const one = words.indexOf('--kernel');
const json = words.includes('--json');

if (one !== -1) process.stdout.write(`${JSON.stringify(measure(words[one + 1] ?? ''))}\n`);
else {
  // Each revision in its own process, as a campaign.
  const results = stages.kernels.map((kernel) => {
    const { stdout, status } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--kernel', kernel], {
      stdio: ['ignore', 'pipe', 'inherit'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the bench of ${kernel} ended with ${status ?? 'a signal'}`);
    const result = JSON.parse(stdout) as Result;
    if (!json) print(result, kernel === stages.kernels[0]);
    return result;
  });
  if (json) process.stdout.write(`${JSON.stringify({ budget: BUDGET, mood: stages.moods[0], results }, null, 2)}\n`);
}

function print(
  {
    kernel,
    casesPerSecond,
    best,
    completePerSecond,
    completePercent,
    microseconds,
    yardstickMs,
    stepsPerCase,
    casesPerRecord,
  }: Result,
  first: boolean,
): void {
  const total = PARTS.reduce((sum, part) => sum + microseconds[part], 0);
  const cells = [
    kernel.padEnd(10),
    String(casesPerSecond).padStart(8),
    String(best).padStart(8),
    `${completePerSecond}`.padStart(10),
    `${completePercent.toFixed(0)} %`.padStart(5),
    ...PARTS.map((part) => `${((100 * microseconds[part]) / total).toFixed(0)} %`.padStart(part.length + 1)),
    `${yardstickMs.toFixed(1)} ms`.padStart(10),
    String(stepsPerCase).padStart(10),
    casesPerRecord.toFixed(2).padStart(9),
  ];
  if (first) {
    const heads = [
      ...PARTS.map((part) => part.padStart(part.length + 1)),
      'yardstick'.padStart(10),
      'steps/case',
      'cases/rec',
    ];
    process.stdout.write(`${'kernel'.padEnd(10)}  cases/s     best complete/s  share ${heads.join(' ')}\n`);
  }
  process.stdout.write(`${cells.join(' ')}\n`);
}

type RangeOptions = Pick<Parameters<typeof runRange>[1], 'profile' | 'mood'>;

/** Measurements in seconds. */
interface Times {
  /** Per case of a campaign; one measurement per stretch. */
  readonly whole: number[];
  /** All cases of a round. */
  readonly rounds: number[];
  /** Per complete case. */
  readonly complete: number[];
  readonly yardsticks: number[];
  readonly records: number[];
  /** Per case, by part; one measurement per round. */
  readonly parts: Readonly<Record<Part, number[]>>;
}

function measure(kernel: string): Result {
  const options = { profile: { kernel, module: stages.defaultModule(kernel) }, mood: stages.moods[0] ?? '' };
  runCases(options, 0, WARM_UP);
  for (let time = 0; time < YARDSTICK_WARM_UP; time += 1) records(time);

  const parts: Times['parts'] = { generation: [], model: [], invariants: [], metamorphic: [], rest: [] };
  const times: Times = { whole: [], rounds: [], complete: [], yardsticks: [], records: [], parts };
  const seen = new Set(stages.sometimes(options.profile).map(({ id }) => id));
  let completeSeen = 0;
  for (let round = 0; round < ROUNDS; round += 1) completeSeen += measureRound(times, options, round, seen);
  return resultOf(kernel, times, completeSeen);
}

function runCases(options: RangeOptions, from: number, to: number): void {
  const { crash } = runRange(stages, { ...options, seed: SEED, from, to });
  if (crash !== null) throw new Error(`${crash.origin}: ${crash.stack}`);
}

/** Returns how many of the round's cases are complete. */
function measureRound(times: Times, options: RangeOptions, round: number, seen: ReadonlySet<string>): number {
  const from = WARM_UP + round * PER_ROUND;
  const indices = Array.from({ length: PER_ROUND }, (_, at) => from + at);
  const generate = (index: number): Case => stages.generate(SEED, index, options);
  times.yardsticks.push(timed(yardstick));
  times.records.push(timed(() => records(round)));

  let all = 0;
  for (let at = from; at < from + PER_ROUND; at += PER_STRETCH) {
    const stretch = timed(() => runCases(options, at, at + PER_STRETCH));
    times.whole.push(stretch / PER_STRETCH);
    all += stretch;
  }
  const cases: Case[] = [];
  const generation = timed(() => {
    for (const index of indices) cases.push(generate(index));
  });
  const model = timed(() => {
    for (const input of cases) runCase(input);
  });
  const judged = timed(() => {
    for (const input of cases) stages.judge(input, false, seen);
  });
  const judgedInFull = timed(() => {
    for (const [at, input] of cases.entries()) stages.judge(input, isJudgedInFull(from + at, input), seen);
  });
  const isComplete = cases.map((input) => isLarge(input) && stages.judge(input, false).complete);
  const completeOnes = indices.filter((_, at) => isComplete[at]);
  const completeTime = timed(() => judgeMade(completeOnes, generate, seen));

  times.rounds.push(all);
  times.complete.push(completeTime / completeOnes.length);
  const { parts } = times;
  parts.generation.push(generation / PER_ROUND);
  parts.model.push(model / PER_ROUND);
  parts.invariants.push((judged - model) / PER_ROUND);
  parts.metamorphic.push((judgedInFull - judged) / PER_ROUND);
  parts.rest.push((all - generation - judgedInFull) / PER_ROUND);
  return completeOnes.length;
}

/** Generates and judges cases in batches, as a range does. */
function judgeMade(indices: readonly number[], generate: (index: number) => Case, seen: ReadonlySet<string>): void {
  for (let from = 0; from < indices.length; from += MADE_AHEAD) {
    const next = indices.slice(from, from + MADE_AHEAD);
    const made = next.map(generate);
    for (const [at, index] of next.entries()) {
      const input = made[at] as Case;
      stages.judge(input, isJudgedInFull(index, input), seen);
    }
  }
}

function resultOf(kernel: string, times: Times, completeSeen: number): Result {
  const { whole, rounds, complete, yardsticks, parts } = times;
  const step = median(yardsticks) / YARDSTICK_STEPS;
  const record = median(times.records) / YARDSTICK_RECORDS;
  return {
    kernel,
    casesPerSecond: Math.round(1 / median(whole)),
    best: Math.round(1 / Math.min(...whole)),
    completePerSecond: Math.round(1 / median(complete)),
    completePercent: (100 * completeSeen) / (ROUNDS * PER_ROUND),
    // The difference of two very small measurements can be negative.
    microseconds: {
      generation: microseconds(parts.generation),
      model: microseconds(parts.model),
      invariants: microseconds(parts.invariants),
      metamorphic: microseconds(parts.metamorphic),
      rest: microseconds(parts.rest),
    },
    yardstickMs: step * 1e9,
    stepsPerCase: Math.round(
      median(rounds.map((time, round) => (time / PER_ROUND / (yardsticks[round] ?? 1)) * YARDSTICK_STEPS)),
    ),
    fastCheckRecordsPerSecond: Math.round(1 / record),
    casesPerRecord: record / median(whole),
  };
}

/** At least 2 packages, 4 LPs, 2 TDMRs and 8 events. */
function isLarge({ platform, events }: Case): boolean {
  return (
    events.length >= 8 &&
    platform.lps.length >= 4 &&
    packageNumbers(platform.lps, true).length >= 2 &&
    tdmrsNeeded(platform) >= 2
  );
}

function tdmrsNeeded({ memory }: Platform): number {
  const regions = memory.map(({ base, size, node }) => ({
    startPfn: Math.ceil(base / PAGE_4K),
    endPfn: Math.floor((base + size) / PAGE_4K),
    node,
    object: 0,
  }));
  return coverMemory(regions, 64, []);
}

/** Duration of `work` in seconds. */
function timed(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/** A fixed amount of work that no change to the project touches. */
function yardstick(): void {
  let state = 1;
  for (let step = 0; step < YARDSTICK_STEPS; step += 1) state = (state * 48271 + step) % 2147483647;
  if (state === 0) throw new Error('unreachable');
}

/** The straightforward version: a machine and its events as arbitraries, without any of the rules. */
function records(round: number): void {
  const lp = fc.record({
    package: fc.nat(3),
    core: fc.nat(3),
    thread: fc.nat(1),
    bios: fc.boolean(),
    online: fc.boolean(),
    vmx: fc.boolean(),
  });
  const stretch = fc.record({ base: fc.nat(), size: fc.nat() });
  const event = fc.oneof(
    fc.record({ kind: fc.constant('enable') }),
    fc.record({ kind: fc.constantFrom('vmxon', 'vmxoff', 'cpu-enable', 'cpu-online', 'cpu-offline'), lp: fc.nat(7) }),
    fc.record({ kind: fc.constant('memory-add'), base: fc.nat(), size: fc.nat(), node: fc.nat(3) }),
  );
  const machine = fc.record({
    lps: fc.array(lp, { minLength: 4, maxLength: 8 }),
    memory: fc.array(stretch, { minLength: 2, maxLength: 4 }),
    cmrs: fc.array(stretch, { minLength: 2, maxLength: 4 }),
    events: fc.array(event, { minLength: 8, maxLength: 12 }),
  });
  if (fc.sample(machine, { numRuns: YARDSTICK_RECORDS, seed: round }).length !== YARDSTICK_RECORDS)
    throw new Error('unreachable');
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

function microseconds(seconds: readonly number[]): number {
  const value = Math.round(median(seconds) * 1e7) / 10;
  return value < 0 ? 0 : value;
}
