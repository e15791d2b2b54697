import { errnoName } from '../../model/kernel/errno.ts';
import { messageText } from '../../model/kernel/message.ts';
import { pamtSize } from '../../model/kernel/tdmr.ts';
import { formatU64 } from '../../model/abi/u64.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { step } from '../../model/world/step.ts';
import type { Profile } from '../case.ts';
import { platformFromFile, requireMachine } from './platform-file.ts';
import { findProfile } from '../profile.ts';
import { type ReportedOutcome, reportedOutcome } from './reported-outcome.ts';

/** The JSON of a platform file (`name` is its name in messages), or the platform of a case. */
export type Machine = { readonly file: unknown; readonly name: string } | { readonly platform: Platform };

/** The outcome of a boot, as `boot --json` prints it. */
export interface BootOutcome {
  readonly kernel: string;
  readonly module: string;
  /** 0, or negative as the kernel returns it. */
  readonly errno: number;
  /** `EINVAL`; `null` for success. */
  readonly errnoName: string | null;
  readonly initialised: boolean;
  /** PAMT allocated, KiB. */
  readonly pamtKB: number;
  /** TDX KeyIDs [first, end); `null` if BIOS enabled none. */
  readonly keyids: readonly [number, number] | null;
  /** Bytes, as hexadecimal text; `reserved` counts areas. */
  readonly tdmrs: readonly { readonly base: string; readonly size: string; readonly reserved: number }[];
  readonly dmesg: readonly string[];
  /** Every value missing in the platform file, and the value assumed for it, as sentences. */
  readonly defaults: readonly string[];
  /** The outcome that the source reports; `null`: a case, or a file without an outcome. */
  readonly reported: ReportedOutcome | null;
}

/**
 * One machine through BIOS, MCHECK, the loaders and a kernel up to the end of its TDX initialisation, with every online
 * CPU in VMX operation, as after loading KVM. `errno` is that of the initialisation if it failed, else of the first CPU
 * whose bring-up failed.
 */
export function bootMachine(machine: Machine, profile: Profile): BootOutcome {
  const { revision, release } = findProfile(profile);
  if ('file' in machine) requireMachine(machine.file, machine.name);
  const { platform, defaults, file } =
    'file' in machine
      ? platformFromFile(machine.file, machine.name)
      : { platform: machine.platform, defaults: [], file: null };
  const world = bootWorld(platform, revision, release);
  const { kernel } = world;
  let errno = 0;
  if (revision.cpuEnable !== null)
    for (const [lp, cpu] of kernel.cpus.entries()) {
      if (!cpu.online) continue;
      const record = step(world, { kind: 'cpu-enable', lp });
      if (errno === 0) errno = record.errno;
    }
  const enabled = step(world, { kind: 'enable' });
  if (enabled.errno !== 0) errno = enabled.errno;
  const initialised = kernel.status === 'initialised';
  const tdmrs = initialised ? kernel.tdmrs.slice(0, kernel.tdmrCount) : [];
  let pamtBytes = 0;
  for (const tdmr of tdmrs) pamtBytes += pamtSize(tdmr);
  const booted = { kernel: revision.name, module: release.name, errno, initialised, pamtKB: pamtBytes / 1024 };
  return {
    ...booted,
    errnoName: errno === 0 ? null : errnoName(errno),
    keyids: kernel.keyidCount === 0 ? null : [kernel.keyidStart, kernel.keyidStart + kernel.keyidCount],
    tdmrs: tdmrs.map(({ base, size, reserved }) => ({
      base: formatU64(base),
      size: formatU64(size),
      reserved: reserved.length,
    })),
    dmesg: kernel.dmesg.map(messageText),
    defaults,
    reported: file === null ? null : reportedOutcome(file, booted),
  };
}
