import { shellWord } from '../../text.ts';
import type { Stages } from '../../campaign/stages.ts';
import type { CaseFile } from '../../case.ts';
import { UserError } from '../../user-error.ts';

/**
 * Refuses a finding of `conform`: `replay` and `shrink` run the model, which cannot show whether the finding is gone.
 * Throws a UserError with the command that can.
 */
export function refuseForeign({ case: input, finding }: CaseFile, name: string, stages: Stages): void {
  const implementations = finding?.implementations;
  if (implementations === undefined) return;
  const { kernel, module } = input.profile;
  const command = [
    'npx seamstress conform',
    ...(implementations.length > 1 ? ['--between'] : []),
    ...(kernel === stages.defaultKernel ? [] : ['--kernel', shellWord(kernel)]),
    ...(module === stages.defaultModule(kernel) ? [] : ['--module', shellWord(module)]),
    ...implementations.map(shellWord),
    ...['--case', shellWord(name)],
  ].join(' ');
  throw new UserError(
    `${name}: found with ${implementations.join(' and ')}, but this command runs the model; run instead: ${command}`,
  );
}
