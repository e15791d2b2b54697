import { counted } from '../text.ts';
import { replayLine } from '../campaign/finding-text.ts';
import type { KnownDeviation } from '../store/known.ts';
import { KERNEL_NAMES } from '../profile.ts';
import type { Evidence, ShownCase } from './entry.ts';

/** Names of the kernels of these deviations, in the order of the revisions. */
export function kernelsOf(known: readonly KnownDeviation[]): readonly string[] {
  const found = new Set(known.map((one) => one.case.profile.kernel));
  return KERNEL_NAMES.filter((name) => found.has(name));
}

/** The smallest of the cases as one to replay: fewest events, then fewest LPs; `null` for none. */
export function smallestCase(known: readonly KnownDeviation[], { nameOf }: Evidence): ShownCase | null {
  const [smallest] = [...known].sort((a, b) => sizeOf(a) - sizeOf(b) || (a.path < b.path ? -1 : 1));
  if (smallest === undefined) return null;
  const { kernel, module } = smallest.case.profile;
  const file = nameOf(smallest.path);
  return {
    file,
    text: `${counted(smallest.case.events.length, 'event')} on kernel ${kernel}, module ${module}`,
    command: replayLine(file),
  };
}

function sizeOf({ case: { events, platform } }: KnownDeviation): number {
  return events.length * 1000 + platform.lps.length;
}
