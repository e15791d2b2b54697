import { createModule } from '../module/state.ts';
import { buildHardware } from '../platform/build-hardware.ts';
import { createSEAMLDR } from '../seamldr/seamldr.ts';
import type { SleepState } from './event.ts';
import type { World } from './world.ts';

/**
 * What the machine loses while it sleeps. Packages are without power, so VMX operation, the keys of all private KeyIDs
 * and the module's own memory are gone; the kernel's memory is not. In S3 "the hardware resets and disables TDX
 * completely" (Documentation/arch/x86/tdx.rst, Linux 6.12): no SEAMRR is valid afterwards. From hibernation the machine
 * starts like any other day, by BIOS, MCHECK and a module loaded afresh, before the image is read back.
 *
 * Inferred: nobody has recorded it. That a SEAMCALL after S3 ends in #GP follows from the invalid SEAMRR.
 */
export function losePower(world: World, state: SleepState): void {
  const { hardware, seamldr, platform, mcheck, bootLP } = world;
  const fresh = buildHardware(platform, mcheck);
  for (const [index, lp] of hardware.lps.entries()) {
    lp.vmx = false;
    lp.seamrrValid = state === 'hibernation' && fresh.lps[index]?.seamrrValid === true;
  }
  // A loader that finds no valid SEAMRR is not there, and neither is what it would have loaded.
  Object.assign(seamldr, createSEAMLDR(hardware, platform.moduleImage, bootLP));
  world.module = createModule(world.release);
  world.lostPAMT.length = 0;
}
