import { ImplementationFailure } from '../process/failure.ts';

/** One rung of the ladder: whether it holds, and what to mend if it does not. */
export interface Rung {
  readonly name: string;
  readonly result: 'ok' | 'failed' | 'not-reached';
  /** What was seen. */
  readonly message: string;
  /** What to do about it; empty where nothing is to be done. */
  readonly advice: string;
}

export interface SmokeReport {
  readonly format: 'seamstress-smoke';
  readonly formatVersion: 1;
  readonly implementation: string;
  readonly rungs: readonly Rung[];
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

/** A rung throws a Slip where it does not hold; what it returns is shown where it does. */
export type RungCheck<C> = (climb: C) => Promise<string> | string;

export class Slip extends Error {
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

/** The implementation on the ladder, once started. */
export interface Climber {
  readonly stderr: () => string;
  readonly close: () => Promise<void> | void;
}

/** A rung: its name, its check and, perhaps, where a page says how to make it hold. */
export type RungPlan<C> = readonly [string, RungCheck<C>, string?];

/**
 * Climbs up to the first rung that does not hold. `begin` comes before the first rung and is part of it; `schema` is the
 * file that has the messages of the implementation.
 */
export async function climbLadder<C extends Climber>(
  implementation: string,
  ladder: readonly RungPlan<C>[],
  schema: string,
  begin: () => Promise<C> | C,
): Promise<SmokeReport> {
  const rungs: Rung[] = [];
  let climb: C | null = null;
  let stderr = '';
  let failed = false;
  try {
    for (const [name, check, page] of ladder) {
      if (failed) {
        rungs.push({ name, result: 'not-reached', message: '', advice: '' });
        continue;
      }
      try {
        climb ??= await begin();
        rungs.push({ name, result: 'ok', message: await check(climb), advice: '' });
      } catch (error) {
        if (!(error instanceof Slip) && !(error instanceof ImplementationFailure)) throw error;
        failed = true;
        stderr = error instanceof ImplementationFailure ? error.stderr : (climb?.stderr() ?? '');
        const advice = `${adviceOf(error, schema)}${page === undefined ? '' : ` (${page})`}`;
        rungs.push({ name, result: 'failed', message: error.message, advice });
      }
    }
  } finally {
    await climb?.close();
  }
  return { format: 'seamstress-smoke', formatVersion: 1, implementation, rungs, stderr };
}

const ADVICE: Readonly<Record<ImplementationFailure['kind'], string>> = {
  'cannot-start': 'try the command in a shell: it has to start there',
  'start-timeout': 'read stdin line by line, answer each line at once, and flush stdout',
  'case-timeout': 'answer a `run` as soon as its last case is played; --timeout gives it longer',
  'idle-timeout': 'answer a `run` as soon as its last case is played; --timeout gives it longer',
  exit: 'it must live until `stop` or the end of its stdin',
  garbage: 'write nothing but messages to stdout; send debugging to stderr',
  'line-too-long': 'a line has at most 8 MiB: lower batchMax',
  'protocol-violation': 'compare the message with ',
  refusal: 'every message that the protocol has must be answered, and not with an error',
  version: 'answer hello with the major version of the protocol you were written for: 1',
};

function adviceOf(error: Slip | ImplementationFailure, schema: string): string {
  if (error instanceof Slip) return error.advice;
  return `${ADVICE[error.kind]}${error.kind === 'protocol-violation' ? `harness/implementations/protocol/${schema}` : ''}`;
}
