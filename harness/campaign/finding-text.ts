import { type Case, type CaseFile, encodeCaseLine } from '../case.ts';
import { shellWord } from '../text.ts';
import type { Finding } from './ledger.ts';
import type { JSONCase } from './record.ts';

/** The case in the form that records contain. */
export function asJSON(input: Case): JSONCase {
  return JSON.parse(encodeCaseLine(input)) as JSONCase;
}

/** The case file of a finding, with the shrunk case if there is one. */
export function noteOf({ first, shrunk }: Finding): CaseFile {
  const { invariant, bucket, message, event } = shrunk?.violation ?? first.violation;
  return {
    case: shrunk?.case ?? first.case,
    finding: { invariant, bucket, message, event, minimal: shrunk?.minimal ?? false, origin: first.origin },
  };
}

/** The command that replays a case. */
export function replayLine(file: string): string {
  return `npx seamstress replay ${shellWord(file)}`;
}
