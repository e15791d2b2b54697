import { UserError } from '../user-error.ts';

/** What a campaign generates most. Weights are of legal, broken and wild, in this order. */
export interface Mood {
  readonly platform: readonly [number, number, number];
  readonly events: readonly [number, number, number];
  /** Percent of cases that start from a real machine, if the caller supplies any. */
  readonly real: number;
  /** Percent of cases in which kernel threads are preempted. */
  readonly interleaved: number;
  /** Each case may contain only a random half of all features and perturbations. */
  readonly swarm: boolean;
  readonly description: string;
}

const MOODS = {
  default: {
    platform: [72, 20, 8],
    events: [24, 52, 24],
    real: 4,
    interleaved: 10,
    swarm: true,
    description: 'a bit of everything: mostly legal platforms, mostly one perturbation',
  },
  legal: {
    platform: [100, 0, 0],
    events: [100, 0, 0],
    real: 10,
    interleaved: 5,
    swarm: false,
    description: "nothing is broken: every failure is the kernel's or the platform's own",
  },
  firmware: {
    platform: [10, 75, 15],
    events: [70, 30, 0],
    real: 0,
    interleaved: 2,
    swarm: true,
    description: 'BIOS gets one thing wrong',
  },
  events: {
    platform: [96, 4, 0],
    events: [0, 70, 30],
    real: 6,
    interleaved: 20,
    swarm: true,
    description: 'good machines, bad days: hotplug, faults, retries',
  },
  hostile: {
    platform: [20, 30, 50],
    events: [0, 20, 80],
    real: 2,
    interleaved: 20,
    swarm: true,
    description: 'wild platforms, wild events, raw SEAMCALLs',
  },
  interleaved: {
    platform: [97, 3, 0],
    events: [30, 50, 20],
    real: 4,
    interleaved: 100,
    swarm: true,
    description: 'kernel threads that overlap: CPUs and memory come and go while TDX is initialised',
  },
  real: {
    platform: [100, 0, 0],
    events: [30, 50, 20],
    real: 100,
    interleaved: 5,
    swarm: true,
    description: 'machines of the field, scaled down',
  },
} as const satisfies Record<string, Mood>;

export type MoodName = keyof typeof MOODS;

export const MOOD_NAMES = Object.keys(MOODS) as readonly MoodName[];

export function moodOf(name: MoodName): Mood {
  return MOODS[name];
}

/** Reads a mood's name from the command line. Throws a UserError that lists the valid names. */
export function parseMood(text: string): MoodName {
  const name = MOOD_NAMES.find((candidate) => candidate === text);
  if (name === undefined) throw new UserError(`unknown mood '${text}'; there are ${MOOD_NAMES.join(', ')}`);
  return name;
}
