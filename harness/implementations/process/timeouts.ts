/** How long an implementation may take. Milliseconds. */
export interface Timeouts {
  /** From the start of the process to the answer to `hello`, and for the answer to `configure`. */
  readonly start: number;
  /** For each SEAMCALL of a case, calls of a repeat not counted apart. */
  readonly step: number;
  /** For one case at most, however many steps it has. */
  readonly case: number;
  /** Without a byte while something is asked. */
  readonly idle: number;
  /** From `stop` to the end of the process; after it SIGTERM, and as long again later SIGKILL, to the process group. */
  readonly shutdown: number;
}

export const DEFAULT_TIMEOUTS: Timeouts = { start: 10_000, step: 1_000, case: 5_000, idle: 10_000, shutdown: 2_000 };

/** What a case with this many steps may take. */
export function caseLimit({ step, case: most }: Timeouts, steps: number): number {
  const limit = step * (steps + 1);
  return limit < most ? limit : most;
}
