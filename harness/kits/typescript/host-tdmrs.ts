// What TDH.SYS.CONFIG is given: the CMRs that the module reports, PAMTs, the table of TDMR_INFOs.
import { type CMR, GIB, reserved } from './host-memory.ts';
import { ask, Failed, hex, read, say, store } from './host-protocol.ts';

const [ENOMEM, ENOSPC] = [-12, -28];
const PAGE_SIZES = [4096, 2 ** 21, GIB];

/** Allocates memory and notes its address in `objects`. */
function alloc(size: number, kind: string, objects: number[]): number {
  const { address } = ask({ type: 'alloc', size: hex(size), kind });
  if (typeof address !== 'string') throw new Failed(ENOMEM);
  objects.push(Number(address));
  return Number(address);
}

/** The CMRs, those that touch joined. */
export function readCMRs(cpu: number): CMR[] {
  const cmrs: CMR[] = [];
  const count = read(cpu, 0x9000000100000000n);
  for (let index = 0n; index < count; index++) {
    const [base, size] = [read(cpu, 0x9000000300000080n + index), read(cpu, 0x9000000300000100n + index)];
    const last = cmrs.at(-1);
    if (last?.end === base) last.end += size;
    else if (size > 0) cmrs.push({ base, end: base + size });
  }
  return cmrs;
}

/** Of one TDMR: the 4K PAMT first, behind it the 2M and the 1G PAMT. */
export interface PAMT extends CMR {
  readonly size4K: number;
  readonly size2M: number;
  readonly size1G: number;
}

export function allocatePAMTs(cpu: number, tdmrs: readonly CMR[], objects: number[]): readonly PAMT[] {
  const entries = [0n, 1n, 2n].map((size) => read(cpu, 0x9100000100000010n + size));
  return tdmrs.map(({ base, end }) => {
    const sizes = PAGE_SIZES.map((page, at) => Math.ceil((((end - base) / page) * (entries[at] ?? 0)) / 4096) * 4096);
    const [size4K = 0, size2M = 0, size1G = 0] = sizes;
    const start = alloc(size4K + size2M + size1G, 'contiguous', objects);
    return { size4K, size2M, size1G, base: start, end: start + size4K + size2M + size1G };
  });
}

/** Writes the array of addresses, and each TDMR_INFO on a boundary of 1024 bytes; returns where the array is. */
export function writeTable(
  cpu: number,
  tdmrs: readonly CMR[],
  pamts: readonly PAMT[],
  cmrs: readonly CMR[],
  objects: number[],
): number {
  const reservedMax = read(cpu, 0x9100000100000009n);
  const table = alloc(4096 + 1024 * tdmrs.length, 'pages', objects);
  for (const [index, { base, end }] of tdmrs.entries()) {
    const { size4K, size2M, size1G, base: start } = pamts[index] as PAMT;
    const areas = reserved(base, end, cmrs, pamts);
    if (areas.length > reservedMax) {
      say(`initialization failed: TDMR [${hex(base)}, ${hex(end)}): reserved areas exhausted.`, 4);
      throw new Failed(ENOSPC);
    }
    store(table + 4096 + 1024 * index, [
      ...[base, end - base, start + size4K + size2M, size1G, start + size4K, size2M, start, size4K],
      ...areas.flatMap((area) => [area.base - base, area.end - area.base]),
    ]);
  }
  store(
    table,
    tdmrs.map((_, index) => table + 4096 + 1024 * index),
  );
  return table;
}
