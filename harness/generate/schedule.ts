import type { Event } from '../../model/world/event.ts';
import type { Preemption } from '../../model/world/schedule.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/**
 * One to three preemptions, rarely up to eight: most bugs of this kind need no more than two (Musuvathi and Qadeer,
 * Iterative Context Bounding, PLDI 2007). An initialisation is preempted more often than other threads, and in most
 * preemptions the next event begins.
 */
export function drawSchedule(random: Random, events: readonly Event[]): Preemption[] {
  const threads: number[] = [];
  const enables: number[] = [];
  for (let index = 0; index < events.length - 1; index += 1) {
    const steps = STEPS.get(events[index]?.kind ?? '');
    if (steps !== undefined) threads.push(index);
    if (events[index]?.kind === 'enable') enables.push(index);
  }
  const schedule: Preemption[] = [];
  if (threads.length === 0) return schedule;
  let event = enables.length > 0 && chance(random, 60) ? pick(random, enables) : pick(random, threads);
  for (let left = chance(random, 90) ? random.nextInt(1, 3) : random.nextInt(4, 8); left > 0; left -= 1) {
    const steps = STEPS.get(events[event]?.kind ?? '') ?? 0;
    schedule.push({
      event,
      after: random.nextInt(0, chance(random, 50) ? steps : 3 * steps),
      run: chance(random, 75) ? LAST : random.nextInt(0, 2),
    });
    // The next preemption stops the same thread again, the thread of the event after it, or any thread.
    const sort = random.nextInt(0, 2);
    if (sort === 1 && event + 1 < events.length - 1) event += 1;
    else if (sort === 2) event = pick(random, threads);
  }
  return schedule;
}

/** Selects the next event of the case: no case has as many threads. */
const LAST = 99;

/** Steps of an event's shorter threads, for events that can be preempted; the longest threads make three times that. */
const STEPS: ReadonlyMap<string, number> = new Map([
  ['enable', 48],
  ['cpu-enable', 6],
  ['cpu-online', 12],
  ['cpu-offline', 5],
  ['acpi-cpu-remove', 6],
  ['memory-add', 7],
  ['memory-remove', 4],
  ['td-create', 24],
  ['td-run', 3],
  ['td-destroy', 18],
]);
