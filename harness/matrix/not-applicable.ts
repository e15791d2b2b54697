/** Why a flaw cannot be asked about a revision, where more than one flaw has the same answer. */

export const V8_STOPS = 'on a module that exists it never gets past its first SEAMCALL (flaw 13)';
export const NO_CMR_TABLE = 'it does not read the table of CMRs with TDH.SYS.INFO';
export const NO_KEXEC = 'INTEL_TDX_HOST and KEXEC_CORE exclude each other in Kconfig';
export const NO_MACHINE_CHECK = 'the machine-check helper came with v11';
