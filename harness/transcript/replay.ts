/** What replaying one recorded case against the model came to. The two recordings (module, Linux) share this shape. */
export interface CaseResult {
  readonly id: string;
  /** Recorded steps (a folded `repeat` is one). */
  readonly steps: number;
  /** SEAMCALLs made, every call of a repeat counted. */
  readonly seamcalls: number;
  readonly mismatches: readonly Mismatch[];
  /** What was deliberately not compared, by name; never silent. */
  readonly skipped: readonly { readonly reason: string; readonly count: number }[];
}

export interface Mismatch {
  readonly id: string;
  /** 0-based index of the recorded step; -1 for the boot. */
  readonly step: number;
  /** What was compared: `rax`, `dmesg[1]`, `sc[3].inputs` ... */
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  /** The model's reason for its own answer (the check that decided), for a person to read. */
  readonly reason: string;
}

/** Replays one parsed line; throws `TraceFormatError` where the line is not of the recorded shape. */
export type ReplayCase = (line: unknown) => CaseResult;

/** The recording itself is damaged or of another format: what was expected, and where. */
export class TraceFormatError extends Error {}
