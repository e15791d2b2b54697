import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../user-error.ts';

/** An implementation as the command line names it. */
export type ImplementationName =
  | { readonly kind: 'stdio'; readonly text: string; readonly command: string }
  | { readonly kind: 'file'; readonly text: string; readonly path: string }
  | { readonly kind: 'linux'; readonly text: string; readonly tree: string };

/** Reads the name of an implementation; throws a UserError that lists the forms there are. */
export function parseImplementation(text: string): ImplementationName {
  const [, scheme = '', rest = ''] = /^([a-z]+):(.+)$/s.exec(text) ?? [];
  if (scheme === 'stdio') return { kind: 'stdio', text, command: rest };
  if (scheme === 'linux') return { kind: 'linux', text, tree: rest };
  if (/\.(?:ts|mts|js|mjs)$/.test(text)) return { kind: 'file', text, path: text };
  throw new UserError(
    `unknown implementation '${text}'${schemeForgotten(text)}: expected stdio:COMMAND (a program that speaks seam-stdio/1), the path of a ` +
      'TypeScript or JavaScript module, linux:TREE or linux:debian',
  );
}

/** What the path of a kernel tree was meant as; '' for anything else. */
function schemeForgotten(text: string): string {
  return existsSync(join(text, 'arch/x86')) ? ` (did you mean linux:${text}?)` : '';
}
