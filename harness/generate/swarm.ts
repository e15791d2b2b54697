import type { Random } from './draw.ts';

/**
 * The features and perturbations that one case may contain: a random half of them, drawn anew for each case. Cases that
 * may contain everything tend to contain a little of everything; a swarm of narrower ones tests more deeply (Groce et
 * al., Swarm Testing, ISSTA 2012). Two masks of 31 bits: one for platform features, one for perturbations.
 */
export interface Swarm {
  readonly features: number;
  readonly perturbations: number;
}

const ALL = 0x7fffffff;
export const EVERYTHING: Swarm = { features: ALL, perturbations: ALL };

export function drawSwarm(random: Random): Swarm {
  return { features: random.nextInt(0, ALL), perturbations: random.nextInt(0, ALL) };
}

/** True if the platform feature with this index is switched on. */
export function isOn(swarm: Swarm, feature: number): boolean {
  return (swarm.features & (1 << feature)) !== 0;
}
