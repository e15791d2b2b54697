/** Exit codes of every verb: a contract (README, "Exit codes"). */
export const EXIT = {
  /** No finding, or known deviations only. */
  OK: 0,
  /** A finding. */
  FINDING: 1,
  /** Usage or configuration: a bad flag, file or value. */
  USAGE: 2,
  /** Inconclusive: nothing was compared or run, only skips, or a `sometimes` was never reached. */
  INCONCLUSIVE: 3,
  /** An implementation or the harness could not run. */
  CANNOT_RUN: 4,
  /** A bug of seamstress. */
  INTERNAL: 70,
  /** Interrupted after a clean flush (the terminal closed, Ctrl-C, SIGTERM). */
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const;

/** Signals that ask for a clean end: the terminal closed, Ctrl-C, SIGTERM. */
export type StopSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure the user can fix: printed as one message (what was expected, what to do), never with a stack trace. */
export class UserError extends Error {
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode = EXIT.USAGE) {
    super(message);
    this.exitCode = exitCode;
  }
}
