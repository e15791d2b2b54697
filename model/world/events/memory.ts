import { PAGE_4K } from '../../abi/page.ts';
import { isAligned } from '../../abi/align.ts';
import type { Thread } from '../../kernel/thread.ts';
import type { Event } from '../event.ts';
import { firstOnline, startThread } from '../kernel-thread.ts';
import type { EventRecord, Outcome } from '../trace.ts';
import type { World } from '../world.ts';

type MemoryAdd = Extract<Event, { kind: 'memory-add' }>;
type MemoryRemove = Extract<Event, { kind: 'memory-remove' }>;

/** Memory hotplug; a range that overlaps memory that is there already, or is not whole pages, is no event. */
export function addMemory(world: World, { how, base, size, node }: MemoryAdd): Outcome | Thread {
  const { kernel } = world;
  for (const block of kernel.memblock) if (base < block.base + block.size && block.base < base + size) return 'ignored';
  if (!isWholePages(base, size)) return 'ignored';
  const cpu = firstOnline(world);
  return startThread(world, kernel.revision.memoryAdd[how], cpu, cpu, { base, size, node });
}

/** Memory hot-removal; a range that is not all memory is no event. */
export function removeMemory(world: World, { how, base, size }: MemoryRemove): Outcome | Thread {
  const { kernel } = world;
  if (!isWholePages(base, size)) return 'ignored';
  let covered = base;
  for (const block of kernel.memblock)
    if (block.base <= covered && covered < block.base + block.size) covered = block.base + block.size;
  if (how !== 'zone-device' && covered < base + size) return 'ignored';
  const cpu = firstOnline(world);
  return startThread(world, kernel.revision.memoryRemove[how], cpu, cpu, { base, size, node: 0 });
}

function isWholePages(base: number, size: number): boolean {
  return size >= PAGE_4K && isAligned(base, PAGE_4K) && isAligned(size, PAGE_4K);
}

/** A memory error is reported to the kernel's machine-check handler, if there is one that looks at TDX. */
export function checkMachine(world: World, record: EventRecord, lp: number, address: number): Outcome {
  const { kernel } = world;
  const { machineCheck } = kernel.revision;
  if (kernel.cpus[lp]?.online !== true) return 'ignored';
  if (machineCheck !== null) record.hint = machineCheck(kernel, world.port, lp, address) === 'private';
  return 'done';
}
