// Which memory a host gives to TDX: convertible regions, TDMRs over them, reserved areas inside. Bytes, ends exclusive.
import { ask, type Command, Failed, hex, say } from './host-protocol.ts';

export const GIB = 2 ** 30;
const MIB = 2 ** 20;
const EINVAL = -22;

export interface CMR {
  base: number;
  end: number;
}

export interface Region extends CMR {
  readonly node: number;
}

/** Memory in CMRs above the first MiB; what lies outside them is taken offline. */
export function convertible(memory: Command['memory'], cmrs: readonly CMR[]): Region[] {
  const regions: Region[] = [];
  for (const region of memory) {
    let at = Math.max(Number(region.base), MIB);
    const end = Number(region.base) + Number(region.size);
    for (const cmr of [...cmrs, { base: end, end }]) {
      if (cmr.base > at && at < end) takeOffline(at, Math.min(cmr.base, end));
      const [first, last] = [Math.max(cmr.base, at), Math.min(cmr.end, end)];
      if (first < last) regions.push({ base: first, end: last, node: region.node });
      at = Math.max(at, cmr.end);
    }
  }
  if (regions.length > 0) return regions;
  say('initialization failed: no memory is convertible', 3, 'no-convertible-memory');
  throw new Failed(EINVAL);
}

function takeOffline(base: number, end: number): void {
  if (ask({ type: 'offline-memory', base: hex(base), size: hex(end - base) })['offline'] === true) return;
  say(`memory [${hex(base)}, ${hex(end)}) is not convertible and in use`, 3, 'memory-in-use', base, end);
  throw new Failed(EINVAL);
}

/** TDMRs: whole GiBs, none twice. */
export function cover(regions: readonly Region[]): CMR[] {
  const tdmrs: CMR[] = [];
  for (const region of regions) {
    const base = Math.max(Math.floor(region.base / GIB) * GIB, tdmrs.at(-1)?.end ?? 0);
    const end = Math.ceil(region.end / GIB) * GIB;
    if (base < end) tdmrs.push({ base, end });
  }
  return tdmrs;
}

/** What the module must not use of a TDMR, ascending and joined: the holes between CMRs, and every PAMT. */
export function reserved(base: number, end: number, cmrs: readonly CMR[], pamts: readonly CMR[]): CMR[] {
  const taken: CMR[] = [...pamts];
  let at = base;
  for (const cmr of [...cmrs, { base: end, end }]) {
    taken.push({ base: at, end: cmr.base });
    at = Math.max(at, cmr.end);
  }
  const clipped = taken.map((one) => ({ base: Math.max(one.base, base), end: Math.min(one.end, end) }));
  const areas: CMR[] = [];
  for (const area of clipped.filter((one) => one.base < one.end).sort((a, b) => a.base - b.base)) {
    const last = areas.at(-1);
    if (last !== undefined && area.base <= last.end) last.end = Math.max(last.end, area.end);
    else areas.push(area);
  }
  return areas;
}
