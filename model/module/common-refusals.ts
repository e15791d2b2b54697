import { OPERAND } from '../abi/operand-id.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import { death, refusal } from './outcome.ts';

/** What several leaves refuse a call for, or die of. */

export const GLOBAL_LOCK_HELD = refusal(STATUS.TDX_SYS_BUSY, 'global lock held');
export const OTHER_LP_INSIDE = refusal(STATUS.TDX_SYS_BUSY, 'another LP is inside the module');
export const LP_NOT_INITIALISED = refusal(STATUS.TDX_SYS_LP_INIT_NOT_DONE, 'this LP is not initialised');
export const CPUID_LIMITED = refusal(STATUS.TDX_LIMIT_CPUID_MAXVAL_SET, 'IA32_MISC_ENABLE limits CPUID');
export const RDRAND_FAILED = refusal(STATUS.TDX_RND_NO_ENTROPY, 'RDRAND failed');
export const KEYID_TABLE_LOCKED = refusal(withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.KOT), 'KeyID table locked');
export const NO_KEY_ON_EVERY_PACKAGE = refusal(STATUS.TDX_TD_KEYS_NOT_CONFIGURED, 'the TD has no key on every package');
export const CPU_UNKNOWN = death('CPU family and model unknown to the module');
