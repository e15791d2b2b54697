import type { AddressRange } from '../../model/abi/range.ts';
import type { CommandLine, MemoryBlock, MSROverride, Platform } from '../../model/platform/platform.ts';
import { drawBrokenFMS, drawBrokenSEAM, drawFMS, drawSEAMRR } from './bios.ts';
import { breakCMRs, drawCMRs, drawWildAddress, drawWildCMRs } from './cmr.ts';
import type { Drawn, Random, Temperament } from './draw.ts';
import { chance, NOTHING, pick, weighted, WILD } from './draw.ts';
import { drawBrokenKeyIDs, drawKeyIDs, drawWildKeyIDs } from './keyid.ts';
import { addMemoryOutsideCMRs, drawMemory, drawWildMemory } from './memory.ts';
import { drawBrokenMSR, drawWildMSRs } from './msr.ts';
import type { Swarm } from './swarm.ts';
import { isOn } from './swarm.ts';
import type { DraftLP } from './topology.ts';
import { drawTopology } from './topology.ts';

/**
 * Special features of a legal platform; a case has at most two. The position is the bit in the swarm's `features`.
 */
const PLATFORM_FEATURES = [
  'holes',
  'many-holes',
  'split-block',
  'room',
  'late-image',
  'absent-image',
  'hibernation',
  'nosmt',
  'maxcpus',
  'lp-offline',
  'package-offline',
  'hot-addable-lp',
  'vmx-off',
] as const;

/** Parts of a platform that can be broken on purpose, and the weight of each. */
const BREAKABLE = ['cmr', 'seam', 'keyid', 'msr', 'memory', 'topology', 'fms', 'keyid-differs'] as const;
const BREAKABLE_WEIGHTS = [26, 22, 12, 16, 14, 4, 3, 3] as const;

const NO_SWITCHES: CommandLine = { nosmt: false, maxcpus: null };

/** A platform under construction, hence mutable. */
interface Draft {
  lps: DraftLP[];
  memory: MemoryBlock[];
  cmrs: AddressRange[];
  keyids: Platform['keyids'];
  keyidBits: number;
  seamrr: AddressRange | null;
  msr: MSROverride[];
  mcheck: Platform['mcheck'];
  moduleImage: Platform['moduleImage'];
  fms: number[];
  commandLine: CommandLine;
  hibernation: boolean;
}

/** A platform of the given temperament, with at most two of the features that the swarm switches on. */
export function drawPlatform(random: Random, temperament: Temperament, swarm: Swarm): Drawn<Platform> {
  if (temperament === 'wild') return { value: drawWildPlatform(random), broken: WILD };
  const draft = drawLegalPlatform(random, swarm);
  return { value: draft, broken: temperament === 'broken' ? breakPlatform(random, draft) : NOTHING };
}

/** Mask of features, by position in PLATFORM_FEATURES. */
function drawFeatures(random: Random, swarm: Swarm): number {
  let features = 0;
  for (let left = weighted(random, [42, 38, 20]); left > 0; left -= 1) {
    const feature = random.nextInt(0, PLATFORM_FEATURES.length - 1);
    if (isOn(swarm, feature)) features |= 1 << feature;
  }
  return features;
}

type Feature = (typeof PLATFORM_FEATURES)[number];
const BIT = Object.fromEntries(PLATFORM_FEATURES.map((name, index) => [name, 1 << index])) as Readonly<
  Record<Feature, number>
>;
const { holes, room, nosmt, maxcpus, hibernation } = BIT;
const MANY_HOLES = BIT['many-holes'];
const SPLIT_BLOCK = BIT['split-block'];
const LATE_IMAGE = BIT['late-image'];
const ABSENT_IMAGE = BIT['absent-image'];
const LP_OFFLINE = BIT['lp-offline'];
const PACKAGE_OFFLINE = BIT['package-offline'];
const HOT_ADDABLE_LP = BIT['hot-addable-lp'];
const VMX_OFF = BIT['vmx-off'];

