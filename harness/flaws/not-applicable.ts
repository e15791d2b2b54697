/** Reasons shared by flaws: why one does not apply to a revision, or why the matrix differs from the sources. */

export const V8_STOPS = 'with a real module it never gets past its first SEAMCALL (flaw 13)';
export const NO_CMR_TABLE = 'it does not read the table of CMRs with TDH.SYS.INFO';
export const LEAVES_S3_ALONE = 'it leaves S3 alone (flaw 64)';
export const NO_KEXEC = 'INTEL_TDX_HOST and KEXEC_CORE exclude each other in Kconfig';
export const NO_MACHINE_CHECK = 'the machine-check helper came with v11';
export const INITIALISED_BY_ANOTHER =
  "found with TDH.SYS.INIT and TDH.SYS.LP.INIT run by other code first, as in the author's test tree";

const NO_KVM = 'its KVM does not create TDX guests';
export const NO_GUESTS = { v5: NO_KVM, v7: NO_KVM, v8: NO_KVM, v11: NO_KVM, '6.12': NO_KVM, '6.12-cmr': NO_KVM };
