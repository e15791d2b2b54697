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
  /** Real machines, from which some cases start; the caller loads them. */
  readonly platforms: readonly Platform[];
}

/** A machine, its events, and what the generator broke on purpose: names of rules and perturbations. */
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

/** Case `index` of a seed. It depends on seed, index and options only, not on which other cases are generated. */
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
  // Drawn last, so that the rest of the case does not depend on it.
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
