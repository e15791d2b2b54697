import { createModule } from '../../module/state.ts';
import { buildHardware } from '../../platform/build-hardware.ts';
import { createSEAMLDR } from '../../seamldr/seamldr.ts';
import { bootNextKernel } from '../boot.ts';
import type { SleepState } from '../event.ts';
import { firstOnline, runAlone, startThread } from '../kernel-thread.ts';
import { closeRecord, hasTalked } from '../record.ts';
import type { EventRecord, Outcome } from '../trace.ts';
import type { World } from '../world.ts';

/** Events that stop the machine: no other is under way, so their flows run to the end here. */

/**
 * The old kernel's part, and if that returns 0, a new kernel's boot in a record of its own. The old kernel's record is
 * closed before the new one boots.
 */
export function kexec(world: World, record: EventRecord): Outcome {
  const { kernel } = world;
  record.errno = runAlone(world, startThread(world, kernel.revision.kexec, firstOnline(world)));
  if (record.errno !== 0) return 'refused';
  if (kernel.crash !== null) return 'crashed';
  record.outcome = 'done';
  closeRecord(world, record);
  if (hasTalked(world)) world.disturbed = true;
  bootNextKernel(world);
  return 'done';
}

/** The way in; the loss of power, unless the way in was refused; the way back, whose errno is not reported. */
export function suspend(world: World, record: EventRecord, state: SleepState): Outcome {
  const { kernel, hardware } = world;
  const cpu = firstOnline(world);
  const inVMX = hardware.lps.map(({ vmx }) => vmx);
  record.errno = runAlone(world, startThread(world, kernel.revision.suspend[state], cpu));
  if (kernel.crash !== null) return 'crashed';
  if (record.errno === 0) {
    if (hasTalked(world)) world.disturbed = true;
    losePower(world, state);
  }
  // KVM brings the CPUs back into VMX operation that it kept there: kvm_resume() and kvm_online_cpu(), Linux 6.12.
  if (kernel.revision.vmxGet === null)
    for (const [lp, processor] of hardware.lps.entries()) processor.vmx = inVMX[lp] === true;
  runAlone(world, startThread(world, kernel.revision.resume[state], cpu));
  return record.errno === 0 ? 'done' : 'refused';
}

/**
 * What the machine loses while it sleeps. Packages are without power, so VMX operation, the keys of all private KeyIDs
 * and the module's own memory are gone; the kernel's memory is not. In S3 "the hardware resets and disables TDX
 * completely" (Documentation/arch/x86/tdx.rst, Linux 6.12): no SEAMRR is valid afterwards. From hibernation the machine
 * starts as from power-off, by BIOS, MCHECK and a module loaded afresh, before the image is read back.
 *
 * Inferred: there is no recording of it. That a SEAMCALL after S3 ends in #GP follows from the invalid SEAMRR.
 */
function losePower(world: World, state: SleepState): void {
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
