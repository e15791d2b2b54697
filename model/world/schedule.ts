import type { Thread } from '../kernel/thread.ts';
import { stepThread } from '../kernel/thread.ts';
import type { Event } from './event.ts';
import { beginEvent, endEvent, step } from './step.ts';
import type { EventRecord } from './trace.ts';
import type { Overlap, World } from './world.ts';

/**
 * Kernel threads that overlap. Every event that runs a kernel flow is a thread. Without preemptions each runs to its end
 * before the next event begins. A preemption stops the thread of one event before one of its steps and resumes another:
 * one that was stopped or was waiting, or the next event of the case, which begins while the earlier one is under way.
 * A resumed thread runs until it ends, waits for a lock or is preempted itself; then the oldest runnable thread resumes.
 * Events that are no threads (a condition, a raw SEAMCALL, a machine check) happen at once where they begin. Some events
 * do not begin while others are under way: see `mayBegin`. Every schedule ends, as each preemption is used once.
 */
export interface Preemption {
  /** 0-based index of the event whose thread is stopped. */
  readonly event: number;
  /** Steps that thread has made by then; 0 = before its first. */
  readonly after: number;
  /**
   * Which thread runs next, 0-based: the other runnable threads in order of their start, then the next event. Clamped to
   * the last; if there is no other runnable thread, the current one continues.
   */
  readonly run: number;
}

/** A part of the trace and of dmesg, by the positions it was written at. */
type Turn = Omit<Overlap, 'group'>;

interface Flight {
  readonly event: number;
  readonly record: EventRecord;
  readonly thread: Thread;
  steps: number;
  waits: boolean;
}

/**
 * Runs event `index` to completion, together with every event that starts while it, or one of those, is still running.
 * Returns the index of the first event not yet started. The records of the events are the world's last ones, in order of
 * their start; each has its own entries of trace and dmesg together, and `world.overlaps` keeps the order they came in.
 */
export function runFrom(
  world: World,
  events: readonly Event[],
  index: number,
  schedule: readonly Preemption[] | undefined,
): number {
  const event = events[index];
  if (event === undefined) return index + 1;
  if (schedule?.some((preemption) => preemption.event === index) !== true || !mayBegin(event, [])) {
    step(world, event);
    return index + 1;
  }
  return interleave(world, events, index, schedule.slice());
}

function interleave(world: World, events: readonly Event[], index: number, left: Preemption[]): number {
  const imbalancesBefore = world.kernel.lockImbalances.length;
  const from = { record: world.records.length, entry: world.trace.length, line: world.kernel.dmesg.length };
  const slices: Turn[] = [];
  let flights: Flight[] = [];
  let next = index;
  let current = begin(null);

  function begin(running: Flight | null): Flight | null {
    if (running !== null) note(world, slices, running.record);
    const event = events[next] as Event;
    const { record, thread } = beginEvent(world, event);
    next += 1;
    if (thread === null) {
      note(world, slices, record);
      return null;
    }
    const flight = { event: next - 1, record, thread, steps: 0, waits: false };
    flights.push(flight);
    return flight;
  }

  while (world.kernel.crash === null) {
    current ??= flights.find(({ waits }) => !waits) ?? null;
    if (current === null) {
      const oldest = flights.shift();
      if (oldest === undefined) break;
      world.kernel.crash = deadlockOf([oldest, ...flights]);
      endEvent(world, oldest.record, oldest.thread);
      break;
    }
    const running = current;
    const preemption = take(left, running);
    if (preemption !== undefined) {
      const others = flights.filter((flight) => flight !== running && !flight.waits);
      if (preemption.run < others.length || !mayBegin(events[next], flights)) {
        const other = others[preemption.run < others.length ? preemption.run : others.length - 1];
        if (other === undefined) continue;
        note(world, slices, running.record);
        current = other;
      } else current = begin(running);
      continue;
    }
    const status = isStranded(world, running) ? 'stranded' : stepOnline(world, running.thread);
    if (status === 'blocked') {
      running.waits = true;
      note(world, slices, running.record);
      current = null;
      continue;
    }
    running.steps += 1;
    for (const flight of flights) flight.waits = false;
    if (status === 'running') continue;
    note(world, slices, running.record);
    flights = flights.filter((flight) => flight !== running);
    endEvent(world, running.record, status === 'stranded' ? null : running.thread);
    current = null;
  }
  // A crash ends every thread.
  for (const { record } of flights) endEvent(world, record, null);
  gather(world, slices, from);
  world.imbalancesBefore = imbalancesBefore;
  return next;
}

