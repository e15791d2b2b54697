import { lowHalf, type U64 } from '../abi/u64.ts';
import { statusName } from '../abi/status.ts';

/**
 * Leaves that change something although they refuse: the exceptions to "a refused SEAMCALL changes nothing". Each is
 * shown by recorded cases of TDX module 1.5.01. `statuses`: only with these; missing = with any.
 */
const EXCEPTIONS: ReadonlyMap<number, { readonly statuses?: readonly string[]; readonly why: string }> = new Map([
  [32, { why: 'TDH.SYS.INFO wipes the RCX buffer before it looks at R8 and R9 (info-*)' }],
  [33, { why: 'TDH.SYS.INIT stores the KeyID range and address mask before later checks (init-*)' }],
  [35, { why: 'TDH.SYS.LP.INIT stores the package of the LP when it reaches CPUID 1F.0 (lpinit-*)' }],
  [45, { why: 'TDH.SYS.CONFIG reserves the KeyID before it looks at the TDMRs (config-hkid-leak)' }],
  [9, { why: 'TDH.MNG.CREATE zeroes the page before it draws entropy (create-*)', statuses: ['TDX_RND_NO_ENTROPY'] }],
  [
    1,
    { why: 'TDH.MNG.ADDCX fills the sixth page before it draws entropy (addcx-*)', statuses: ['TDX_RND_NO_ENTROPY'] },
  ],
  [40, { why: 'TDH.PHYMEM.CACHE.WB forgets an interrupted session, and keeps one when interrupted (cachewb-*)' }],
  // Not refusals: informational statuses whose effect is the point.
  [44, { why: 'TDH.SYS.LP.SHUTDOWN always succeeds' }],
]);

/** True if this leaf may leave a trace whatever it answers. */
export function alwaysLeavesTrace(leaf: U64): boolean {
  const exception = EXCEPTIONS.get(lowHalf(leaf) & 0xffff);
  return exception !== undefined && exception.statuses === undefined;
}

/** True if this leaf may leave a trace although it answered `rax`. */
export function leavesTraceWhenRefused(leaf: U64, rax: U64): boolean {
  const exception = EXCEPTIONS.get(lowHalf(leaf) & 0xffff);
  if (exception === undefined) return false;
  return exception.statuses === undefined || exception.statuses.includes(statusName(rax) ?? '');
}
