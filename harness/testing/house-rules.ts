import { FUNCTION_LENGTH } from './function-length.ts';
import type { HouseRule } from './house-rule.ts';
import { leafNumbersIn } from './leaf-numbers.ts';
import { PLAIN_WORDS } from './plain-words.ts';
import { floorOf, roomOf } from './rooms.ts';

const LINES_MAX = 400;

/** Only these rooms use files and processes. */
const TOUCHES_FILES =
  /^harness\/(?:store|report|transcript|cli|bench|testing|scripts|implementations|kits|platform-file)\//;
/** Only these rooms use the clock, the arguments, the environment, streams and exit codes. */
const TOUCHES_PROCESS =
  /^harness\/(?:cli|bench|testing|scripts|kits|campaign\/thread|implementations\/(?:linux|miniatures|[^/]+\.ts$))/;

/** Only these rooms contain leaf numbers as literals; the kits cannot import them from the project. */
const KNOWS_LEAF_NUMBERS = /^(?:model\/abi|model\/module\/leaves|harness\/kits)\//;

export const HOUSE_RULES: readonly HouseRule[] = [
  {
    id: 'length',
    check(path, text) {
      const lines = text.split('\n').length - 1;
      return (isSource(path) || /\.(?:c|h|py)$/.test(path)) && lines > LINES_MAX
        ? [`${lines} lines, at most ${LINES_MAX}: give one of its concepts a file of its own`]
        : [];
    },
  },
  FUNCTION_LENGTH,
  PLAIN_WORDS,
  {
    id: 'imports',
    check: (path, text) =>
      !isSource(path) || isTest(path) ? [] : importsOf(text).flatMap((target) => importOf(path, target)),
  },
  banned(
    'model-purity',
    (path) => isModel(path) && !isTest(path),
    /\bDate\b|\bMath\.random\b|\bperformance\.now\b|\bIntl\.|\.localeCompare\b|\.toLocale\w*\b/,
    'the model knows no clock, chance or locale; pass the value in, compare with < and >',
  ),
  banned(
    'model-classes',
    (path) => isModel(path) && !isTest(path),
    /^\s*(?:export )?(?:abstract )?class /m,
    'plain records and functions instead of classes',
  ),
  banned(
    'files',
    (path) => path.startsWith('harness/') && isSource(path) && !isTest(path) && !TOUCHES_FILES.test(path),
    /from 'node:(?:fs|child_process|net|http)(?:\/promises)?'/,
    'only the rooms named in house-rules.ts touch files and processes; take what you need as a parameter',
  ),
  banned(
    'process',
    (path) => path.startsWith('harness/') && isSource(path) && !isTest(path) && !TOUCHES_PROCESS.test(path),
    /\bprocess\.(?:argv|env|exit|exitCode|stdout|stderr)\b|\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bconsole\.(?:log|error|warn|info)\b/,
    'only cli/ and entry points touch arguments, environment, clock, streams and exit codes; take what you need as a parameter',
  ),
  banned(
    'random',
    (path) => isSource(path),
    /\bMath\.random\b/,
    'all randomness comes from the seed: generate/seed.ts',
  ),
  banned(
    'default-exports',
    (path) => isSource(path),
    /^export default /m,
    'a named export, so that a search for the name finds every use',
  ),
  banned(
    'barrels',
    (path) => isSource(path),
    /^export (?:\*|\{[^}]*\}) from /m,
    'import from the file that owns the name',
  ),
  banned(
    'enums',
    (path) => isSource(path),
    /^\s*(?:export )?(?:const )?enum /m,
    'a union of string literals, or a record `as const`',
  ),
  // Tests are exempt: there is no type for deliberately damaged data.
  banned(
    'any',
    (path) => isSource(path) && !isTest(path),
    /(?::|\bas|<)\s*any(?=\s*(?:[,;)=|&>]|\[\]|$))|@ts-(?:ignore|nocheck)/m,
    '`unknown` and a check, or the right type',
  ),
  {
    id: 'leaf-numbers',
    check: (path, text) =>
      isSource(path) && !isTest(path) && !KNOWS_LEAF_NUMBERS.test(path)
        ? leafNumbersIn(withoutComments(text)).map((found) => `'${found}': LEAF_NUMBER['TDH.…'], or the Leaf`)
        : [],
  },
  {
    id: 'unfinished',
    check: (path, text) =>
      isSource(path) && /\b(?:TO[D]O|FIX[M]E|XX[X])\b/.test(text)
        ? ['finish it, or open an issue and leave no mark']
        : [],
  },
  {
    id: 'standing-alone',
    check(path, text) {
      const home = /(?:^|[\s"'`(=:])\/(?:home|root|Users)\//m.test(text);
      // A path may climb to the project's root, but no further. Compiled files run one folder deeper.
      const depth = path.split('/').length - (path.endsWith('.ts') ? 0 : 1);
      const outside = new RegExp(`(?:^|[\\s"'\`(=:])(?:\\.\\./){${depth + 1},}\\w`, 'm').test(text);
      return home || outside ? ["no path outside the project or of one developer's machine: it stands alone"] : [];
    },
  },
  {
    id: 'tests-expect',
    check(path, text) {
      if (!isTest(path)) return [];
      const missing = /\bexpect\(|\bfc\.assert\(/.test(text)
        ? []
        : ['a test file without a single expect() cannot fail'];
      // `describe.skip` as a value depends on what the machine has installed; a call would always skip.
      return /\b(?:test|it|describe)\.(?:only|skip|todo)\s*\(|\bx(?:it|describe)\(/.test(text)
        ? [...missing, 'no test is skipped or run alone']
        : missing;
    },
  },
];

function banned(id: string, where: (path: string) => boolean, what: RegExp, instead: string): HouseRule {
  return {
    id,
    check(path, text) {
      const found = where(path) ? what.exec(withoutComments(text)) : null;
      return found === null ? [] : [`'${found[0].trim()}': ${instead}`];
    },
  };
}

/** Imports go down the floors; the model and the kits import nothing from outside, tests may import anything. */
function importOf(path: string, target: string): readonly string[] {
  const from = roomOf(path);
  if (from === undefined)
    return /^(?:model|harness)\//.test(path) ? ['a new room: give it a floor in harness/testing/rooms.ts'] : [];
  if (!target.startsWith('.')) return isModel(path) ? [`imports ${target}: the model imports nothing but itself`] : [];
  const resolved = resolve(path, target);
  const to = roomOf(resolved);
  if (to === from || resolved.endsWith('.json')) return [];
  if (to === undefined) return [`imports ${resolved}: that is in no room of harness/testing/rooms.ts`];
  return floorOf(to) < floorOf(from) ? [] : [`imports ${resolved}: ${to.path} is not below ${from.path}`];
}

function resolve(path: string, target: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const step of target.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
}

function importsOf(text: string): readonly string[] {
  const found = withoutComments(text).matchAll(
    /^(?:import|export)\b[^'";]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function isSource(path: string): boolean {
  return /\.(?:ts|mts|tsx|mjs)$/.test(path);
}

function isModel(path: string): boolean {
  return path.startsWith('model/') && isSource(path);
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}
