import type { Case } from '../case.ts';
import type { Judge } from '../oracle/judge.ts';
import type { Violation } from '../oracle/verdict.ts';
import { keepEvents, MEMORY_WITH_CMRS, PARTS, type Part } from './parts.ts';
import { type Crash, type Probe, type ShrinkLimits, type Slip, startProbe } from './probe.ts';
import { lowerAddresses, mergeNeighbours, roundAllRegions, roundRegions } from './regions.ts';
import {
  closerLPs,
  earlierPreemptions,
  healthySettings,
  simplePlatforms,
  simplerEvents,
  smallerSettings,
} from './simplify.ts';

export interface ShrinkResult {
  readonly case: Case;
  /** The violation of that bucket in the shrunk case. */
  readonly violation: Violation;
  /** Verified: removing any single event, preemption, package, LP, memory block, CMR or override loses the bucket. */
  readonly minimal: boolean;
  /** Cases judged. */
  readonly evaluations: number;
  /** Other failures found during shrinking, with the first case of each bucket; each is a finding itself. */
  readonly slipped: readonly Slip[];
  /** The candidate on which the judge itself threw. */
  readonly crash?: Crash;
}

/** Reaches a fixpoint on any generated case (typically below 1,500); about a quarter of a second. */
export const SHRINK_EVALUATIONS = 5000;

/** Pairs of events that depend on each other (offline, online) are removed together; quadratic, so only for few events. */
const PAIRS_MAX = 14;

/**
 * Reduces `input` to a smaller case that fails in the same bucket: removes parts, then lowers regions, settings and
 * operands, until no step succeeds or the limits are reached. Deterministic unless `outOfTime` cuts it short.
 * `undefined`: `input` does not fail in `bucket`.
 */
export function shrink(input: Case, bucket: string, judge: Judge, limits: ShrinkLimits): ShrinkResult | undefined {
  const probe = startProbe(input, bucket, judge, limits);
  if (probe === undefined) return undefined;
  dropWhatCameAfter(probe);
  offerFirst(probe, simplePlatforms);
  let before: Case;
  do {
    before = probe.current();
    pass(probe);
  } while (before !== probe.current() && !probe.spent());
  const crash = probe.crash();
  return {
    case: probe.current(),
    violation: probe.violation(),
    minimal: isMinimal(probe),
    evaluations: probe.evaluations(),
    slipped: [...probe.slipped.values()],
    ...(crash === undefined ? {} : { crash }),
  };
}

function pass(probe: Probe): void {
  for (const part of PARTS) removeFrom(probe, part);
  removeFrom(probe, MEMORY_WITH_CMRS);
  removeEventPairs(probe);
  offerAll(probe, mergeNeighbours);
  offerAll(probe, healthySettings);
  offerAll(probe, closerLPs);
  offerAll(probe, lowerAddresses);
  offerAll(probe, roundRegions);
  offerAll(probe, roundAllRegions);
  offerAll(probe, smallerSettings);
  offerAll(probe, simplerEvents);
  offerAll(probe, earlierPreemptions);
}

/** Drops all events after the one that broke the invariant: they can hardly matter. */
function dropWhatCameAfter(probe: Probe): void {
  const { events } = probe.current();
  const { event } = probe.violation();
  if (event < events.length) probe.offer(keepEvents(probe.current(), [...Array(event + 1).keys()]));
}

/** Removes chunks, from the whole list down to single elements, the last ones first. */
function removeFrom(probe: Probe, part: Part): void {
  for (let chunk = part.count(probe.current()); chunk >= 1; chunk = Math.floor(chunk / 2)) {
    for (let end = part.count(probe.current()); end > 0; ) {
      const count = part.count(probe.current());
      const start = Math.max(0, end - chunk);
      probe.offer(part.keep(probe.current(), without(count, start, Math.min(end, count))));
      end = start;
    }
  }
}

function removeEventPairs(probe: Probe): void {
  for (let first = 0; first < probe.current().events.length; first++) {
    for (let second = first + 1; second < probe.current().events.length; second++) {
      const { events } = probe.current();
      if (events.length > PAIRS_MAX) return;
      const left = [...events.keys()].filter((index) => index !== first && index !== second);
      probe.offer(keepEvents(probe.current(), left));
    }
  }
}

/** Offers the candidates made from the current case; after one is accepted, continues with those of the new one. */
function offerAll(probe: Probe, candidates: (input: Case) => Iterable<Case>): void {
  while (offerFirst(probe, candidates)) if (probe.spent()) return;
}

function offerFirst(probe: Probe, candidates: (input: Case) => Iterable<Case>): boolean {
  for (const candidate of candidates(probe.current())) if (probe.offer(candidate)) return true;
  return false;
}

/** True if `input` fails in `bucket` and every single removal loses that; false if it does not fail there. */
export function isMinimalCase(input: Case, bucket: string, judge: Judge): boolean {
  const probe = startProbe(input, bucket, judge, { evaluations: SHRINK_EVALUATIONS });
  return probe !== undefined && isMinimal(probe);
}

function isMinimal(probe: Probe): boolean {
  const input = probe.current();
  return PARTS.every((part) => {
    const count = part.count(input);
    return [...Array(count).keys()].every((index) => {
      const candidate = part.keep(input, without(count, index, index + 1));
      return candidate === undefined || probe.keeps(candidate) === false;
    });
  });
}

/** Indices of a list of `count` elements, those in [start, end) left out. */
function without(count: number, start: number, end: number): readonly number[] {
  return [...Array(count).keys()].filter((index) => index < start || index >= end);
}
