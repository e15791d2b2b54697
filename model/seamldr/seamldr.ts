import type { Hardware } from '../platform/hardware.ts';
import type { Platform } from '../platform/platform.ts';

/**
 * The persistent SEAM loader's own memory and the two flags of SEAMEXTEND that the SEAMCALL instruction looks at.
 * NP-SEAMLDR, which installs it, leaves nothing else behind.
 */
export interface SEAMLDRState {
  /** P_SEAMLDR_READY: calls with RAX bit 63 set reach the P-SEAMLDR. */
  ready: boolean;
  /** SEAM_READY: calls with RAX bit 63 clear reach a TDX module. Clear while an INSTALL session is open. */
  moduleReady: boolean;
  /** What SEAM_READY was when the open session began: comes back if the session ends without touching memory. */
  moduleReadyBefore: boolean;
  /** Another LP is inside the P-SEAMLDR: its mutex makes every call to it fail at the instruction. */
  mutexBusy: boolean;
  /** An image is at hand for INSTALL (from BIOS, the EFI partition or the kernel's firmware). */
  readonly imageAvailable: boolean;
  /** By LP index: called INSTALL in the open session. */
  readonly installed: boolean[];
  installedCount: number;
  /** By LP index: called SHUTDOWN. */
  readonly shutDown: boolean[];
  shutDownCount: number;
  /** The LP NP-SEAMLDR was launched on: only it may be the last to shut down. */
  readonly launchLP: number;
}

/**
 * The loaders when the kernel starts. NP-SEAMLDR runs on the boot LP and needs a valid SEAMRR there; it installs the
 * P-SEAMLDR, and BIOS lets that install the module if `moduleImage` says so.
 */
export function createSEAMLDR(hardware: Hardware, moduleImage: Platform['moduleImage'], bootLP: number): SEAMLDRState {
  const ready = bootLP !== -1 && hardware.lps[bootLP]?.seamrrValid === true;
  const moduleReady = ready && moduleImage === 'bios';
  return {
    ready,
    moduleReady,
    moduleReadyBefore: moduleReady,
    mutexBusy: false,
    imageAvailable: moduleImage !== 'absent',
    installed: hardware.lps.map(() => false),
    installedCount: 0,
    shutDown: hardware.lps.map(() => false),
    shutDownCount: 0,
    launchLP: bootLP,
  };
}

/** A deep copy, for branch points. */
export function cloneSEAMLDR(state: SEAMLDRState): SEAMLDRState {
  return { ...state, installed: state.installed.slice(), shutDown: state.shutDown.slice() };
}

/** True between the first LP's INSTALL and the last one's: module calls are VMfailInvalid meanwhile. */
export function isInstallOpen(state: SEAMLDRState): boolean {
  return state.installedCount > 0;
}

/** The module is gone (the `module-unload` event): its image was discarded and SEAM_READY cleared. */
export function unloadModule(state: SEAMLDRState): void {
  state.moduleReady = false;
  state.moduleReadyBefore = false;
}
