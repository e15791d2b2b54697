import type { Revision } from './revision.ts';
import { LINUX_6_12 } from './revisions/6.12.ts';

/** Every kernel revision, oldest first. */
export const REVISIONS: readonly Revision[] = [LINUX_6_12];

export function findRevision(name: string): Revision | undefined {
  return REVISIONS.find((revision) => revision.name === name);
}
