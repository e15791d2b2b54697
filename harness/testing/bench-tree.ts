import { findTree } from '../implementations/linux/tree.ts';
import { UserError } from '../user-error.ts';

/** The kernel tree of a benchmark, named by its first argument that is not an option; exits if there is no such tree. */
export function benchTree(words: readonly string[]): string {
  try {
    return findTree(words.find((word) => !word.startsWith('--')) ?? 'debian');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
}
