import type { Platform, PlatformLP } from '../../model/platform/platform.ts';

const GiB = 2 ** 30;

/** LPs of `packages` x `cores` x `threads`, in Linux's order (all first threads of a package, then the siblings). */
export function lpGrid(packages: number, cores: number, threads: number): PlatformLP[] {
  const lps: PlatformLP[] = [];
  for (let thread = 0; thread < threads; thread += 1) {
    for (let pkg = 0; pkg < packages; pkg += 1) {
      for (let core = 0; core < cores; core += 1) {
        lps.push({ package: pkg, core, thread, bios: true, online: true, vmx: true });
      }
    }
  }
  return lps;
}

/** A healthy machine of 2 packages and 4 LPs that MCHECK accepts; a test overrides only what it is about. */
export function healthyPlatform(overrides: Partial<Platform> = {}): Platform {
  return {
    lps: lpGrid(2, 2, 1),
    memory: [
      { base: 0x100000, size: 0x77700000, node: 0 },
      { base: 4 * GiB, size: 2 * GiB, node: 0 },
      { base: 6 * GiB, size: 2 * GiB, node: 1 },
    ],
    cmrs: [
      { base: 0x100000, size: 0x77700000 },
      { base: 4 * GiB, size: 4 * GiB },
    ],
    keyids: { mktme: 31, tdx: 32 },
    keyidBits: 6,
    seamrr: { base: 0x78000000, size: 0x2000000 },
    msr: [],
    mcheck: 'verify',
    moduleImage: 'bios',
    fms: [0x806f8],
    commandLine: { nosmt: false, maxcpus: null },
    hibernation: false,
    ...overrides,
  };
}
