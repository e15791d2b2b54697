import { type Command, Option } from 'commander';
import type { Stages } from '../../campaign/stages.ts';
import type { Profile } from '../../case.ts';
import { UserError } from '../../user-error.ts';
import { didYouMean } from './suggest.ts';
import { oneOf } from './values.ts';

export interface ProfileOptions {
  readonly kernel?: string;
  readonly module?: string;
}

/** Adds `--kernel` and `--module`. `byDefault`: what the help prints as the default of both. */
export function addProfileOptions(command: Command, stages: Stages, byDefault?: string): Command {
  return command.addOption(kernelOption(stages, byDefault)).addOption(moduleOption(stages, byDefault));
}

export function kernelOption(stages: Stages, byDefault = stages.defaultKernel): Option {
  return new Option('--kernel <revision>', `kernel revision: ${stages.kernels.join(', ')} (default: ${byDefault})`)
    .env('SEAMSTRESS_KERNEL')
    .argParser(oneOf(stages.kernels, 'kernel'));
}

export function moduleOption(stages: Stages, byDefault = 'the usual module of the kernel'): Option {
  return new Option('--module <release>', `TDX module release: ${stages.modules.join(', ')} (default: ${byDefault})`)
    .env('SEAMSTRESS_MODULE')
    .argParser(oneOf(stages.modules, 'module release'));
}

/** The profile that the options name, with defaults. */
export function profileOf({ kernel, module }: ProfileOptions, stages: Stages): Profile {
  const chosen = kernel ?? stages.defaultKernel;
  return { kernel: chosen, module: module ?? stages.defaultModule(chosen) };
}

/**
 * The profile of a saved case, with the options in place of its own values. Throws a UserError for a kernel or module that
 * this build does not have.
 */
export function profileOfCase(own: Profile, { kernel, module }: ProfileOptions, stages: Stages, name: string): Profile {
  const profile = { kernel: kernel ?? own.kernel, module: module ?? own.module };
  requireKnown(profile.kernel, stages.kernels, name, 'kernel');
  requireKnown(profile.module, stages.modules, name, 'module release');
  return profile;
}

function requireKnown(value: string, names: readonly string[], file: string, what: string): void {
  if (names.includes(value)) return;
  throw new UserError(
    `${file}: this build has no ${what} '${value}'${didYouMean(value, names)}; it has: ${names.join(', ')}`,
  );
}
