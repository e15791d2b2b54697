import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Hash of every file that a build read, by path. */
type Inputs = Readonly<Record<string, string>>;

/**
 * Writes down what a build read, from the dependency files that the compiler made (`-MD`); files below `work`, which the
 * build made itself, apart.
 */
export function noteInputs(path: string, dependencyFiles: readonly string[], work: string): void {
  const names = new Set(dependencyFiles.flatMap((file) => namesIn(readFileSync(file, 'utf8'))));
  const inputs = [...names].filter((name) => !name.startsWith(work)).map((name) => [name, hashOf(name)]);
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(inputs), null, 2)}\n`);
}

/** True if every file that the build read is there and unchanged. */
export function areCurrent(path: string): boolean {
  if (!existsSync(path)) return false;
  const inputs = JSON.parse(readFileSync(path, 'utf8')) as Inputs;
  return Object.entries(inputs).every(([name, hash]) => existsSync(name) && hashOf(name) === hash);
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Prerequisites of a make rule: separated by white space, lines continued by a backslash, spaces in names escaped. */
function namesIn(rule: string): readonly string[] {
  const [, list = ''] = rule.replaceAll('\\\n', ' ').split(/:\s/, 2);
  return list
    .split(/(?<!\\)\s+/)
    .filter((name) => name !== '')
    .map((name) => name.replace(/\\(.)/g, '$1').replaceAll('$$', '$'));
}
