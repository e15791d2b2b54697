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

/** What is wrong with an implementation whose conversation broke off so: an end, a silence, or words that are none. */
export const MANNERS = {
  'cannot-start': 'crash',
  'start-timeout': 'hang',
  'case-timeout': 'hang',
  'idle-timeout': 'hang',
  exit: 'crash',
  garbage: 'garbage',
  'line-too-long': 'line-too-long',
  'protocol-violation': 'protocol-violation',
  refusal: 'protocol-violation',
  version: 'protocol-violation',
} as const satisfies Readonly<Record<FailureKind, string>>;

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
