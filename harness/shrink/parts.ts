import type { Event } from '../../model/world/event.ts';
import type { Platform, PlatformLP } from '../../model/platform/platform.ts';
import type { Case } from '../case.ts';

/** A list in a case from which elements can be removed. */
export interface Part {
  readonly name: string;
  readonly count: (input: Case) => number;
  /** The case with only these elements (ascending indices); `undefined` if too few are left for a case. */
  readonly keep: (input: Case, kept: readonly number[]) => Case | undefined;
}

/** All parts that a minimal case is checked for: no single removal keeps the failure. */
export const PARTS: readonly Part[] = [
  {
    name: 'event',
    count: ({ events }) => events.length,
    keep: keepEvents,
  },
  {
    name: 'preemption',
    count: ({ schedule }) => schedule?.length ?? 0,
    keep: ({ schedule = [], ...input }, kept) =>
      kept.length === 0 ? input : { ...input, schedule: pick(schedule, kept) },
  },
  { name: 'package', count: (input) => packagesOf(input.platform).length, keep: keepPackages },
  {
    name: 'LP, with its events',
    count: ({ platform }) => platform.lps.length,
    keep: (input, kept) => keepLPs(input, kept, 'drop'),
  },
  {
    name: 'LP, its events to another',
    count: ({ platform }) => platform.lps.length,
    keep: (input, kept) => keepLPs(input, kept, 'retarget'),
  },
  platformList('memory', 1),
  platformList('cmrs', 0),
  platformList('msr', 0),
  platformList('fms', 1),
];

/** Memory blocks together with the CMRs that overlap them: neither can be removed alone if both must match. */
export const MEMORY_WITH_CMRS: Part = {
  name: 'memory block with its CMRs',
  count: ({ platform }) => platform.memory.length,
  keep(input, kept) {
    const { memory, cmrs } = input.platform;
    if (kept.length === 0) return undefined;
    const gone = memory.filter((_, index) => !kept.includes(index));
    const left = cmrs.filter(
      (cmr) => !gone.some((block) => cmr.base < block.base + block.size && block.base < cmr.base + cmr.size),
    );
    return withPlatform(input, { memory: pick(memory, kept), cmrs: left });
  },
};

/** Keeps the events at `kept`. A removed event takes its preemptions with it; the others get their event's new index. */
export function keepEvents({ schedule, ...input }: Case, kept: readonly number[]): Case {
  const events = pick(input.events, kept);
  if (schedule === undefined) return { ...input, events };
  const left = schedule.flatMap((preemption) => {
    const event = kept.indexOf(preemption.event);
    return event === -1 ? [] : [{ ...preemption, event }];
  });
  return left.length === 0 ? { ...input, events } : { ...input, events, schedule: left };
}

export function withPlatform(input: Case, change: Partial<Platform>): Case {
  return { ...input, platform: { ...input.platform, ...change } };
}

/** Package numbers in use, ascending. */
export function packagesOf({ lps }: Platform): readonly number[] {
  return [...new Set(lps.map((lp) => lp.package))].sort((a, b) => a - b);
}

function pick<T>(list: readonly T[], kept: readonly number[]): readonly T[] {
  return kept.flatMap((index) => list.slice(index, index + 1));
}

function platformList(name: 'memory' | 'cmrs' | 'msr' | 'fms', least: number): Part {
  return {
    name,
    count: ({ platform }) => platform[name].length,
    keep: (input, kept) =>
      kept.length < least
        ? undefined
        : withPlatform(input, { [name]: pick<unknown>(input.platform[name], kept) } as Partial<Platform>),
  };
}

function keepPackages(input: Case, kept: readonly number[]): Case | undefined {
  const numbers = pick(packagesOf(input.platform), kept);
  const lps = [...input.platform.lps.keys()].filter((index) =>
    numbers.includes(input.platform.lps[index]?.package ?? -1),
  );
  return keepLPs(input, lps, 'drop');
}

/** The case without one LP and its events. */
export function withoutLP(input: Case, gone: number): Case | undefined {
  return keepLPs(
    input,
    [...input.platform.lps.keys()].filter((lp) => lp !== gone),
    'drop',
  );
}

/**
 * Keeps the LPs at `kept`. LPs, packages and everything that names one are renumbered without gaps; events of a removed
 * LP are dropped or moved to LP 0.
 */
function keepLPs(input: Case, kept: readonly number[], orphans: 'drop' | 'retarget'): Case | undefined {
  if (kept.length === 0) return undefined;
  const { platform } = input;
  const numbers = new Map(kept.map((old, index) => [old, index]));
  const renumbered = (lp: number): number | undefined => numbers.get(lp) ?? (orphans === 'retarget' ? 0 : undefined);
  const stays = [...input.events.keys()].filter((index) => {
    const event = input.events[index];
    return event !== undefined && (!('lp' in event) || renumbered(event.lp) !== undefined);
  });
  const left = keepEvents(input, stays);
  const events = left.events.map(
    (event): Event => ('lp' in event ? { ...event, lp: renumbered(event.lp) ?? 0 } : event),
  );
  const msr = platform.msr.flatMap((one) => {
    const lp = one.lp === null ? null : numbers.get(one.lp);
    return lp === undefined ? [] : [{ ...one, lp }];
  });
  return { ...left, platform: { ...platform, msr, ...closeGaps(pick(platform.lps, kept), platform.fms) }, events };
}

function closeGaps(lps: readonly PlatformLP[], fms: readonly number[]): Pick<Platform, 'lps' | 'fms'> {
  const packages = [...new Set(lps.map((lp) => lp.package))].sort((a, b) => a - b);
  const left = fms.filter((_, index) => packages.includes(index));
  return {
    lps: lps.map((lp) => ({ ...lp, package: packages.indexOf(lp.package) })),
    fms: left.length === 0 ? fms.slice(0, 1) : left,
  };
}