/**
 * True if the event may begin while those are under way. A new kernel, a module loaded anew and a sleep state need a
 * machine at rest. Hotplug events serialise against each other (lock_device_hotplug()). A CPU enables itself with
 * interrupts off, so no second thread does that on the same CPU.
 * Source: lock_device_hotplug(), drivers/base/core.c; tdx_cpu_enable() (lockdep_assert_irqs_disabled()), Linux 6.12.
 */
function mayBegin(event: Event | undefined, flights: readonly Flight[]): boolean {
  if (event === undefined || event.kind === 'late-load') return false;
  if (event.kind === 'kexec' || event.kind === 'suspend') return false;
  for (const { record } of flights) {
    const other = record.event;
    if (HOTPLUG.includes(event.kind) && HOTPLUG.includes(record.kind)) return false;
    if (event.kind === 'cpu-enable' && other.kind === 'cpu-enable' && event.lp === other.lp) return false;
  }
  return true;
}

const HOTPLUG: readonly EventRecord['kind'][] = [
  'cpu-online',
  'cpu-offline',
  'acpi-cpu-add',
  'acpi-cpu-remove',
  'memory-add',
  'memory-remove',
];

function take(left: Preemption[], { event, steps }: Flight): Preemption | undefined {
  const at = left.findIndex((preemption) => preemption.event === event && preemption.after === steps);
  return at === -1 ? undefined : left.splice(at, 1)[0];
}

/** A CPU that went offline before its turn is not called (on_each_cpu() under cpus_read_lock()). */
function isStranded({ kernel }: World, { thread }: Flight): boolean {
  return (
    thread.flow === kernel.revision.cpuEnable && thread.held.length === 0 && kernel.cpus[thread.cpu]?.online !== true
  );
}

/** A task whose CPU has gone offline continues on the lowest online one. */
function stepOnline(world: World, thread: Thread): Thread['status'] {
  const { cpus } = world.kernel;
  if (cpus[thread.cpu]?.online !== true) {
    const online = cpus.findIndex((cpu) => cpu.online);
    if (online !== -1) thread.cpu = online;
  }
  return stepThread(world.kernel, thread, world.port);
}

function deadlockOf(flights: readonly Flight[]): string {
  const waiting = flights.map(
    ({ thread: { flow, pc, held } }) =>
      `${flow.name} holds ${held.length === 0 ? 'nothing' : held.join(', ')} and waits at ${flow.steps[pc]?.name ?? 'its end'}`,
  );
  return `deadlock: ${waiting.join('; ')}`;
}

/** Assigns everything since the last note to this record. */
function note(world: World, slices: Turn[], record: EventRecord): void {
  const last = slices.at(-1);
  const { length: entryEnd } = world.trace;
  const { length: lineEnd } = record.kernel.dmesg;
  slices.push({
    record,
    from: last?.to ?? record.from,
    to: entryEnd,
    dmesgFrom: last?.dmesgTo ?? record.dmesgFrom,
    dmesgTo: lineEnd,
  });
  // Equal calls of two threads are not one run of calls.
  world.foldFrom = entryEnd;
}

/**
 * Brings the entries of each record together, so that a record holds what its own thread did and nothing else, and keeps
 * their real order in `world.overlaps`.
 */
function gather(world: World, slices: readonly Turn[], from: { record: number; entry: number; line: number }): void {
  const { trace, records, kernel } = world;
  const group = records.slice(from.record);
  if (group.length < 2) {
    for (const record of group) {
      record.to = trace.length;
      record.dmesgTo = kernel.dmesg.length;
    }
    return;
  }
  const entries = trace.slice(from.entry);
  const lines = kernel.dmesg.slice(from.line);
  trace.length = from.entry;
  kernel.dmesg.length = from.line;
  const moved: Overlap[] = [];
  for (const record of group) {
    record.from = trace.length;
    record.dmesgFrom = kernel.dmesg.length;
    for (const [turn, slice] of slices.entries()) {
      if (slice.record !== record) continue;
      const entry = trace.length;
      const line = kernel.dmesg.length;
      for (let at = slice.from; at < slice.to; at += 1)
        trace.push(entries[at - from.entry] as (typeof entries)[number]);
      for (let at = slice.dmesgFrom; at < slice.dmesgTo; at += 1)
        kernel.dmesg.push(lines[at - from.line] as (typeof lines)[number]);
      moved[turn] = {
        record,
        group: from.record,
        from: entry,
        to: trace.length,
        dmesgFrom: line,
        dmesgTo: kernel.dmesg.length,
      };
    }
    record.to = trace.length;
    record.dmesgTo = kernel.dmesg.length;
  }
  world.overlaps.push(...moved);
}
