import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { printable } from '../../text.ts';
import { EXIT, UserError } from '../../user-error.ts';
import { TDX_C } from './tree.ts';

/** Headers that are the subject itself; everything else is the shim's. */
const OWN = /^asm\/(shared\/)?(tdx|seamldr)\w*\.h$/;
const INCLUDE = /^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]/gm;

export interface Headers {
  /** By the name it is included under: the tree's own file, or `null` for one that the shim stands in for. */
  readonly generated: ReadonlyMap<string, string | null>;
  /** Every file of the tree that is compiled. */
  readonly sources: readonly string[];
}

/**
 * Walks the #include lines from tdx.c on. The tree's own TDX headers are passed through, whatever lies beside tdx.c is
 * found there by the compiler, and every other name will stand for the shim: new headers cost nothing.
 */
export function findHeaders(tree: string): Headers {
  const generated = new Map<string, string | null>();
  const sources: string[] = [];
  const visit = (file: string): void => {
    if (sources.includes(file)) return;
    sources.push(file);
    for (const [, quote, name = ''] of readFileSync(file, 'utf8').matchAll(INCLUDE)) {
      const beside = join(dirname(file), name);
      if (quote === '"' && existsSync(beside)) {
        visit(beside);
        continue;
      }
      if (leavesFolder(name))
        throw new UserError(
          `${file} includes ${printable(name)}, which leads out of the include folders; expected the name of a kernel header`,
          EXIT.CANNOT_RUN,
        );
      const own = join(tree, 'arch/x86/include', name);
      const passes = OWN.test(name) && existsSync(own);
      generated.set(name, passes ? own : null);
      if (passes) visit(own);
    }
  };
  visit(join(tree, TDX_C));
  return { generated, sources };
}

/** Folders that an include may climb: as many as the generated headers lie deep. */
export const CLIMB_MAX = 8;

/** True for a name such as `/etc/passwd`, or one with more `..` than `CLIMB_MAX`. */
function leavesFolder(name: string): boolean {
  if (name.startsWith('/')) return true;
  const depth = normalize(name)
    .split('/')
    .filter((part) => part === '..').length;
  return depth > CLIMB_MAX;
}
