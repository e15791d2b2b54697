import type { Message, MessageId } from './message.ts';

/** What a line of dmesg tells its reader beyond that something happened. */
export type Named = 'leaf' | 'reason' | 'region' | 'lp' | 'package' | 'verdict';

/** Per message, what it names. A named LP, package or errno is argument `a` or `b`. */
const SUBJECTS: { readonly [Id in MessageId]?: readonly Named[] } = {
  'seamcall-failed': ['leaf'],
  'module-not-loaded': ['reason'],
  'tdmrs-exhausted': ['reason'],
  'reserved-areas-exhausted': ['reason', 'region'],
  'module-initialisation-failed': ['verdict'],
  'rbp-clobber': ['reason'],
  'platform-unsupported': ['reason'],
  'tdx-module-initialisation-failed': ['verdict'],
};

/** True if the line names such a thing. */
export function messageNames(message: Message, what: Named): boolean {
  return SUBJECTS[message.id]?.includes(what) === true;
}
