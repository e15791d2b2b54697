/** Why a flaw cannot be asked about a revision, or is found against the sources, where more than one flaw has the same answer. */

export const V8_STOPS = 'on a module that exists it never gets past its first SEAMCALL (flaw 13)';
export const NO_CMR_TABLE = 'it does not read the table of CMRs with TDH.SYS.INFO';
export const LEAVES_S3_ALONE = 'it leaves S3 alone (flaw 64)';
export const NO_KEXEC = 'INTEL_TDX_HOST and KEXEC_CORE exclude each other in Kconfig';
export const NO_MACHINE_CHECK = 'the machine-check helper came with v11';
export const INITIALISED_BY_ANOTHER =
  "found with somebody else running TDH.SYS.INIT and TDH.SYS.LP.INIT first, as its author's own test tree did";

const NO_KVM = 'it has no KVM that makes guests';
export const NO_GUESTS = { v5: NO_KVM, v7: NO_KVM, v8: NO_KVM, v11: NO_KVM, '6.12': NO_KVM, '6.12-cmr': NO_KVM };
