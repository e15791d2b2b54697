import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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
      const own = join(tree, 'arch/x86/include', name);
      const passes = OWN.test(name) && existsSync(own);
      generated.set(name, passes ? own : null);
      if (passes) visit(own);
    }
  };
  visit(join(tree, TDX_C));
  return { generated, sources };
}
