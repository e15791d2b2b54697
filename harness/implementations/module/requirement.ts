import { keyOf, leafOf } from './suite/reach.ts';
import { statusDetails, statusName } from '../../../model/abi/status.ts';
import { formatU64, parseU64 } from '../../../model/abi/u64.ts';
import type { CaseAnswer, ModuleCaseText } from '../protocol/messages.ts';

/**
 * A requirement is an answer the ABI demands somewhere: `TDH.SYS.CONFIG TDX_OPERAND_INVALID 0x1`, leaf, status and
 * details. These are the ones that the steps of a case show, by step.
 */
export function requirementsOf({ steps }: ModuleCaseText, expected: CaseAnswer): readonly (readonly string[])[] {
  if (expected.outcome !== 'observed') return [];
  return expected.steps.map(({ fatal, result, runs }, index) => {
    const leaf = leafOf(parseU64(steps[index]?.seamcall.rax ?? '0x0') ?? 0);
    if (fatal !== undefined) return [keyOf({ leaf, status: 'fatal', details: 0 })];
    const answers = runs ?? (result === undefined ? [] : [{ n: 1, result }]);
    const keys = answers.flatMap((run) => {
      const rax = parseU64(run.result['rax'] ?? '0x0') ?? 0;
      const status = statusName(rax);
      return status === undefined ? [] : [keyOf({ leaf, status, details: statusDetails(rax) })];
    });
    return [...new Set(keys)];
  });
}

/** A RAX for a reader: `TDX_OPERAND_INVALID 0x1`, or the number where no status has it. */
export function raxText(text: string): string {
  const rax = parseU64(text);
  const status = rax === undefined ? undefined : statusName(rax);
  if (rax === undefined || status === undefined) return text;
  const details = statusDetails(rax);
  return details === 0 ? status : `${status} ${formatU64(details)}`;
}

/** The leaf in a RAX for a reader, with its number: `TDH.SYS.INIT (0x21)`, or the number alone where no leaf has it. */
export function leafText(rax: string): string {
  const name = leafOf(parseU64(rax) ?? 0);
  return name === 'RAX' ? rax : `${name} (${rax})`;
}