function drawLegalPlatform(random: Random, swarm: Swarm): Draft {
  const features = drawFeatures(random, swarm);
  const lps = drawTopology(random, 'legal').value;
  const last = lps[lps.length - 1];
  const cmrs = drawCMRs(random, 1 + weighted(random, [40, 40, 20]));
  const memory = drawMemory(random, cmrs, {
    holes: features & MANY_HOLES ? random.nextInt(14, 20) : features & holes ? random.nextInt(1, 4) : 0,
    split: (features & SPLIT_BLOCK) !== 0,
    room: (features & room) !== 0,
  });
  const { keyids, keyidBits } = drawKeyIDs(random);
  const draft: Draft = {
    lps,
    memory,
    cmrs,
    keyids,
    keyidBits,
    seamrr: drawSEAMRR(random, cmrs),
    msr: [],
    mcheck: 'verify',
    moduleImage: features & LATE_IMAGE ? 'late' : features & ABSENT_IMAGE ? 'absent' : 'bios',
    fms: drawFMS(random, (last?.package ?? 0) + 1),
    commandLine: NO_SWITCHES,
    // TDX never starts where the kernel may hibernate, so only a quarter of the cases that draw the feature get it.
    hibernation: (features & hibernation) !== 0 && chance(random, 25),
  };
  if (features & nosmt) draft.commandLine = { nosmt: true, maxcpus: null };
  if (features & maxcpus) draft.commandLine = { nosmt: false, maxcpus: random.nextInt(1, lps.length) };
  if (features & LP_OFFLINE) setOffline(lps, random.nextInt(0, lps.length - 1));
  if (features & PACKAGE_OFFLINE) setPackageOffline(lps, pick(random, lps).package);
  if (features & VMX_OFF) leaveVMX(lps, random.nextInt(-1, lps.length - 1));
  if (features & HOT_ADDABLE_LP) lps.push(hotAddable(random, lps));
  return draft;
}

function setOffline(lps: readonly DraftLP[], index: number): void {
  const lp = lps[index];
  if (lp === undefined || index === 0) return;
  lp.online = false;
  lp.vmx = false;
}

/** All LPs of a package other than the boot LP's. */
function setPackageOffline(lps: readonly DraftLP[], pkg: number): void {
  for (let index = 1; index < lps.length; index += 1) {
    if (lps[index]?.package === pkg && lps[0]?.package !== pkg) setOffline(lps, index);
  }
}

/** VMXON has not been executed yet on LP `which`, or on any LP (-1). */
function leaveVMX(lps: readonly DraftLP[], which: number): void {
  for (const [index, lp] of lps.entries()) if (which === -1 || which === index) lp.vmx = false;
}

/**
 * An LP that BIOS left out: the sibling of an enabled one (with which it shares SEAMRR), or on a core of its own, in an
 * existing package or in a new one (where MCHECK never ran).
 */
function hotAddable(random: Random, lps: readonly DraftLP[]): DraftLP {
  let core = 0;
  let pkg = 0;
  let thread = 0;
  for (const lp of lps) {
    if (lp.core >= core) core = lp.core + 1;
    if (lp.package > pkg) pkg = lp.package;
    if (lp.thread >= thread) thread = lp.thread + 1;
  }
  switch (weighted(random, [50, 35, 15])) {
    case 0: {
      const sibling = pick(random, lps);
      return leftOut(sibling.package, sibling.core, thread);
    }
    case 1:
      return leftOut(random.nextInt(0, pkg), core, 0);
    default:
      return leftOut(pkg + 1, 0, 0);
  }
}

function leftOut(pkg: number, core: number, thread: number): DraftLP {
  return { package: pkg, core, thread, bios: false, online: false, vmx: false };
}

