import { shellWord } from '../../text.ts';
import type { Stages } from '../../campaign/stages.ts';
import type { CaseFile } from '../../case.ts';
import { UserError } from '../../user-error.ts';

/**
 * What `conform` found, the model that `replay` and `shrink` run may well not do: it says nothing of whether the finding is
 * gone. Throws a UserError with the command that does.
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
    `${name}: this was found with ${implementations.join(' and ')}, not with the model, which is what is run here; run instead: ${command}`,
  );
}
