import type { Platform } from '../../model/platform/platform.ts';
import type { Event } from '../../model/world/event.ts';
import type { Preemption } from '../../model/world/schedule.ts';
import type { Random, Temperament } from './draw.ts';
import { chance, weighted } from './draw.ts';
import { drawEvents } from './events.ts';
import type { Mood, MoodName } from './mood.ts';
import { moodOf } from './mood.ts';
import { drawPlatform } from './platform.ts';
import { drawRealPlatform } from './real-platform.ts';
import { drawSchedule } from './schedule.ts';
import { randomFor } from './seed.ts';
import { drawSwarm, EVERYTHING } from './swarm.ts';

export interface GenerateOptions {
  readonly mood: MoodName;
  /** Machines of the field to start from now and then; the caller loads them. */
  readonly platforms: readonly Platform[];
}

/** A machine, what happens to it, and what the generator broke on purpose: names of rules and perturbations. */
export interface GeneratedCase {
  readonly platform: Platform;
  readonly events: readonly Event[];
  /** Empty: nothing overlaps. */
  readonly schedule: readonly Preemption[];
  readonly mood: MoodName;
  readonly broken: readonly string[];
}

const SERIAL: readonly Preemption[] = [];
const TEMPERAMENTS: readonly Temperament[] = ['legal', 'broken', 'wild'];

/** Case `index` of a seed: the same for ever for the same options, whatever else is generated. */
export function generateCase(seed: string, index: number, options: GenerateOptions): GeneratedCase {
  return drawCase(randomFor(seed, index), options);
}

/** One case from the given randomness. */
export function drawCase(random: Random, { mood: name, platforms }: GenerateOptions): GeneratedCase {
  const mood = moodOf(name);
  const swarm = mood.swarm ? drawSwarm(random) : EVERYTHING;
  const real = platforms.length > 0 && chance(random, mood.real);
  const platform = real
    ? { value: drawRealPlatform(random, platforms), broken: [] }
    : drawPlatform(random, drawTemperament(random, mood.platform), swarm);
  const events = drawEvents(random, drawTemperament(random, mood.events), platform.value, swarm);
  // Drawn last: what the rest of the case is does not depend on it.
  const schedule = chance(random, mood.interleaved) ? drawSchedule(random, events.value) : SERIAL;
  return {
    platform: platform.value,
    events: events.value,
    schedule,
    mood: name,
    broken: platform.broken.length === 0 ? events.broken : platform.broken.concat(events.broken),
  };
}

function drawTemperament(random: Random, weights: Mood['platform']): Temperament {
  return TEMPERAMENTS[weighted(random, weights)] ?? 'legal';
}
