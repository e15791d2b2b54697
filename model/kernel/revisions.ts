import type { Revision } from './revision.ts';
import { LINUX_6_12 } from './revisions/6.12.ts';
import { LINUX_6_12_CMR } from './revisions/6.12-cmr.ts';
import { LINUX_6_17 } from './revisions/6.17.ts';
import { LINUX_7_3 } from './revisions/7.3.ts';
import { STRICT } from './revisions/strict.ts';
import { SERIES_V11 } from './revisions/v11.ts';
import { SERIES_V5 } from './revisions/v5.ts';
import { SERIES_V7 } from './revisions/v7.ts';
import { SERIES_V8 } from './revisions/v8.ts';

/** Every kernel revision, oldest first. */
export const REVISIONS: readonly Revision[] = [
  SERIES_V5,
  SERIES_V7,
  SERIES_V8,
  SERIES_V11,
  LINUX_6_12,
  LINUX_6_12_CMR,
  LINUX_6_17,
  LINUX_7_3,
  STRICT,
];

export function findRevision(name: string): Revision | undefined {
  return REVISIONS.find((revision) => revision.name === name);
}
