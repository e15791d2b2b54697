import type { Stages } from '../campaign/stages.ts';
import { replayLine } from '../campaign/finding-text.ts';
import type { Case } from '../case.ts';
import type { KnownDeviation } from '../store/known.ts';
import type { Severity } from '../../model/invariants/severity.ts';
import { type Flaw, shows } from './flaw.ts';

/** Flaws against revisions, with what every cell rests on. */
export interface Matrix {
  readonly kernels: readonly string[];
  readonly formatVersion: 1;
  /** Cases judged to fill it: each known case under every revision, then the generated ones. */
  readonly judged: number;
  /** Generated cases tried per revision. */
  readonly fuzzed: number;
  readonly rows: readonly Row[];
}

export interface Row {
  readonly number: number;
  readonly name: string;
  readonly severity: Severity;
  readonly statement: string;
  readonly source: string;
  readonly shownBy: readonly string[];
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly kernel: string;
  /** `unproven`: a case of another revision, or a generated one, shows it, and no minimal case is kept for this one yet. */
  readonly status: 'present' | 'absent' | 'not applicable' | 'unproven';
  /** Why it is not applicable, or what `unproven` rests on; else empty. */
  readonly why: string;
  /** What the sources say; `null` where the flaw does not apply. */
  readonly said: boolean | null;
  /** Why this matrix is right where it and the sources differ; empty where they agree. */
  readonly difference: string;
  readonly cases: readonly CellCase[];
  /** Cases that show the flaw in another revision and do not show it in this one. */
  readonly triedInVain: number;
}

export interface CellCase {
  readonly bucket: string;
  readonly path: string;
  readonly module: string;
  readonly events: number;
  readonly replay: string;
}

export interface MatrixOptions {
  readonly flaws: readonly Flaw[];
  readonly known: readonly KnownDeviation[];
  /** A path as a person here would type it. */
  readonly nameOf: (path: string) => string;
  /** Generated cases per revision. */
  readonly fuzz: number;
  readonly seed: string;
}

/**
 * Fills the matrix. A cell is `present` if a known case of that revision, judged now, shows the flaw. To say `absent`,
 * all cases that show it elsewhere are judged under this revision too, and as many generated ones as asked for.
 */
export function buildMatrix(stages: Stages, { flaws, known, nameOf, fuzz, seed }: MatrixOptions): Matrix {
  const { kernels } = stages;
  let judged = 0;
  const own = new Map<string, KnownDeviation[]>();
  for (const one of known) {
    judged += 1;
    if (!stages.judge(one.case).violations.some(({ bucket }) => bucket === one.bucket)) continue;
    const { kernel } = one.case.profile;
    own.set(kernel, [...(own.get(kernel) ?? []), one]);
  }
  const elsewhere = new Map<string, Evidence>();
  for (const kernel of kernels) {
    const seen: Evidence = new Map();
    for (const one of distinct(known, kernel)) {
      judged += 1;
      collect(stages, { ...one.case, profile: profileOf(stages, one.case, kernel) }, nameOf(one.path), seen);
    }
    const profile = { kernel, module: stages.defaultModule(kernel) };
    for (let index = 0; index < fuzz; index += 1) {
      judged += 1;
      const [mood = 'default'] = stages.moods;
      collect(stages, stages.generate(seed, index, { profile, mood }), `${seed}:${index}`, seen);
    }
    elsewhere.set(kernel, seen);
  }
  const rows = flaws.map((flaw): Row => {
    const showing = known.filter(({ bucket }) => shows(flaw, bucket)).length;
    const { number, name, severity, statement, source, shownBy } = flaw;
    const cells = kernels.map((kernel) =>
      cellOf(flaw, kernel, own.get(kernel) ?? [], elsewhere.get(kernel) ?? new Map(), showing, nameOf),
    );
    return { number, name, severity, statement, source, shownBy, cells };
  });
  return { formatVersion: 1, kernels, judged, fuzzed: fuzz, rows };
}

/** By bucket: the first case that fell into it. */
type Evidence = Map<string, string>;

function collect({ judge }: Stages, input: Case, name: string, into: Evidence): void {
  for (const { bucket } of judge(input).violations) if (!into.has(bucket)) into.set(bucket, name);
}

/** Cases of other revisions, each once: revisions share many. */
function distinct(known: readonly KnownDeviation[], kernel: string): readonly KnownDeviation[] {
  const seen = new Set<string>();
  return known.filter((one) => {
    if (one.case.profile.kernel === kernel) return false;
    const key = JSON.stringify([one.case.platform, one.case.events], (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The same case under another kernel: with that kernel's usual module, unless the case is about the module. */
function profileOf(stages: Stages, { profile }: Case, kernel: string): Case['profile'] {
  const usual = profile.module === stages.defaultModule(profile.kernel);
  return { kernel, module: usual ? stages.defaultModule(kernel) : profile.module };
}

function cellOf(
  flaw: Flaw,
  kernel: string,
  own: readonly KnownDeviation[],
  elsewhere: Evidence,
  showing: number,
  nameOf: (path: string) => string,
): Cell {
  const why = flaw.notApplicable[kernel];
  const cases = own
    .filter(({ bucket }) => shows(flaw, bucket))
    .map((one): CellCase => {
      const path = nameOf(one.path);
      const { module } = one.case.profile;
      const { length: events } = one.case.events;
      return { bucket: one.bucket, path, module, events, replay: replayLine(path) };
    })
    .sort((a, b) => a.events - b.events || (a.path < b.path ? -1 : 1));
  const stray = [...elsewhere].find(([bucket]) => shows(flaw, bucket));
  const found = cases.length > 0 ? 'present' : stray === undefined ? 'absent' : 'unproven';
  const status = why !== undefined && found === 'absent' ? 'not applicable' : found;
  const said = status === 'not applicable' ? null : flaw.said.includes(kernel);
  const differs = said !== null && said !== (status !== 'absent');
  return {
    kernel,
    status,
    why:
      status === 'not applicable' ? (why ?? '') : status === 'unproven' ? `${stray?.[1]} falls into ${stray?.[0]}` : '',
    said,
    difference: differs ? (flaw.differences[kernel] ?? 'not explained') : '',
    cases,
    triedInVain: found === 'absent' ? showing : 0,
  };
}
