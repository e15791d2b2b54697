import { alignDown } from '../abi/align.ts';
import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { PAGE_1G } from '../abi/page.ts';
import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { FieldElement, FieldTable } from './field-table.ts';
import { TDH_SYS_RD } from './leaves/tdh-sys-rd.ts';
import { bytesPerCall, findTDMR, initialisePAMT, nextAddress } from './leaves/tdh-sys-tdmr-init.ts';
import { metadataValue } from './metadata-value.ts';
import { succeed } from './outcome.ts';
import type { ModuleState } from './state.ts';

/**
 * Runs of calls at the price of one: hosts call TDH.SYS.TDMR.INIT 256 times a GiB and TDH.SYS.RD for one field after
 * another. A run does what its calls would do one after another, as the leaves specify it; tests make both and compare.
 */

const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];

/**
 * Up to `limit` equal calls of TDH.SYS.TDMR.INIT at once, as the host's loop makes them: stops behind the first call
 * whose RDX reaches `rdxEnd` (bytes). Only calls that succeed are made; returns how many, 0 where the first one would
 * not (make that one with `callModule`). `regs` are then as after the last call.
 */
export function runTDMRInit(module: ModuleState, regs: Registers, limit: number, rdxEnd: number): number {
  if (module.phase !== 'READY' || regs.rax !== TDH_SYS_TDMR_INIT || limit < 1) return 0;
  const tdmr = findTDMR(module, regs.rcx);
  if (tdmr === undefined || tdmr.initialised >= tdmr.size) return 0;
  const perCall = bytesPerCall(module);
  const remaining = (tdmr.size - tdmr.initialised) / perCall;
  // RDX is rounded down to 1 GiB: it reaches `rdxEnd` when the first 1 GiB boundary at or above it is initialised.
  const boundary = rdxEnd <= tdmr.base ? 0 : rdxEnd - tdmr.base + PAGE_1G - 1;
  const goal = alignDown(boundary, PAGE_1G);
  const wanted = goal <= tdmr.initialised ? 1 : (goal - tdmr.initialised) / perCall;
  let calls = limit < remaining ? limit : remaining;
  if (wanted < calls) calls = wanted;
  initialisePAMT(module, tdmr, calls * perCall);
  regs.rdx = nextAddress(tdmr);
  succeed(regs);
  return calls;
}

/**
 * TDH.SYS.RD of fields number `values.length` to `count` - 1 at once, with RCX = R8 = 0, up to the first that would not
 * succeed or whose id is not one the table has: R8 of each is added to `values`. Returns RDX after the last; the call
 * that ends the run is not made.
 */
export function runSysRD(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  fields: readonly U64[],
  count: number,
  values: U64[],
): U64 {
  const { phase, release } = module;
  let rdx: U64 = 0;
  if (phase === 'DEAD' || phase === 'SHUTDOWN' || release.absentLeaves.includes(TDH_SYS_RD)) return rdx;
  if (module.lps[lp]?.initialised !== true) return rdx;
  const elements = elementsOf(release.fields, fields);
  for (let at = values.length; at < count; at += 1) {
    const element = elements[at];
    const value = element === undefined ? undefined : metadataValue(module, hardware, element);
    if (element === undefined || value === undefined) return rdx;
    rdx = element.next;
    values.push(value);
  }
  return rdx;
}

interface Found {
  readonly table: FieldTable;
  readonly elements: readonly (FieldElement | undefined)[];
}

/** Kernels read the same few lists of fields again and again: each is looked up once. */
const FOUND = new WeakMap<readonly U64[], Found>();

/** The elements that a list of ids names exactly as the table has them, `undefined` for others; the list must stay as it is. */
function elementsOf(table: FieldTable, ids: readonly U64[]): Found['elements'] {
  let found = FOUND.get(ids);
  if (found?.table !== table) {
    found = { table, elements: ids.map((id) => table.elements.find((element) => element.id === id)) };
    FOUND.set(ids, found);
  }
  return found.elements;
}
