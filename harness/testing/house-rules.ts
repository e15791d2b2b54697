/** One rule of the house: what it is about, and what to do instead where a file breaks it. */
export interface HouseRule {
  readonly id: string;
  /** One message per offence. `path` is relative to the checkout, with `/`. */
  readonly check: (path: string, text: string) => readonly string[];
}

const LINES_MAX = 400;

/** This file and its test speak of what they forbid. */
const THIS = ['harness/testing/house-rules.ts', 'harness/tidy.test.ts'];

/** `model/`, lowest first; a folder imports from its own rank's folder and from lower ranks. */
const MODEL_RANKS: readonly (readonly string[])[] = [
  ['abi'],
  ['platform'],
  ['module', 'seamldr'],
  ['kernel'],
  ['world'],
  ['invariants'],
];

/** What a part of `harness/` may import of it, besides itself and what stands on its top level. */
const HARNESS_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  'platform-file': [],
  generate: ['platform-file'],
  trace: [],
  conformance: ['trace', 'generate'],
  oracle: ['platform-file'],
  implementations: ['oracle', 'trace', 'conformance', 'generate', 'campaign'],
  shrink: ['oracle'],
  explore: ['oracle', 'generate'],
  store: ['oracle', 'platform-file'],
  campaign: ['oracle', 'shrink', 'store'],
  report: ['campaign', 'store', 'oracle'],
  matrix: ['campaign', 'store'],
  distributed: ['campaign', 'report', 'store'],
};

/** May import anything of the harness: they stand at the end of every way. */
const HARNESS_TOP = ['cli', 'bench', 'testing', 'adapters', 'kits'];

/** Only these touch files and processes. */
const TOUCHES_FILES =
  /^harness\/(?:store|report|trace|cli|bench|testing|implementations|adapters|distributed|kits)\/|^harness\/build\.mjs$/;
/** Only these know what time it is, what was typed and how a process ends. `campaign/worker.ts` is where a thread begins. */
const TOUCHES_PROCESS =
  /^harness\/(?:cli|bench|testing|kits|adapters|implementations\/miniatures)\/|^harness\/build\.mjs$|^harness\/campaign\/worker\.ts$/;

export const HOUSE_RULES: readonly HouseRule[] = [
  {
    id: 'length',
    check(path, text) {
      const lines = text.split('\n').length - 1;
      return isSource(path) && lines > LINES_MAX
        ? [`${lines} lines, at most ${LINES_MAX}: give one of its concepts a file of its own`]
        : [];
    },
  },
  {
    id: 'model-imports',
    check: (path, text) =>
      isModel(path) && !isTest(path) ? importsOf(text).flatMap((target) => modelImport(path, target)) : [],
  },
  {
    id: 'harness-imports',
    check: (path, text) =>
      path.startsWith('harness/') ? importsOf(text).flatMap((target) => harnessImport(path, target)) : [],
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
    'only store/, report/, trace/, cli/ and implementations touch files and processes; take what you need as a parameter',
  ),
  banned(
    'process',
    (path) => path.startsWith('harness/') && isSource(path) && !isTest(path) && !TOUCHES_PROCESS.test(path),
    /\bprocess\.(?:argv|env|exit|exitCode|stdout|stderr)\b|\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bconsole\.(?:log|error|warn|info)\b/,
    'only cli/ touches arguments, environment, clock, streams and exit codes; take what you need as a parameter',
  ),
  banned(
    'random',
    (path) => isSource(path) && !THIS.includes(path),
    /\bMath\.random\b/,
    'all randomness comes from the seed: generate/seed.ts',
  ),
  banned(
    'default-exports',
    (path) => isSource(path) && !THIS.includes(path),
    /^export default /m,
    'a named export, so that a search for the name finds every use',
  ),
  banned(
    'barrels',
    (path) => isSource(path) && !THIS.includes(path),
    /^export (?:\*|\{[^}]*\}) from /m,
    'import from the file that owns the name',
  ),
  banned(
    'enums',
    (path) => isSource(path) && !THIS.includes(path),
    /^\s*(?:export )?(?:const )?enum /m,
    'a union of string literals, or a record `as const`',
  ),
  // A test that damages data on purpose has no type for what it makes.
  banned(
    'any',
    (path) => isSource(path) && !isTest(path),
    /(?::|\bas|<)\s*any(?=\s*(?:[,;)=|&>]|\[\]|$))|@ts-(?:ignore|nocheck)/m,
    '`unknown` and a check, or the right type',
  ),
  {
    id: 'unfinished',
    check: (path, text) =>
      isSource(path) && !THIS.includes(path) && /\b(?:TODO|FIXME|XXX)\b/.test(text)
        ? ['finish it, or open an issue and leave no mark']
        : [],
  },
  {
    id: 'standing-alone',
    check(path, text) {
      if (THIS.includes(path)) return [];
      const home = /(?:^|[\s"'`(=:])\/(?:home|root|Users)\//m.test(text);
      // A file so deep in the project may climb so far, and no further; what is compiled runs a folder deeper.
      const depth = path.split('/').length - (path.endsWith('.ts') ? 0 : 1);
      const outside = new RegExp(`(?:^|[\\s"'\`(=:])(?:\\.\\./){${depth + 1},}\\w`, 'm').test(text);
      return home || outside ? ["no path outside the project or of somebody's own machine: it stands alone"] : [];
    },
  },
  {
    id: 'tests-expect',
    check(path, text) {
      if (!isTest(path)) return [];
      const missing = /\bexpect\(|\bfc\.assert\(/.test(text)
        ? []
        : ['a test file without a single expect() cannot fail'];
      // `describe.skip` as a value is a choice made by what the machine has; a call would skip for good.
      return /\b(?:test|it|describe)\.(?:only|skip|todo)\s*\(|\bx(?:it|describe)\(/.test(text) && !THIS.includes(path)
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

function modelImport(path: string, target: string): readonly string[] {
  if (!target.startsWith('.')) return [`imports ${target}: the model imports nothing but itself`];
  const resolved = resolve(path, target);
  const [from, to] = [rankOf(path), rankOf(resolved)];
  if (!resolved.startsWith('model/')) return [`imports ${resolved}: the model imports nothing but itself`];
  const sameFolder = path.split('/')[1] === resolved.split('/')[1];
  if (sameFolder || from > to) return [];
  return [
    `imports ${resolved}: ${path.split('/')[1]}/ stands below or beside it (abi, platform, module and seamldr, kernel, world, invariants)`,
  ];
}

function rankOf(path: string): number {
  const folder = path.split('/')[1] ?? '';
  const rank = MODEL_RANKS.findIndex((folders) => folders.includes(folder));
  return rank < 0 ? MODEL_RANKS.length : rank;
}

function harnessImport(path: string, target: string): readonly string[] {
  const part = partOf(path);
  if (!target.startsWith('.') || part === undefined || HARNESS_TOP.includes(part) || isTest(path)) return [];
  const resolved = resolve(path, target);
  if (resolved === 'harness/user-error.ts') return [];
  const other = partOf(resolved);
  if (!resolved.startsWith('harness/') || other === undefined || other === part) return [];
  const allowed = HARNESS_IMPORTS[part];
  if (allowed === undefined) return [`a new part of the harness: say in house-rules.ts what ${part}/ may import`];
  return allowed.includes(other)
    ? []
    : [`imports ${resolved}: ${part}/ may import ${[...allowed, 'itself'].join(', ')}`];
}

/** `campaign` of `harness/campaign/x.ts`; files on the top level of `harness/` have none. */
function partOf(path: string): string | undefined {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1] : undefined;
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
