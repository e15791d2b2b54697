import { formatU64 } from '../../model/abi/u64.ts';
import { errnoName } from '../../model/kernel/errno.ts';
import { messageText } from '../../model/kernel/message.ts';
import { pamtSize } from '../../model/kernel/tdmr.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { step } from '../../model/world/step.ts';
import type { World } from '../../model/world/world.ts';
import type { Profile } from '../case.ts';
import { findProfile } from './profile.ts';

/** What became of one machine. */
export interface BootOutcome {
  readonly kernel: string;
  readonly module: string;
  /** What the first function that failed returned (negative), or 0. */
  readonly errno: number;
  /** `EINVAL`; `null` for success. */
  readonly errnoName: string | null;
  readonly initialized: boolean;
  /** PAMT allocated, KiB. */
  readonly pamtKB: number;
  /** The kernel's private KeyIDs [first, end); `null`: none. */
  readonly keyids: readonly [number, number] | null;
  /** Bytes, as hexadecimal text; `reserved` counts areas. */
  readonly tdmrs: readonly { readonly base: string; readonly size: string; readonly reserved: number }[];
  readonly dmesg: readonly string[];
}

/**
 * One machine through BIOS, MCHECK and the loaders, and a kernel up to the end of its TDX initialisation, as KVM drives
 * it: per-CPU bring-up on every online CPU where the revision has one, then the module, unless a CPU failed.
 * Source: tdx_bringup(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; Linux 6.12 leaves the caller to the series' KVM part.
 */
export function bootMachine(platform: Platform, profile: Profile): BootOutcome {
  const { revision, release } = findProfile(profile);
  const world = bootWorld(platform, revision, release);
  const errno = initialise(world);
  const { kernel } = world;
  const initialized = kernel.status === 'initialised';
  const tdmrs = initialized ? kernel.tdmrs.slice(0, kernel.tdmrCount) : [];
  return {
    ...profile,
    errno,
    errnoName: errno === 0 ? null : errnoName(errno),
    initialized,
    pamtKB: tdmrs.reduce((sum, tdmr) => sum + pamtSize(tdmr), 0) / 1024,
    keyids: kernel.keyidCount === 0 ? null : [kernel.keyidStart, kernel.keyidStart + kernel.keyidCount],
    tdmrs: tdmrs.map(({ base, size, reserved }) => ({
      base: formatU64(base),
      size: formatU64(size),
      reserved: reserved.length,
    })),
    dmesg: kernel.dmesg.map(messageText),
  };
}

function initialise(world: World): number {
  const { cpus, revision } = world.kernel;
  if (revision.cpuEnable !== null) {
    for (const [lp, { online }] of cpus.entries()) {
      if (!online) continue;
      const { errno } = step(world, { kind: 'cpu-enable', lp });
      if (errno !== 0) return errno;
    }
  }
  return step(world, { kind: 'enable' }).errno;
}
