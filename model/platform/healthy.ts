import type { AddressRange } from '../abi/range.ts';
import type { MemoryBlock, Platform, PlatformLP } from './platform.ts';

/** What the platform says beside its LPs and its memory: nothing in it keeps TDX from coming up. Values of recorded machines. */
export const HEALTHY_SETTINGS: Readonly<Omit<Platform, 'lps' | 'memory' | 'cmrs'>> = {
  // KeyID 0 is TME's, 31 are MKTME's, [32, 64) are TDX's: the partition most machines report.
  keyids: { mktme: 31, tdx: 32 },
  keyidBits: 6,
  // 32 MiB, the least there may be, below the hole under 4 GiB.
  seamrr: { base: 0x78000000, size: 0x2000000 },
  msr: [],
  mcheck: 'verify',
  moduleImage: 'bios',
  // Sapphire Rapids, stepping 8.
  fms: [0x806f8],
  commandLine: { nosmt: false, maxcpus: null },
  hibernation: false,
};

/** A machine that MCHECK accepts, if `memory` keeps clear of the SEAMRR. `cmrs`: by default all of the memory. */
export function healthyMachine(
  lps: readonly PlatformLP[],
  memory: readonly MemoryBlock[],
  cmrs: readonly AddressRange[] = memory.map(({ base, size }) => ({ base, size })),
): Platform {
  return { lps, memory, cmrs, ...HEALTHY_SETTINGS };
}

/** LPs of `packages` x `cores` x `threads`, in Linux's order (all first threads of every package, then their siblings). */
export function lpGrid(packages: number, cores: number, threads = 1): PlatformLP[] {
  const lps: PlatformLP[] = [];
  for (let thread = 0; thread < threads; thread += 1) {
    for (let number = 0; number < packages; number += 1) {
      for (let core = 0; core < cores; core += 1) lps.push(healthyLP(number, core, thread));
    }
  }
  return lps;
}

/** Counted by MCHECK, online and in VMX operation. */
function healthyLP(number: number, core: number, thread: number): PlatformLP {
  return { package: number, core, thread, bios: true, online: true, vmx: true };
}
