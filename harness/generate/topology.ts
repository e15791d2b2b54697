import type { PlatformLP } from '../../model/platform/platform.ts';
import type { Drawn, Random, Temperament } from './draw.ts';
import { chance, NOTHING, pick, WILD, weighted } from './draw.ts';

/** The rules that a broken topology breaks, named as in MCHECK. */
export const TOPOLOGY_BREAKS = ['package-count', 'x2apic-range'] as const;

const LPS_MAX = 8;

/** An LP of a platform under construction, hence mutable. */
export type DraftLP = { -readonly [Property in keyof PlatformLP]: PlatformLP[Property] };

/** LPs in Linux's numbering: 1 to 4 packages, 1 to 8 LPs, all enabled, online and in VMX operation. */
export function drawTopology(random: Random, temperament: Temperament): Drawn<DraftLP[]> {
  if (temperament === 'wild') return { value: drawWild(random), broken: WILD };
  if (temperament === 'legal') return { value: drawLegal(random), broken: NOTHING };
  const rule = pick(random, TOPOLOGY_BREAKS);
  return { value: rule === 'package-count' ? drawManyPackages(random) : drawFarCore(random), broken: [rule] };
}

function drawLegal(random: Random): DraftLP[] {
  const packages = 1 + weighted(random, [22, 52, 10, 16]);
  const threads = chance(random, 45) ? 2 : 1;
  let cores = 1 + weighted(random, [50, 42, 8]);
  if (packages * cores * threads > LPS_MAX) cores = 1;
  // Package numbers with gaps (a socket without a processor, or a partitioned machine) are legal and rare.
  const stride = chance(random, 5) ? 2 : 1;
  const lps: DraftLP[] = [];
  if (chance(random, 80)) {
    for (let thread = 0; thread < threads; thread += 1) {
      for (let pkg = 0; pkg < packages; pkg += 1) {
        for (let core = 0; core < cores; core += 1) lps.push(lpAt(pkg * stride, core, thread));
      }
    }
  } else {
    for (let pkg = 0; pkg < packages; pkg += 1) {
      for (let core = 0; core < cores; core += 1) {
        for (let thread = 0; thread < threads; thread += 1) lps.push(lpAt(pkg * stride, core, thread));
      }
    }
  }
  return lps;
}

function lpAt(pkg: number, core: number, thread: number): DraftLP {
  return { package: pkg, core, thread, bios: true, online: true, vmx: true };
}

function drawManyPackages(random: Random): DraftLP[] {
  const packages = random.nextInt(9, 12);
  const lps: DraftLP[] = [];
  for (let pkg = 0; pkg < packages; pkg += 1) lps.push(lpAt(pkg, 0, 0));
  return lps;
}

/** A core number so high that the x2APIC id exceeds 1023 in any package. */
function drawFarCore(random: Random): DraftLP[] {
  const lps = [lpAt(0, 0, 0), lpAt(0, random.nextInt(512, 4095), 0)];
  if (chance(random, 50)) lps.push(lpAt(1, 0, 0));
  return lps;
}

function drawWild(random: Random): DraftLP[] {
  const count = random.nextInt(1, LPS_MAX);
  const lps: DraftLP[] = [];
  for (let index = 0; index < count; index += 1) {
    lps.push({
      package: chance(random, 85) ? random.nextInt(0, 3) : random.nextInt(0, 63),
      core: chance(random, 90) ? random.nextInt(0, 3) : random.nextInt(0, 2000),
      thread: random.nextInt(0, 1),
      bios: chance(random, 90),
      online: chance(random, 85),
      vmx: chance(random, 85),
    });
  }
  return lps;
}
