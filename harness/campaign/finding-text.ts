import { type Case, type CaseFile, encodeCaseLine } from '../case.ts';
import { shellWord } from '../text.ts';
import type { Finding } from './ledger.ts';
import type { JSONCase } from './record.ts';

/** The case as records carry it. */
export function asJSON(input: Case): JSONCase {
  return JSON.parse(encodeCaseLine(input)) as JSONCase;
}

/** The case file of a finding, as small as it is by now. */
export function noteOf({ first, shrunk }: Finding): CaseFile {
  const { invariant, bucket, message, event } = shrunk?.violation ?? first.violation;
  return {
    case: shrunk?.case ?? first.case,
    finding: { invariant, bucket, message, event, minimal: shrunk?.minimal ?? false, origin: first.origin },
  };
}

/** What to type to see a case again. */
export function replayLine(file: string): string {
  return `npx seamstress replay ${shellWord(file)}`;
}