/** Breaks exactly one rule of a legal platform and returns its name. */
function breakPlatform(random: Random, draft: Draft): readonly string[] {
  const { lps } = draft;
  switch (BREAKABLE[weighted(random, BREAKABLE_WEIGHTS)]) {
    case 'cmr': {
      const { cmrs, rule } = breakCMRs(random, draft.cmrs);
      draft.cmrs = cmrs;
      maybeBypass(random, draft);
      return [rule];
    }
    case 'seam': {
      const { seamrr, override, rule } = drawBrokenSEAM(random, draft.seamrr ?? { base: 0, size: 0 }, countedLPs(lps));
      draft.seamrr = seamrr;
      if (override !== null) draft.msr.push(override);
      maybeBypass(random, draft);
      return [rule];
    }
    case 'keyid': {
      const { setting, rule } = drawBrokenKeyIDs(random);
      draft.keyids = setting.keyids;
      draft.keyidBits = setting.keyidBits;
      return [rule];
    }
    case 'msr': {
      const { override, rule } = drawBrokenMSR(random, countedLPs(lps));
      draft.msr.push(override);
      return [rule];
    }
    case 'memory':
      addMemoryOutsideCMRs(random, draft.memory, draft.cmrs);
      return ['memory-outside-cmrs'];
    case 'topology': {
      const { value, broken } = drawTopology(random, 'broken');
      draft.lps = value;
      maybeBypass(random, draft);
      return broken;
    }
    case 'fms':
      secondPackage(draft);
      draft.fms = drawBrokenFMS(random);
      maybeBypass(random, draft);
      return ['fms-differs'];
    default: {
      secondPackage(draft);
      const odd = random.nextInt(1, countedLPs(draft.lps) - 1);
      draft.msr.push({ lp: odd, msr: 0x87, value: (draft.keyids.tdx + 1) * 2 ** 32 + draft.keyids.mktme });
      maybeBypass(random, draft);
      return ['keyid-differs'];
    }
  }
}

/** Number of LPs that BIOS enabled; a hot-addable LP is last. */
function countedLPs(lps: readonly DraftLP[]): number {
  return lps[lps.length - 1]?.bios === false ? lps.length - 1 : lps.length;
}

function secondPackage(draft: Draft): void {
  const first = draft.lps[0]?.package ?? 0;
  if (draft.lps.some((lp) => lp.bios && lp.package !== first)) return;
  draft.lps = draft.lps.filter((lp) => lp.bios);
  draft.lps.push({ package: first + 1, core: 0, thread: 0, bios: true, online: true, vmx: true });
}

function maybeBypass(random: Random, draft: Draft): void {
  if (chance(random, 45)) draft.mcheck = 'bypass';
}

function drawWildPlatform(random: Random): Platform {
  const lps = drawTopology(random, 'wild').value;
  const cmrs = chance(random, 50) ? drawCMRs(random, 2) : drawWildCMRs(random);
  const { keyids, keyidBits } = chance(random, 60) ? drawKeyIDs(random) : drawWildKeyIDs(random);
  return {
    lps,
    memory:
      chance(random, 40) && cmrs.some(({ size }) => size > 0)
        ? drawMemory(random, ascending(cmrs), PLAIN)
        : drawWildMemory(random),
    cmrs,
    keyids,
    keyidBits,
    seamrr: chance(random, 75) ? drawSEAMRR(random, cmrs) : chance(random, 50) ? null : drawWildRange(random),
    msr: drawWildMSRs(random, lps.length),
    mcheck: chance(random, 60) ? 'bypass' : 'verify',
    moduleImage: pick(random, ['bios', 'bios', 'bios', 'late', 'absent']),
    fms: chance(random, 80) ? drawFMS(random, 4) : [random.nextInt(0, 0x7fffffff), random.nextInt(0, 0x7fffffff)],
    commandLine: { nosmt: chance(random, 10), maxcpus: chance(random, 10) ? random.nextInt(0, 9) : null },
    hibernation: chance(random, 4),
  };
}

const PLAIN = { holes: 0, split: false, room: false } as const;

function drawWildRange(random: Random): AddressRange {
  return { base: drawWildAddress(random), size: drawWildAddress(random) };
}

/** The parts of wild CMRs that can hold memory blocks: ascending, disjoint. */
function ascending(cmrs: readonly AddressRange[]): AddressRange[] {
  const kept: AddressRange[] = [];
  let end = 0;
  for (const cmr of cmrs) {
    if (cmr.size === 0 || cmr.base < end) continue;
    kept.push(cmr);
    end = cmr.base + cmr.size;
  }
  return kept;
}
