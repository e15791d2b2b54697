import type { CaseFile, Profile } from '../case.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { Sometimes } from '../oracle/verdict.ts';
import type { KnownDeviation } from '../store/known.ts';
import { type Budget, type Deadlines, deadlines, nthRange, type Shard } from './budget.ts';
import { concludeCampaign } from './conclude.ts';
import type { Executor } from './executor.ts';
import type { StopSignal } from '../user-error.ts';
import { enter, enterRecheck, enterSlips, type Finding, type Ledger, openLedger } from './ledger.ts';
import type { Given, Tally } from './range.ts';
import type { CampaignRecord, Found, Footer } from './record.ts';
import { asJSON, noteOf } from './finding-text.ts';

export interface CampaignConfig {
  readonly seed: string;
  readonly profile: Profile;
  readonly mood: string;
  readonly budget: Budget;
  readonly shard: Shard;
  /** Cases in a range; missing: `RANGE_SIZE`. The records depend on it. */
  readonly rangeSize?: number;
  /** Stop at the first finding. */
  readonly bail: boolean;
  /** Limit of `ShrinkLimits.evaluations` for each finding. */
  readonly shrinkEvaluations: number;
  /** Known deviations of the kernel, by bucket. */
  readonly known: ReadonlyMap<string, KnownDeviation>;
  /** Cases to judge before the generated ones. */
  readonly given: readonly Given[];
  readonly sometimes: readonly Sometimes[];
  /** Judge the own case of every known deviation first; false: report only those that cases show. Missing: true. */
  readonly recheck?: boolean;
  /** Also check whether that case is minimal; missing: true. False for slow judges. */
  readonly looksIfMinimal?: boolean;
  /** Buckets for which the given cases were saved: their findings are reported first. */
  readonly expected?: ReadonlySet<string>;
  /** The rule behind a bucket. */
  readonly ruleOf: (bucket: string) => RuleText;
  /** The command that reproduces the case in a file; missing: `replay`. */
  readonly again?: (file: string) => string;
}

/** Everything outside the campaign, such as the clock, files and workers: what differs between runs is in here. */
export interface CampaignPorts {
  readonly executor: Executor;
  /** Milliseconds. */
  readonly now: () => number;
  readonly interrupted: () => StopSignal | undefined;
  /** Keeps a finding's case, in place of what was kept of that bucket before; returns where. */
  readonly save: (bucket: string, file: CaseFile) => string;
  /** Removes the file of a finding that a later case explained; missing: not needed. */
  readonly discard?: (file: string) => void;
  readonly emit: (record: CampaignRecord) => void;
  /** True once something outside failed, such as a disk: the campaign ends with what there is. Missing: never. */
  readonly failed?: () => boolean;
  /** After every range. */
  readonly progress: (ledger: Ledger) => void;
}

/** State of a running campaign. */
interface Run extends CampaignConfig, CampaignPorts {
  readonly ledger: Ledger;
  readonly toShrink: Finding[];
  readonly deadlines: Deadlines | null;
  nextRange: number;
  /** Tallies that wait for an earlier one, by number of range. */
  readonly early: Map<number, Tally>;
  merged: number;
  shrinking: number;
  stopped: boolean;
  /** True if the last job of a lane was shrinking: with one lane, ranges and shrinking alternate. */
  shrankLast: boolean;
}

/**
 * Runs a campaign and returns its footer, the last record emitted. With a budget of runs, the records and the saved
 * cases depend on the configuration only, not on the number of lanes or the speed of the machine.
 */
export async function runCampaign(config: CampaignConfig, ports: CampaignPorts): Promise<Footer> {
  const run: Run = {
    ...config,
    ...ports,
    ledger: openLedger(config.known),
    toShrink: [],
    deadlines: deadlines(config.budget, ports.now()),
    nextRange: 0,
    early: new Map(),
    merged: 0,
    shrinking: 0,
    stopped: false,
    shrankLast: false,
  };
  await readCorpus(run);
  await drain(run);
  await followSlips(run);
  await describeUnshrunk(run);
  for (const { file } of run.ledger.dismissed) run.discard?.(file);
  return concludeCampaign(run, run.ledger, run.interrupted() ?? null, run.emit);
}

/** Judges the own cases of the known deviations, then the given cases, before any generated ones. */
async function readCorpus(run: Run): Promise<void> {
  const { executor, ledger, looksIfMinimal = true } = run;
  const known = run.recheck === false ? [] : [...run.known];
  for (let at = 0; at < known.length; at += executor.lanes) {
    if (isOver(run)) return;
    const some = known.slice(at, at + executor.lanes);
    const found = await Promise.all(
      some.map(([bucket, { case: input }]) =>
        executor.execute({ kind: 'recheck', case: input, bucket, looksIfMinimal }),
      ),
    );
    for (const [index, [bucket, { case: input }]] of some.entries())
      announce(run, enterRecheck(ledger, bucket, found[index] ?? null, input));
    run.progress(ledger);
  }
  if (run.given.length === 0 || isOver(run)) return;
  announce(run, enter(run.ledger, await run.executor.execute({ kind: 'given', given: run.given })));
}

