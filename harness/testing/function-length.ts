import { parse } from '@babel/parser';
import type { HouseRule } from './house-rule.ts';

const FUNCTION_LINES_MAX = 70;

/** Limits functions to 70 lines, including signature and inner functions. Tests are exempt, because of `describe`. */
export const FUNCTION_LENGTH: HouseRule = {
  id: 'function-length',
  check(path, text) {
    if (!/^(?:model|harness)\/.*\.ts$/.test(path) || path.endsWith('.test.ts')) return [];
    const { program } = parse(text, { sourceType: 'module', plugins: ['typescript'] });
    return longFunctions(program, 'a function').map(
      ({ name, lines }) =>
        `${name} has ${lines} lines, at most ${FUNCTION_LINES_MAX}: make its state a record and its parts functions beside it`,
    );
  },
};

/** The members of a syntax tree's node that this file uses. */
interface SyntaxNode {
  readonly type: string;
  readonly loc?: { readonly start: { readonly line: number }; readonly end: { readonly line: number } } | null;
  readonly body?: unknown;
}

interface LongFunction {
  readonly name: string;
  readonly lines: number;
}

/** `around`: the name of the enclosing node, for functions without a name. */
function longFunctions(node: SyntaxNode, around: string): readonly LongFunction[] {
  const name = nameOf(node) ?? around;
  const inside = Object.values(node)
    .flat()
    .filter(isNode)
    .flatMap((child) => longFunctions(child, name));
  const lines = isFunction(node) && node.loc ? node.loc.end.line - node.loc.start.line + 1 : 0;
  return lines > FUNCTION_LINES_MAX ? [{ name, lines }, ...inside] : inside;
}

function isFunction({ type, body }: SyntaxNode): boolean {
  return /Function|Method/.test(type) && body !== undefined && body !== null;
}

/** The name of a declaration, a variable or a member. */
function nameOf(node: SyntaxNode): string | undefined {
  const { id, key } = node as { readonly id?: unknown; readonly key?: unknown };
  const named = id ?? key;
  return typeof named === 'object' && named !== null && 'name' in named ? String(named.name) : undefined;
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
