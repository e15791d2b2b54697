import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import { asBigInt } from '../../model/abi/u64.ts';
import type { SeamcallEntry, TraceEntry } from '../../model/world/trace.ts';

/**
 * The entries with every run of TDH.SYS.RD as the single calls it stands for, so that a kernel whose reads were entered as
 * runs can be told and compared like one whose reads came one by one. What they answered (RDX, R8) is left out: a run
 * keeps only the last answer, and who asks the same module the same thing is told the same.
 */
export function singleReads(entries: readonly TraceEntry[]): readonly TraceEntry[] {
  return entries.flatMap((entry): readonly TraceEntry[] => {
    if (!isRead(entry)) return [entry];
    const { fields, calls, inRDX } = entry;
    const single = { ...entry, calls: fields === null ? calls : 1, fields: null, rdx: 0, r8: 0 };
    return (fields?.slice(0, calls) ?? [inRDX]).map((field) => ({ ...single, inRDX: field }));
  });
}

/** How many entries from `at` on, of those that `singleReads` gives, read fields that follow one another; 1 where none do. */
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

/** TDH.SYS.RD as kernels make it, successful, and nothing happened to it. */
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
