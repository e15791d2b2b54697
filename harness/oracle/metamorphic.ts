import { GIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import { alignDown, isAligned } from '../../model/abi/align.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import { formatU64 } from '../../model/abi/u64.ts';
import { errnoName } from '../../model/kernel/errno.ts';
import type { Severity } from '../../model/invariants/severity.ts';
import { brokenCMRRule } from '../../model/platform/cmr.ts';
import type { MemoryBlock, Platform } from '../../model/platform/platform.ts';
import { bootLP } from '../../model/platform/topology.ts';
import { bootWorld } from '../../model/world/boot.ts';
import type { Event } from '../../model/world/event.ts';
import { step } from '../../model/world/step.ts';
import type { EventRecord } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import type { Violation } from './verdict.ts';

/**
 * Rules about two runs: a different description of the same machine must not change the outcome of any event. Each rule
 * makes a variant of the case, or returns `undefined` if it does not apply.
 */
export interface Metamorphic {
  readonly id: string;
  readonly statement: string;
  readonly source: string;
  readonly severity: Severity;
  readonly variant: (input: Case) => Variant | undefined;
}

export interface Variant {
  readonly platform: Platform;
  readonly events: readonly Event[];
  /** How the description differs, to follow "the same machine with". */
  readonly how: () => string;
}

const CMR_MAX = 32;

export const METAMORPHIC: readonly Metamorphic[] = [
  {
    id: 'metamorphic/relabelling-lps',
    severity: 'tdx-lost',
    statement: 'The order in which LPs are numbered changes no outcome.',
    source: 'config_global_keyid(), Linux 6.12 (topology_physical_package_id() against x2APIC ids)',
    variant: relabelLPs,
  },
  {
    id: 'metamorphic/splitting-a-cmr',
    severity: 'tdx-lost',
    statement: 'Describing a CMR as two adjacent ones changes no outcome.',
    source: 'v7 10/20, Dave Hansen, 22 Nov 2022; tdh_sys_config.c, TDX module 1.5.01 (touching CMRs are merged)',
    variant: splitCMR,
  },
  {
    id: 'metamorphic/splitting-a-memory-block',
    severity: 'tdx-lost',
    statement: 'Describing a memory block as two adjacent ones changes no outcome.',
    source: 'is_tdx_memory() and fill_out_tdmrs(), Linux 6.12 (one entry per memblock entry, nothing merged)',
    variant: splitMemory,
  },
];

/** The variant that a metamorphic rule compares a case with; `undefined` for other rules, and if it does not apply. */
export function variantOf(input: Case, rule: string): Variant | undefined {
  return METAMORPHIC.find(({ id }) => id === rule)?.variant(input);
}

/** Runs every variant that applies and reports the first event whose outcome differs. `world`: the run of the case. */
export function judgeMetamorphic(input: Case, world: World, violations: Violation[]): void {
  if (input.events.length === 0) return;
  for (const rule of METAMORPHIC) {
    const variant = rule.variant(input);
    if (variant === undefined) continue;
    const other = bootWorld(variant.platform, world.kernel.revision, world.release);
    for (const event of variant.events) step(other, event);
    const difference = firstDifference(world, other, variant.how);
    if (difference !== undefined)
      violations.push({
        invariant: rule.id,
        bucket: `${rule.id}|${difference.what}`,
        event: difference.event,
        message: difference.message,
      });
  }
}

/**
 * Events whose outcome is compared: those that the host answers. Not memory-remove: it depends on which pages are in
 * use, which may differ between the runs; once it does, the machines differ and the comparison ends. Not events of the
 * module alone.
 */
const COMPARED: ReadonlySet<string> = new Set([
  'cpu-online',
  'cpu-offline',
  'cpu-enable',
  'enable',
  'acpi-cpu-add',
  'acpi-cpu-remove',
  'memory-add',
  'kexec',
]);

function firstDifference(
  one: World,
  other: World,
  how: () => string,
): { what: string; event: number; message: string } | undefined {
  for (let index = 1; index < one.records.length; index += 1) {
    const a = one.records[index];
    const b = other.records[index];
    if (a === undefined || b === undefined) continue;
    if (a.kind === 'memory-remove' && a.outcome !== b.outcome) return undefined;
    if (!COMPARED.has(a.kind) || (a.outcome === b.outcome && a.errno === b.errno && a.statusAfter === b.statusAfter))
      continue;
    const what = a.kind;
    return {
      what,
      event: index - 1,
      message: `${what} is ${outcomeText(a, b)}; on the same machine with ${how()} it is ${outcomeText(b, a)}`,
    };
  }
  return undefined;
}

/** `done (-5 EIO)`, with the status of TDX afterwards if it differs from the other run. */
function outcomeText({ outcome, errno, statusAfter }: EventRecord, other: EventRecord): string {
  const status = statusAfter === other.statusAfter ? '' : `, TDX ${statusAfter}`;
  return `${outcome} (${errno === 0 ? 0 : `${errno} ${errnoName(errno)}`}${status})`;
}

/** The change that cuts a range in two. */
function cutText(what: string, { base, size }: AddressRange, at: number): string {
  return `the ${what} [${formatU64(base)}, ${formatU64(base + size)}) described as two that touch at ${formatU64(at)}`;
}

/** True if all LPs are alike, so that their order must not matter. */
function lpsAreAlike({ platform, events }: Case): boolean {
  const { commandLine } = platform;
  if (platform.msr.length > 0 || commandLine.maxcpus !== null || commandLine.nosmt) return false;
  for (const lp of platform.lps) if (!lp.vmx) return false;
  for (const { kind } of events) if (TELLS_LPS_APART.has(kind)) return false;
  return true;
}

/** After these events LPs differ, so that their order may change the outcome. */
const TELLS_LPS_APART: ReadonlySet<Event['kind']> = new Set([
  'vmxoff',
  'vmxon',
  'cpu-online',
  'acpi-cpu-remove',
  'late-load',
  'condition',
  'seamcall',
]);

/** All LPs but the boot LP in reverse order. */
function relabelLPs(input: Case): Variant | undefined {
  const { lps, memory, cmrs } = input.platform;
  if (lps.length < 3 || !lpsAreAlike(input)) return undefined;
  const boot = bootLP(lps);
  if (boot !== 0) return undefined;
  const relabel = (lp: number): number => (lp > 0 && lp < lps.length ? lps.length - lp : lp);
  const relabelled = lps.map((lp, index) => lps[relabel(index)] ?? lp);
  // Otherwise another CPU would boot the machine.
  if (bootLP(relabelled) !== 0) return undefined;
  return {
    platform: describedBy(input.platform, relabelled, memory, cmrs),
    events: input.events.map((event): Event => ('lp' in event ? { ...event, lp: relabel(event.lp) } : event)),
    how: () => `LPs 1 to ${lps.length - 1} numbered in reverse order`,
  };
}

/** The largest CMR of a legal table as two adjacent ones. */
function splitCMR({ platform, events }: Case): Variant | undefined {
  const { lps, memory, cmrs } = platform;
  if (cmrs.length >= CMR_MAX || brokenCMRRule(cmrs) !== null) return undefined;
  let largest = 0;
  for (let index = 0; index < cmrs.length; index += 1)
    if ((cmrs[index]?.size ?? 0) > (cmrs[largest]?.size ?? 0)) largest = index;
  const cmr = cmrs[largest];
  if (cmr === undefined || cmr.size < 2 * PAGE_4K) return undefined;
  const { base, size } = cmr;
  const at = middle(base, size);
  const split: AddressRange[] = [];
  for (const one of cmrs)
    if (one === cmr) split.push({ base, size: at - base }, { base: at, size: base + size - at });
    else split.push(one);
  return { platform: describedBy(platform, lps, memory, split), events, how: () => cutText('CMR', cmr, at) };
}

/**
 * A memory block as two adjacent ones, unless an event counts allocations (each block causes one more). The cut is in
 * the middle of the first range that is hot-added inside a block, else near the middle of the largest block.
 */
function splitMemory({ platform, events }: Case): Variant | undefined {
  for (const { kind } of events) if (kind === 'allocation-failure') return undefined;
  const { lps, memory, cmrs } = platform;
  let cut: MemoryBlock | undefined;
  for (const block of memory) if (block.size > (cut?.size ?? 0)) cut = block;
  let at = cut === undefined ? 0 : middle(cut.base, cut.size);
  for (const event of events) {
    if (event.kind !== 'memory-add') continue;
    const block = memory.find(({ base, size }) => base <= event.base && event.base + event.size <= base + size);
    if (block === undefined || event.size < 2 * PAGE_4K) continue;
    cut = block;
    at = alignDown(event.base + event.size / 2, PAGE_4K);
    break;
  }
  if (cut === undefined) return undefined;
  const { base, size, node } = cut;
  if (size < 2 * PAGE_4K || !isAligned(base, PAGE_4K) || at <= base || at >= base + size) return undefined;
  const split: MemoryBlock[] = [];
  for (const block of memory)
    if (block === cut) split.push({ base, size: at - base, node }, { base: at, size: base + size - at, node });
    else split.push(block);
  const range = cut;
  return { platform: describedBy(platform, lps, split, cmrs), events, how: () => cutText('memory block', range, at) };
}

/** A platform with these lists. Written out because a spread gives each copy its own hidden class, which is slower. */
function describedBy(
  { keyids, keyidBits, seamrr, msr, mcheck, moduleImage, fms, commandLine, hibernation }: Platform,
  lps: Platform['lps'],
  memory: Platform['memory'],
  cmrs: Platform['cmrs'],
): Platform {
  return { lps, memory, cmrs, keyids, keyidBits, seamrr, msr, mcheck, moduleImage, fms, commandLine, hibernation };
}

/** A page address near the middle of a range, on a 1 GiB boundary if there is one inside. */
function middle(base: number, size: number): number {
  const half = base + size / 2;
  const gib = alignDown(half, GIB);
  if (gib > base) return gib;
  const page = alignDown(half, PAGE_4K);
  return page > base ? page : base + PAGE_4K;
}
