import type { Severity } from '../../../model/invariants/severity.ts';

/** What a difference between two runs costs, by what its bucket says of it; the first that fits. */
const COSTS: readonly (readonly [RegExp, Severity])[] = [
  [/: crash\b|\bcrash\|/, 'crash'],
  [/\bTDX lost\b/, 'tdx-lost'],
  [/\blive objects\b|: (?:alloc|free) | \/ (?:alloc|free) /, 'memory'],
];

/** The severity that a bucket such as `linux/is-its-model|enable: crash` names; `undefined` where it names none. */
export function severityOfDifference(bucket: string): Severity | undefined {
  return COSTS.find(([pattern]) => pattern.test(bucket))?.[1];
}
