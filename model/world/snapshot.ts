import type { U64 } from '../abi/u64.ts';
import { BLOCK_WORDS } from '../platform/memory.ts';
import type { World } from './world.ts';

/** What a refused SEAMCALL must leave alone, value by value. */
export type Snapshot = readonly (U64 | string)[];

/** The module's state and the words of memory that are not zero. */
export function takeSnapshot({ module, hardware }: World): Snapshot {
  const snapshot: (U64 | string)[] = [
    module.phase,
    module.initialisedLPs,
    module.keyidFirst,
    module.keyidLast,
    module.globalKeyID,
    module.packagesConfigured,
  ];
  for (const lp of module.lps) snapshot.push(lp.initialised ? 1 : 0, lp.package);
  for (const { base, size, initialised } of module.tdmrs) snapshot.push(base, size, initialised);
  for (const [keyid, { state, writeBackPending }] of module.keyids) snapshot.push(keyid, state, writeBackPending);
  for (const [address, { type, owner }] of module.pages) snapshot.push(address, type, owner);
  for (const [address, td] of module.tds) {
    snapshot.push(address, td.lifecycle, td.packagesConfigured, td.tdcxCount, td.childCount);
    for (const [page, lp] of td.vcpus) snapshot.push(page, lp);
  }
  snapshot.push(module.handoff.valid, module.handoff.version);
  // A block of zeroes says no more than one that was never written.
  for (const [block, words] of hardware.memory.blocks) {
    for (let at = 0; at < words.length; at += 1) {
      const word = words[at] ?? 0;
      if (word !== 0) snapshot.push(block * BLOCK_WORDS + at, word);
    }
  }
  return snapshot;
}

export function isSameSnapshot(one: Snapshot, other: Snapshot): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1) if (one[at] !== other[at]) return false;
  return true;
}
