import type { Event } from '../../model/world/event.ts';
import type { Platform } from '../../model/platform/platform.ts';
import type { Case } from '../case.ts';

const GIB = 2 ** 30;

/** A healthy machine: `packages` x `cores` LPs, one 2 GiB memory block and CMR per package. Tests override what they are about. */
export function samplePlatform(packages = 2, cores = 2, overrides: Partial<Platform> = {}): Platform {
  const numbers = Array.from({ length: packages * cores }, (_, index) => index);
  const nodes = numbers.slice(0, packages);
  return {
    lps: numbers.map((lp) => ({
      package: Math.floor(lp / cores),
      core: lp % cores,
      thread: 0,
      bios: true,
      online: true,
      vmx: true,
    })),
    memory: nodes.map((node) => ({ base: (4 * node + 4) * GIB, size: 2 * GIB, node })),
    cmrs: nodes.map((node) => ({ base: (4 * node + 4) * GIB, size: 2 * GIB })),
    keyids: { mktme: 31, tdx: 32 },
    keyidBits: 6,
    seamrr: { base: GIB, size: 2 ** 25 },
    msr: [],
    mcheck: 'verify',
    moduleImage: 'bios',
    fms: [0x806f8],
    commandLine: { nosmt: false, maxcpus: null },
    hibernation: false,
    ...overrides,
  };
}

export function sampleCase(events: readonly Event[], platform: Platform = samplePlatform()): Case {
  return { formatVersion: 1, profile: { kernel: 'sample', module: 'sample' }, platform, events };
}
