import type fc from 'fast-check';
import type { Platform } from '../../model/platform/platform.ts';
import type { Event } from '../../model/world/event.ts';
import type { Drawn, Temperament } from './draw.ts';
import { arbitrary } from './draw.ts';
import { drawEvents } from './events.ts';
import type { GeneratedCase, GenerateOptions } from './generate-case.ts';
import { drawCase } from './generate-case.ts';
import { drawPlatform } from './platform.ts';
import { EVERYTHING } from './swarm.ts';

/** Platforms of one temperament, with the names of the broken rules. */
export function platformArbitrary(temperament: Temperament): fc.Arbitrary<Drawn<Platform>> {
  return arbitrary((random) => drawPlatform(random, temperament, EVERYTHING));
}

/** Event sequences of one temperament on a given platform, with the names of the breaking perturbations. */
export function eventsArbitrary(temperament: Temperament, platform: Platform): fc.Arbitrary<Drawn<Event[]>> {
  return arbitrary((random) => drawEvents(random, temperament, platform, EVERYTHING));
}

/** Whole cases, as a campaign draws them. */
export function caseArbitrary(options: GenerateOptions): fc.Arbitrary<GeneratedCase> {
  return arbitrary((random) => drawCase(random, options));
}