/** One of the executor's lanes: runs jobs until none is left. */
async function lane(run: Run): Promise<void> {
  for (;;) {
    const finding = nextToShrink(run);
    if (finding !== undefined) {
      await shrinkOne(run, finding);
      continue;
    }
    run.shrankLast = false;
    if (await runNextRange(run)) continue;
    if (run.toShrink.length === 0 || shrinkingIsOver(run)) return;
  }
}

function nextToShrink(run: Run): Finding | undefined {
  while (run.toShrink[0] !== undefined && run.ledger.dismissed.includes(run.toShrink[0])) run.toShrink.shift();
  if (run.toShrink.length === 0 || shrinkingIsOver(run)) return undefined;
  const casesLeft = !rangesAreOver(run);
  const lanesTaken = run.executor.lanes === 1 ? run.shrankLast : run.shrinking >= run.executor.lanes / 2;
  return casesLeft && lanesTaken ? undefined : run.toShrink.shift();
}

async function shrinkOne(run: Run, finding: Finding): Promise<void> {
  const { violation, case: input, origin } = finding.first;
  const { bucket } = violation;
  run.shrinking += 1;
  run.shrankLast = true;
  const deadline = run.deadlines?.shrinking ?? null;
  const shrunk = await run.executor.execute({
    kind: 'shrink',
    case: input,
    bucket,
    evaluations: run.shrinkEvaluations,
    deadline,
  });
  run.shrinking -= 1;
  if (shrunk === undefined) {
    run.ledger.crash ??= {
      origin,
      stack: `not deterministic: ${origin} failed in '${bucket}' once, and not when run again`,
    };
    return;
  }
  if (shrunk.crash !== undefined) run.ledger.crash ??= { origin: `shrinking ${origin}`, stack: shrunk.crash.stack };
  finding.shrunk = shrunk;
  save(run, finding);
}

/** Runs the next range; false if there is none, or no time for one. */
async function runNextRange(run: Run): Promise<boolean> {
  if (rangesAreOver(run)) return false;
  const number = run.nextRange;
  const range = nthRange(run.budget, run.shard, number, run.rangeSize);
  if (range === undefined) return false;
  run.nextRange += 1;
  const { seed, profile, mood } = run;
  const tally = await run.executor.execute({ kind: 'range', range: { seed, profile, mood, ...range } });
  run.early.set(number, tally);
  mergeInOrder(run);
  return true;
}

function mergeInOrder(run: Run): void {
  for (let tally = run.early.get(run.merged); tally !== undefined && !run.stopped; tally = run.early.get(run.merged)) {
    run.early.delete(run.merged);
    run.merged += 1;
    const found = enter(run.ledger, tally);
    announce(run, found);
    const { totals, edges, findings } = run.ledger;
    if ((run.merged & (run.merged - 1)) === 0) {
      run.emit({ record: 'progress', ...totals, edges: edges.size, findings: findings.size });
    }
    run.progress(run.ledger);
    if (tally.crash !== null) run.stopped = true;
  }
}

/** Saves and reports findings before they are shrunk, since there may be no time to shrink them. */
function announce(run: Run, found: readonly Finding[]): void {
  for (const finding of found) {
    const { violation, case: input, origin } = finding.first;
    save(run, finding);
    const { invariant, bucket, message, event } = violation;
    const rule = run.ruleOf(bucket);
    const record: Found = {
      ...{ record: 'finding', bucket, invariant, message, event },
      ...{ origin, case: asJSON(input), rule },
    };
    run.emit(record);
    run.toShrink.push(finding);
    if (run.bail) run.stopped = true;
  }
}

/** Enters and shrinks findings made while shrinking others, in the order of those: the same for any number of lanes. */
async function followSlips(run: Run): Promise<void> {
  run.stopped = true;
  let wave: readonly Finding[] = [...run.ledger.findings.values()];
  while (wave.length > 0) {
    const slipped: Finding[] = [];
    for (const finding of wave) {
      const found = enterSlips(run.ledger, finding);
      announce(run, found);
      slipped.push(...found);
    }
    await drain(run);
    wave = slipped;
  }
}

/** Describes the unshrunk case of findings for which there was no time. */
async function describeUnshrunk({ ledger, executor }: Run): Promise<void> {
  for (const finding of ledger.findings.values())
    if (finding.shrunk === undefined && finding.first.case !== undefined)
      finding.shown = await executor.execute({ kind: 'describe', ...finding.first });
}

async function drain(run: Run): Promise<void> {
  await Promise.all(Array.from({ length: run.executor.lanes }, () => lane(run)));
}

function save(run: Run, finding: Finding): void {
  finding.file = run.save(finding.first.violation.bucket, noteOf(finding));
}

function rangesAreOver(run: Run): boolean {
  if (run.stopped || isOver(run)) return true;
  if (
    run.deadlines !== null &&
    run.now() >= (run.toShrink.length > 0 ? run.deadlines.ranges : run.deadlines.idleRanges)
  )
    return true;
  return nthRange(run.budget, run.shard, run.nextRange, run.rangeSize) === undefined;
}

function shrinkingIsOver(run: Run): boolean {
  return isOver(run) || (run.deadlines !== null && run.now() >= run.deadlines.shrinking);
}

function isOver(run: Run): boolean {
  return run.interrupted() !== undefined || run.failed?.() === true;
}
