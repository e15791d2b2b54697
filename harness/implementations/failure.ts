/** The ways in which a conversation with an implementation breaks off. */
export type FailureKind =
  | 'cannot-start'
  | 'start-timeout'
  | 'case-timeout'
  | 'idle-timeout'
  | 'exit'
  | 'garbage'
  | 'line-too-long'
  | 'protocol-violation'
  /** It answered a message that it must know with an error. */
  | 'refusal'
  | 'version';

/** A conversation that broke off: what happened, what to do, and the end of what the implementation wrote to stderr. */
export class ImplementationFailure extends Error {
  readonly kind: FailureKind;
  readonly stderr: string;
  constructor(kind: FailureKind, message: string, stderr: string) {
    super(message);
    this.kind = kind;
    this.stderr = stderr;
  }
}
