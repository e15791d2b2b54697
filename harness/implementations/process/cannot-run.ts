import { EXIT, UserError } from '../../user-error.ts';
import type { ImplementationFailure } from './failure.ts';

/** An implementation that could not be run at all, with the end of what it wrote to stderr. */
export function cannotRun(command: string, { message, stderr }: ImplementationFailure): UserError {
  const tail =
    stderr.trim() === '' ? '' : `\nthe end of its stderr:\n${stderr.trimEnd().split('\n').slice(-20).join('\n')}`;
  return new UserError(`${command}: ${message}${tail}`, EXIT.CANNOT_RUN);
}
