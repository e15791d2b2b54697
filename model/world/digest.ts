import type { World } from './world.ts';

/**
 * What a refused SEAMCALL must leave alone, as text: the module's state and the words of memory that are not zero. Slow
 * (some microseconds): only worlds that watch refusals ask for it.
 */
export function digestModule({ module, hardware }: World): string {
  const parts: unknown[] = [
    module.phase,
    module.initialisedLPs,
    module.keyidFirst,
    module.keyidLast,
    module.globalKeyID,
    module.packagesConfigured,
  ];
  for (const lp of module.lps) parts.push(lp.initialised ? 1 : 0, lp.package);
  for (const { base, size, initialised } of module.tdmrs) parts.push(base, size, initialised);
  for (const [keyid, { state, writeBackPending }] of module.keyids) parts.push(keyid, state, writeBackPending);
  for (const [address, { type, owner }] of module.pages) parts.push(address, type, owner);
  for (const [address, td] of module.tds)
    parts.push(address, td.lifecycle, td.packagesConfigured, td.tdcxCount, td.childCount);
  parts.push(module.handoff.valid, module.handoff.version);
  // A block of zeroes says no more than one that was never written.
  for (const [block, words] of hardware.memory.blocks) {
    for (let at = 0; at < words.length; at += 1) if (words[at] !== 0) parts.push(block * words.length + at, words[at]);
  }
  return parts.join();
}
