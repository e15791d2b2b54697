import type { Revision } from '../model/kernel/revision.ts';
import { findRevision, REVISIONS } from '../model/kernel/revisions.ts';
import { type Release, RELEASES } from '../model/module/release.ts';
import type { Profile } from './case.ts';
import { UserError } from './user-error.ts';

/** Names of all kernel revisions and module releases. */
export const KERNEL_NAMES: readonly string[] = REVISIONS.map(({ name }) => name);
export const MODULE_NAMES: readonly string[] = Object.keys(RELEASES);

const RELEASE_BY_NAME: ReadonlyMap<string, Release> = new Map(Object.entries(RELEASES));

/** The tables for a profile's two names; throws a UserError for an unknown name. */
export function findProfile({ kernel, module }: Profile): { readonly revision: Revision; readonly release: Release } {
  const revision = findRevision(kernel);
  if (revision === undefined)
    throw new UserError(`unknown kernel ${kernel}: expected one of ${KERNEL_NAMES.join(', ')}`);
  return { revision, release: findRelease(module) };
}

/** The table of a module release; throws a UserError for an unknown one. */
export function findRelease(module: string): Release {
  const release = RELEASE_BY_NAME.get(module);
  if (release === undefined)
    throw new UserError(`unknown module release ${module}: expected one of ${MODULE_NAMES.join(', ')}`);
  return release;
}

/** Kernels that need a release later than 1.5.01, because they read metadata fields that only later modules have. */
const PARTNER: ReadonlyMap<string, string> = new Map([
  ['6.17', 'later'],
  ['7.3', 'later'],
]);

/** The default module release of a kernel. */
export function defaultModule(kernel: string): string {
  return PARTNER.get(kernel) ?? '1.5.01';
}
