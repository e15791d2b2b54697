import { findTree } from '../implementations/linux/tree.ts';
import { UserError } from '../user-error.ts';

/** The kernel tree a bench measures, as its first argument that is no option names it; ends the bench if there is none. */
export function benchTree(words: readonly string[]): string {
  try {
    return findTree(words.find((word) => !word.startsWith('--')) ?? 'debian');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}
