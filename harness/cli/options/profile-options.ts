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

/** `--kernel` and `--module`; `otherwise` says in the help what holds without them. */
export function addProfileOptions(command: Command, stages: Stages, otherwise = stages.defaultKernel): Command {
  return command
    .addOption(
      new Option('--kernel <revision>', `kernel revision: ${stages.kernels.join(', ')} (default: ${otherwise})`)
        .env('SEAMSTRESS_KERNEL')
        .argParser(oneOf(stages.kernels, 'kernel')),
    )
    .addOption(
      new Option(
        '--module <release>',
        `TDX module release: ${stages.modules.join(', ')} (default: the kernel's usual partner)`,
      )
        .env('SEAMSTRESS_MODULE')
        .argParser(oneOf(stages.modules, 'module release')),
    );
}

/** The profile the options ask for. */
export function profileOf({ kernel, module }: ProfileOptions, stages: Stages): Profile {
  const chosen = kernel ?? stages.defaultKernel;
  return { kernel: chosen, module: module ?? stages.defaultModule(chosen) };
}

/** A saved case's own profile, except for what the options say otherwise. Throws a UserError for one this build does not have. */
export function profileOfCase(own: Profile, { kernel, module }: ProfileOptions, stages: Stages, name: string): Profile {
  const profile = { kernel: kernel ?? own.kernel, module: module ?? own.module };
  requireKnown(profile.kernel, stages.kernels, `${name}: kernel`);
  requireKnown(profile.module, stages.modules, `${name}: module release`);
  return profile;
}

function requireKnown(value: string, names: readonly string[], what: string): void {
  if (names.includes(value)) return;
  throw new UserError(
    `${what} '${value}' is not one this build has${didYouMean(value, names)}; there are: ${names.join(', ')}`,
  );
}
