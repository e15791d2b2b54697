import type { CommandLine, Platform, PlatformLP } from './platform.ts';

/** How an x2APIC id is cut: id >> smtShift is the core, id >> packageShift the package (CPUID leaf 1FH, EAX[4:0]). */
export interface TopologyShifts {
  smtShift: number;
  packageShift: number;
}

// A power of two by its exponent; x2APIC ids of broken platforms pass 2^31, where shifts would wrap.
const TWO_TO = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;

/** Bits needed to tell 0..highest apart; `highest` below 2^16. */
function bitsFor(highest: number): number {
  let bits = 0;
  while (bits < 16 && highest >= (TWO_TO[bits] ?? 0)) bits += 1;
  return bits;
}

/**
 * The shifts of a machine: as wide as its highest thread and core number need, but no narrower than one thread bit and
 * four bits below the package, which is how the recorded machines are cut.
 */
export function topologyShifts(lps: readonly PlatformLP[]): TopologyShifts {
  let thread = 1;
  let core = 7;
  for (const lp of lps) {
    if (lp.thread > thread) thread = lp.thread;
    if (lp.core > core) core = lp.core;
  }
  const smtShift = bitsFor(thread);
  return { smtShift, packageShift: smtShift + bitsFor(core) };
}

/** The x2APIC id of an LP: package, core and thread numbers side by side. */
export function x2apicOf(lp: PlatformLP, shifts: TopologyShifts): number {
  return lp.package * (TWO_TO[shifts.packageShift] ?? 65536) + lp.core * (TWO_TO[shifts.smtShift] ?? 65536) + lp.thread;
}

/** Package numbers that own at least one of the given LPs, ascending. `counted`: look only at LPs BIOS enabled. */
export function packageNumbers(lps: readonly PlatformLP[], counted: boolean): number[] {
  const numbers: number[] = [];
  for (const lp of lps) {
    if (counted && !lp.bios) continue;
    let at = numbers.length;
    while (at > 0 && (numbers[at - 1] ?? 0) > lp.package) at -= 1;
    if (at > 0 && numbers[at - 1] === lp.package) continue;
    if (at === numbers.length) numbers.push(lp.package);
    else numbers.splice(at, 0, lp.package);
  }
  return numbers;
}

/** The LP that runs the kernel first: the first one BIOS enabled; -1 if there is none. Linux never takes it offline. */
export function bootLP(lps: readonly PlatformLP[]): number {
  for (let index = 0; index < lps.length; index += 1) if (lps[index]?.bios === true) return index;
  return -1;
}

/**
 * True if the kernel can ever bring this LP up: BIOS described it as enabled (MADT) and `nosmt` does not hold it back
 * (arch/x86 cpu_bootable: SMT siblings stay down for good). `maxcpus` does not count: those may come online later.
 */
export function mayComeOnline(lp: PlatformLP, commandLine: CommandLine): boolean {
  return lp.bios && !(commandLine.nosmt && lp.thread > 0);
}

/** True for an LP that exists but was not enabled at boot: only ACPI hot-add can make the kernel know it. */
export function isHotAddable(lp: PlatformLP): boolean {
  return !lp.bios;
}

/**
 * Which LPs are online when the first event happens, by LP index: those the case leaves online, less what `nosmt`
 * holds back, and no more than `maxcpus` of them in the kernel's order. The boot LP is always online.
 */
export function onlineAtBoot({ lps, commandLine }: Platform): boolean[] {
  const boot = bootLP(lps);
  const limit = commandLine.maxcpus ?? lps.length;
  let up = boot === -1 ? 0 : 1;
  return lps.map((lp, index) => {
    if (index === boot) return true;
    const online = lp.online && up < limit && mayComeOnline(lp, commandLine);
    if (online) up += 1;
    return online;
  });
}
