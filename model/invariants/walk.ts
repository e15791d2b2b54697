import { messageNames } from '../kernel/message-subject.ts';
import type { Named } from '../kernel/message-text.ts';
import type { EventRecord, SeamcallEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import { failed, leafName } from './look.ts';

/**
 * Walks over what one event left behind: the kernel's SEAMCALLs in the trace and its lines of dmesg. Rules that need the
 * position of an entry, or what stands before it, walk the trace themselves.
 */

/** The kernel's SEAMCALLs of a leaf, by name, in the order of the trace. */
export function kernelCalls(world: World, record: EventRecord, leaf: string): SeamcallEntry[] {
  const calls: SeamcallEntry[] = [];
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && !entry.raw && leafName(entry.leaf) === leaf) calls.push(entry);
  }
  return calls;
}

/** The kernel's first SEAMCALL of the event, or its first of a leaf; `undefined` if it made none. */
export function firstCall(world: World, record: EventRecord, leaf?: string): SeamcallEntry | undefined {
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && !entry.raw && (leaf === undefined || leafName(entry.leaf) === leaf)) return entry;
  }
  return undefined;
}

/** Tries after which a transient status may count as final. */
export const ATTEMPTS = 10;

/** How often the last of these calls was tried in a row, whatever each try returned; 0 if it did not fail. */
export function triesOf(calls: readonly SeamcallEntry[]): number {
  let tries = 0;
  const last = calls.at(-1);
  for (let at = calls.length - 1; at >= 0; at -= 1) {
    const entry = calls[at] as SeamcallEntry;
    if (!failed(entry) || entry.lp !== last?.lp || entry.inRCX !== last.inRCX) break;
    tries += entry.calls;
  }
  return tries;
}

/** `once`, `3 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** True if one of the event's lines names such a thing; with `value`, that very one. */
export function isNamed(record: EventRecord, what: Named, value?: number): boolean {
  for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
    const message = record.kernel.dmesg[index];
    if (message !== undefined && messageNames(message, what, value)) return true;
  }
  return false;
}

/** True if the event printed a line with this message id. */
export function isPrinted({ kernel, dmesgFrom, dmesgTo }: EventRecord, id: string): boolean {
  for (let index = dmesgFrom; index < dmesgTo; index += 1) if (kernel.dmesg[index]?.id === id) return true;
  return false;
}

/** True if the event is the one that initialised TDX. */
export function justInitialised({ statusBefore, statusAfter }: EventRecord): boolean {
  return statusAfter === 'initialised' && statusBefore !== 'initialised';
}
