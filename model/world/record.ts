import type { Event } from './event.ts';
import type { EventRecord } from './trace.ts';
import { modulePhase, type World } from './world.ts';

/** Begins the record of an event: everything from here on is its own. Until it is closed its outcome is `ignored`. */
export function openRecord(world: World, event: Event): EventRecord {
  const { kernel } = world;
  const record: EventRecord = {
    event,
    kind: event.kind,
    kernel,
    from: world.trace.length,
    to: world.trace.length,
    dmesgFrom: kernel.dmesg.length,
    dmesgTo: kernel.dmesg.length,
    statusBefore: kernel.status,
    statusAfter: kernel.status,
    phaseBefore: modulePhase(world),
    phaseAfter: 'ABSENT',
    outcome: 'ignored',
    errno: 0,
    hint: false,
  };
  world.records.push(record);
  world.foldFrom = record.from;
  world.imbalancesBefore = kernel.lockImbalances.length;
  return record;
}

/** Fills in where the event's entries and lines end, and the states it left behind. */
export function closeRecord(world: World, record: EventRecord): void {
  const { kernel } = record;
  record.to = world.trace.length;
  record.dmesgTo = kernel.dmesg.length;
  record.statusAfter = kernel.status;
  record.phaseAfter = modulePhase(world);
}

/** True once the kernel has made a SEAMCALL that reached the module. */
export function hasTalked({ trace }: World): boolean {
  for (const entry of trace) if (entry.kind === 'seamcall' && entry.trap === 'none') return true;
  return false;
}
