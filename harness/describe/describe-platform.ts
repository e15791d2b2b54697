import { formatU64 } from '../../model/abi/u64.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { CommandLine, Platform, PlatformLP } from '../../model/platform/platform.ts';
import { seamOffText } from './mcheck-text.ts';

/**
 * The machine of a case in at most six lines, each beginning with the name of its part: LPs by package, memory, CMRs,
 * KeyIDs and SEAMRR, the reason if SEAM is off, and all differences from a healthy machine that boots normally. Ranges
 * are [first, end) in bytes.
 */
export function describePlatform(platform: Platform): readonly string[] {
  const { memory, cmrs, keyids, keyidBits, seamrr } = platform;
  const unusual = unusualParts(platform);
  const seam = seamOffText(platform);
  return [
    `LPs      ${packagesOf(platform)}`,
    `memory   ${rangesText(
      memory,
      memory.map(({ node }) => ` node ${node}`),
    )}`,
    `CMRs     ${rangesText(cmrs)}`,
    `KeyIDs   ${keyids.mktme} MKTME, ${keyids.tdx} TDX, ${keyidBits} address bits; SEAMRR ${seamrr === null ? 'off' : rangeText(seamrr)}`,
    ...(seam === null ? [] : [`SEAM     ${seam}`]),
    ...(unusual.length === 0 ? [] : [`unusual  ${unusual.join('; ')}`]),
  ];
}

function packagesOf({ lps, commandLine }: Platform): string {
  const numbers = [...new Set(lps.map((lp) => lp.package))].sort((a, b) => a - b);
  const packages = numbers.map((number) => {
    const members = lps.flatMap((lp, index) =>
      lp.package === number ? [{ index, mark: markOf(lp, commandLine) }] : [],
    );
    return `package ${number}: ${runsOf(members).join(', ')}`;
  });
  return packages.join('; ');
}

/** The differences from an LP that BIOS enabled, online and in VMX operation. */
function markOf({ bios, online, vmx, thread }: PlatformLP, { nosmt }: CommandLine): string {
  const marks: string[] = [];
  if (!bios) marks.push('not enabled by BIOS');
  if (!online) marks.push('offline');
  if (online ? !vmx : vmx) marks.push(vmx ? 'in VMX operation' : 'without VMX');
  if (nosmt && thread > 0) marks.push('SMT sibling');
  return marks.length === 0 ? '' : ` (${marks.join(', ')})`;
}

/** Merges neighbours with the same mark: `LP 0-3`, `LP 4 (offline)`. */
function runsOf(members: readonly { readonly index: number; readonly mark: string }[]): string[] {
  const runs: { first: number; last: number; mark: string }[] = [];
  for (const { index, mark } of members) {
    const run = runs.at(-1);
    if (run !== undefined && run.mark === mark && run.last + 1 === index) run.last = index;
    else runs.push({ first: index, last: index, mark });
  }
  return runs.map(({ first, last, mark }) => `LP ${first}${last === first ? '' : `-${last}`}${mark}`);
}

/** A longer list is cut in the middle, so that it fits a line. */
const RANGES_SHOWN = 8;

function rangesText(ranges: readonly AddressRange[], suffixes: readonly string[] = []): string {
  if (ranges.length === 0) return 'none';
  const texts = ranges.map((range, index) => `${rangeText(range)}${suffixes[index] ?? ''}`);
  if (texts.length <= RANGES_SHOWN) return texts.join(', ');
  const left = texts.length - RANGES_SHOWN;
  return [...texts.slice(0, RANGES_SHOWN - 1), `${left} more`, texts.at(-1)].join(', ');
}

function rangeText({ base, size }: AddressRange): string {
  return size === 0 ? `empty at ${formatU64(base)}` : `[${formatU64(base)}, ${endText(base, size)})`;
}

/** BigInt, because the end of a wild range may be too large for an exact double. */
function endText(base: number, size: number): string {
  return `0x${(BigInt(base) + BigInt(size)).toString(16)}`;
}

function unusualParts(platform: Platform): string[] {
  const { lps, fms, msr, mcheck, moduleImage, commandLine, hibernation, keyids, keyidBits } = platform;
  const parts = msr.map(
    ({ lp, msr: number, value }) =>
      `MSR ${formatU64(number)} = ${formatU64(value)} on ${lp === null ? 'every LP' : `LP ${lp}`}`,
  );
  if (mcheck === 'bypass')
    parts.push('the case skips the checks of MCHECK: the CMRs and KeyIDs of BIOS hold, legal or not');
  const packages = new Set(lps.map((lp) => lp.package)).size;
  if (new Set(fms.slice(0, packages)).size > 1)
    parts.push(`packages differ: CPUID(1).EAX ${fms.slice(0, packages).map(formatU64).join(', ')}`);
  if (moduleImage === 'late') parts.push('TDX module not loaded before a late-load event');
  if (moduleImage === 'absent') parts.push('no TDX module');
  if (commandLine.nosmt) parts.push('command line nosmt');
  if (commandLine.maxcpus !== null) parts.push(`command line maxcpus=${commandLine.maxcpus}`);
  if (hibernation) parts.push('kernel can hibernate');
  if (keyids.mktme + keyids.tdx >= 2 ** keyidBits) parts.push(`more KeyIDs than ${keyidBits} address bits can hold`);
  return parts;
}
