import type { Phase } from '../../model/module/state.ts';
import { ALLOCATOR } from './allocator.ts';

const PHASES: readonly string[] = [
  'PENDING',
  'SYSINIT_DONE',
  'CONFIG_DONE',
  'READY',
  'SHUTDOWN',
  'DEAD',
  'ABSENT',
] satisfies readonly (Phase | 'ABSENT')[];

/**
 * What distinguishes a bucket from others of its rule, in words: `TDH.SYS.CONFIG answers TDX_SYS_BUSY, module
 * SYSINIT_DONE`; empty for the only bucket of a rule. The id itself stays unchanged: the corpus and earlier reports use
 * it.
 */
export function bucketText(bucket: string): string {
  const [, ...parts] = bucket.split('|');
  const words: string[] = [];
  for (let at = 0; at < parts.length; at += 1) {
    const part = parts[at] ?? '';
    const next = parts[at + 1];
    if (/^(?:TDH|SEAMLDR)\b/.test(part) && next !== undefined) {
      words.push(answerText(part, next));
      at += 1;
    } else words.push(stateText(part));
  }
  return words.join(', ');
}

function answerText(leaf: string, status: string): string {
  return status.startsWith('TDX_') ? `${leaf} answers ${status}` : `${leaf} ends in ${status}`;
}

function stateText(state: string): string {
  if (PHASES.includes(state)) return `module ${state}`;
  return state
    .replace(/\bkind ([kxcm])\b/, (_, kind: keyof typeof ALLOCATOR) => `object from ${ALLOCATOR[kind]}`)
    .replace(
      /\b(alloc|free) ([kxcm])\b/g,
      (_, what: string, kind: keyof typeof ALLOCATOR) => `${what} (${ALLOCATOR[kind]})`,
    )
    .replace(/^(E[A-Z]+)$/, 'errno $1');
}

/** The id of a bucket and, if it has more than the rule, its text in words. */
export function bucketLine(bucket: string): string {
  const words = bucketText(bucket);
  return words === '' || bucket.endsWith(`|${words}`) ? bucket : `${bucket} (${words})`;
}
