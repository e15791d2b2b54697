import type { Thread } from '../kernel/thread.ts';
import { type Event, isAttempt } from './event.ts';
import { addCPU, offlineCPU, onlineCPU, removeCPU, setVMX } from './events/cpu.ts';
import { enableCPU, enableModule } from './events/enable.ts';
import { addMemory, checkMachine, removeMemory } from './events/memory.ts';
import { dropModule, killModule, loadModule } from './events/module.ts';
import { kexec, suspend } from './events/power.ts';
import { callRaw } from './events/seamcall.ts';
import { createTD, destroyTD, runTD } from './events/td.ts';
import { runAlone } from './kernel-thread.ts';
import { closeRecord, openRecord } from './record.ts';
import type { EventRecord, Outcome } from './trace.ts';
import type { World } from './world.ts';

/**
 * Lets one event happen to its end: it begins, its thread runs, it ends. Returns its record. Nothing happens to a kernel
 * that has crashed.
 */
export function step(world: World, event: Event): EventRecord {
  const record = openRecord(world, event);
  const { kernel } = record;
  if (kernel.crash === null) {
    const begun = begin(world, record, event);
    if (typeof begun === 'string') settle(record, begun);
    else {
      record.errno = runAlone(world, begun);
      settle(record, outcomeOf(record));
    }
  }
  // A kexec has closed the record of the old kernel.
  if (world.kernel === kernel) closeRecord(world, record);
  return record;
}

/** The record of an event, and the thread that has yet to run before `endEvent` is called; `null`: the event is over. */
export interface Beginning {
  readonly record: EventRecord;
  readonly thread: Thread | null;
}

/** Lets one event begin, where threads overlap. */
export function beginEvent(world: World, event: Event): Beginning {
  const record = openRecord(world, event);
  const begun = world.kernel.crash === null ? begin(world, record, event) : 'ignored';
  if (typeof begun !== 'string') return { record, thread: begun };
  settle(record, begun);
  closeRecord(world, record);
  return { record, thread: null };
}

/**
 * Ends an event whose thread has ended, waits for ever or has crashed the kernel. `null`: the thread never ran, or the
 * kernel crashed in another one first. Only a thread that ran to its end has an errno.
 */
export function endEvent(world: World, record: EventRecord, thread: Thread | null): void {
  if (thread === null) record.outcome = 'ignored';
  else {
    record.errno = thread.status === 'done' ? thread.error : 0;
    settle(record, outcomeOf(record));
  }
  closeRecord(world, record);
}

/** What the errno of an event's thread makes of it. */
function outcomeOf({ errno, kind }: EventRecord): Outcome {
  return errno === 0 || isAttempt(kind) ? 'done' : 'refused';
}

function settle(record: EventRecord, outcome: Outcome): void {
  record.outcome = record.kernel.crash !== null && outcome !== 'ignored' ? 'crashed' : outcome;
}

/** Everything that can happen: an outcome where it happened at once, else the thread that does it. */
function begin(world: World, record: EventRecord, event: Event): Outcome | Thread {
  switch (event.kind) {
    case 'vmxon':
      return setVMX(world, event.lp, true);
    case 'vmxoff':
      return setVMX(world, event.lp, false);
    case 'cpu-online':
      return onlineCPU(world, record, event.lp);
    case 'cpu-offline':
      return offlineCPU(world, record, event.lp);
    case 'cpu-enable':
      return enableCPU(world, event.lp);
    case 'enable':
      return enableModule(world, record);
    case 'acpi-cpu-add':
      return addCPU(world, event.lp);
    case 'acpi-cpu-remove':
      return removeCPU(world, event.lp);
    case 'memory-add':
      return addMemory(world, event);
    case 'memory-remove':
      return removeMemory(world, event);
    case 'td-create':
      return createTD(world);
    case 'td-run':
      return runTD(world, event.td, event.lp);
    case 'td-destroy':
      return destroyTD(world, event.td);
    case 'machine-check':
      return checkMachine(world, record, event.lp, event.address);
    case 'allocation-failure':
      world.faults.allocations.push(event.nth);
      return 'done';
    case 'condition':
      world.faults.conditions.push({ condition: event.condition, leaf: event.leaf, left: event.count });
      return 'done';
    case 'cmr-corruption':
      world.faults.cmrEntries.push(event);
      return 'done';
    case 'late-load':
      return loadModule(world);
    case 'module-unload':
      return dropModule(world);
    case 'seam-death':
      return killModule(world);
    case 'seamcall':
      return callRaw(world, event);
    case 'kexec':
      return kexec(world, record);
    case 'suspend':
      return suspend(world, record, event.state);
  }
}
