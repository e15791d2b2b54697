import { PHYSICAL_END } from '../abi/size.ts';
import { highHalf, lowHalf } from '../abi/u64.ts';
import { createPageAllocator } from '../kernel/page-allocator.ts';
import type { Revision } from '../kernel/revision.ts';
import { type BootFacts, createKernel } from '../kernel/state.ts';
import { createThread, runThread } from '../kernel/thread.ts';
import type { Release } from '../module/release.ts';
import { createModule } from '../module/state.ts';
import { buildHardware } from '../platform/build-hardware.ts';
import { readKeyIDPartition } from '../platform/keyid.ts';
import { runMCHECK } from '../platform/mcheck.ts';
import { asMemblock } from '../platform/memory-map.ts';
import type { Platform } from '../platform/platform.ts';
import { bootLP, onlineAtBoot } from '../platform/topology.ts';
import { createSEAMLDR } from '../seamldr/seamldr.ts';
import type { BootEvent } from './trace.ts';
import { createWorldPort } from './world-port.ts';
import { modulePhase, type World } from './world.ts';

/**
 * BIOS, MCHECK, the loaders, then the kernel up to the end of its boot-time detection. The first record of the world is
 * that of the boot. `watchRefusals`: see World.
 */
export function bootWorld(platform: Platform, revision: Revision, release: Release, watchRefusals = false): World {
  const mcheck = runMCHECK(platform);
  const memory = asMemblock(platform.memory);
  const hardware = buildHardware(platform, mcheck);
  const first = bootLP(platform.lps);
  const online = onlineAtBoot(platform);
  const mayEnterVMX = hardware.lps.map(({ vmx }) => vmx);
  // A kernel that counts users of VMX operation enters it when the first one comes; others find what the case says.
  hardware.lps.forEach((processor, lp) => {
    processor.vmx = revision.vmxGet === null && processor.vmx && online[lp] === true;
  });
  const seamldr = createSEAMLDR(hardware, platform.moduleImage, first);
  const kernel = createKernel(
    revision,
    bootFacts(platform, first, seamldr.ready),
    kernelCPUs(platform, online),
    memory,
  );
  const world: World = {
    platform,
    release,
    mcheck,
    hardware,
    seamldr,
    module: createModule(release),
    kernel,
    port: UNBOUND,
    allocator: createPageAllocator(memory),
    mayEnterVMX,
    bootLP: first,
    faults: { conditions: [], allocations: [], cmrEntries: [] },
    brokenCMREntries: [],
    trace: [],
    records: [],
    foldFrom: 0,
    imbalancesBefore: 0,
    overlaps: [],
    lostPAMT: [],
    tampered: false,
    disturbed: false,
    watchRefusals,
  };
  world.port = createWorldPort(world);
  bootKernel(world, first === -1 ? 0 : first);
  return world;
}

/**
 * A new kernel on the same machine: memory is what e820 says again, no CPU is in VMX operation, and the module is as the
 * old kernel left it.
 */
export function bootNextKernel(world: World): void {
  const { platform, hardware, bootLP: first } = world;
  const { revision, facts } = world.kernel;
  const online = onlineAtBoot(platform);
  const memory = asMemblock(platform.memory);
  for (const lp of hardware.lps) lp.vmx = false;
  // SEAM may have been lost since the machine came up.
  const seamrrEnabled = first !== -1 && hardware.lps[first]?.seamrrValid === true;
  world.kernel = createKernel(revision, { ...facts, seamrrEnabled }, kernelCPUs(platform, online), memory);
  world.allocator = createPageAllocator(memory);
  world.faults.allocations.length = 0;
  bootKernel(world, first === -1 ? 0 : first);
}

/** Runs the kernel's boot-time detection and records it. */
function bootKernel(world: World, cpu: number): void {
  const { kernel } = world;
  const phase = modulePhase(world);
  const from = world.trace.length;
  const thread = createThread(0, kernel.revision.boot, cpu);
  const status = runThread(kernel, thread, world.port);
  world.records.push({
    event: BOOT,
    kind: 'boot',
    kernel,
    from,
    to: world.trace.length,
    dmesgFrom: 0,
    dmesgTo: kernel.dmesg.length,
    statusBefore: 'uninitialised',
    statusAfter: kernel.status,
    phaseBefore: phase,
    phaseAfter: modulePhase(world),
    outcome: status === 'crashed' ? 'crashed' : 'done',
    errno: thread.error,
    hint: false,
  });
}

function kernelCPUs(
  { lps, commandLine }: Platform,
  online: readonly boolean[],
): { package: number; present: boolean; online: boolean; bootable: boolean }[] {
  return lps.map((processor, lp) => ({
    package: processor.package,
    present: processor.bios,
    online: online[lp] === true,
    bootable: !commandLine.nosmt || processor.thread === 0,
  }));
}

/** What the boot CPU reads before any TDX code runs. MSR 0x87 faults where the machine has no memory encryption at all. */
function bootFacts(platform: Platform, first: number, seamrrEnabled: boolean): BootFacts {
  const keyids =
    platform.msr.length === 0
      ? [platform.keyids]
      : platform.lps.map((_, lp) => {
          const value = readKeyIDPartition(platform, lp);
          return { mktme: lowHalf(value), tdx: highHalf(value) };
        });
  // The boot CPU's is the first, whichever LP that is.
  const boot = first > 0 ? keyids[first] : keyids[0];
  if (first > 0 && boot !== undefined && keyids.length > first) keyids[0] = boot;
  return {
    keyids,
    hibernation: platform.hibernation,
    notifierError: 0,
    cpuModel: modelOf(platform.fms[0] ?? 0x806f8),
    seamrrEnabled,
    x2apic: true,
    addressEnd: PHYSICAL_END / (1 << platform.keyidBits),
  };
}

/** Family 6 model number from CPUID(1).EAX: extended model 19:16 above model 7:4. */
function modelOf(fms: number): number {
  return ((fms >>> 12) & 0xf0) | ((fms >>> 4) & 0xf);
}

const BOOT: BootEvent = { kind: 'boot' };
const UNBOUND = {} as World['port'];
