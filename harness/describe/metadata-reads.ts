import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import { asBigInt } from '../../model/abi/u64.ts';
import type { SeamcallEntry, TraceEntry } from '../../model/world/trace.ts';

/**
 * The entries with every run of TDH.SYS.RD expanded into its single calls, so that a trace with runs is printed and
 * compared like one with single reads. The outputs (RDX, R8) are cleared: a run keeps only the last ones, and the same
 * module returns the same values for the same fields.
 */
export function singleReads(entries: readonly TraceEntry[]): readonly TraceEntry[] {
  return entries.flatMap((entry): readonly TraceEntry[] => {
    if (!isRead(entry)) return [entry];
    const { fields, calls, inRDX } = entry;
    const single = { ...entry, calls: fields === null ? calls : 1, fields: null, rdx: 0, r8: 0 };
    return (fields?.slice(0, calls) ?? [inRDX]).map((field) => ({ ...single, inRDX: field }));
  });
}

/** Number of entries from `at` on, in the result of `singleReads`, that read consecutive fields; 1 if `at` is no read. */
export function readsFrom(entries: readonly TraceEntry[], at: number): number {
  const first = entries[at];
  let count = 1;
  if (first === undefined || !isRead(first) || first.calls !== 1) return count;
  for (;;) {
    const next = entries[at + count];
    if (next === undefined || !isRead(next) || next.lp !== first.lp || next.calls !== 1) return count;
    if (asBigInt(next.inRDX) !== asBigInt(first.inRDX) + BigInt(count)) return count;
    count += 1;
  }
}

/** True for a successful TDH.SYS.RD made by a kernel and not disturbed by a condition. */
function isRead(entry: TraceEntry): entry is SeamcallEntry {
  return (
    entry.kind === 'seamcall' &&
    entry.leaf === LEAF_NUMBER['TDH.SYS.RD'] &&
    !entry.raw &&
    entry.trap === 'none' &&
    entry.rax === 0 &&
    entry.condition === null &&
    entry.inRCX === 0 &&
    entry.inR8 === 0
  );
}
