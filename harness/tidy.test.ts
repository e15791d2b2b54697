import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { HOUSE_RULES } from './testing/house-rules.ts';
import { FLOORS, roomOf } from './testing/rooms.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Not checked: generated files and files from elsewhere. */
const ELSEWHERE = new Set(['node_modules', '.build', '.git', 'reports', 'package-lock.json']);
const TEXT = /\.(?:ts|mts|tsx|mjs|json|md|yml|yaml|c|h|py|sh)$|^[^.]+$|run$/;
const BYTES_MAX = 2_000_000;

function files(folder = ''): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (ELSEWHERE.has(entry.name)) return [];
    if (entry.isDirectory()) return files(path);
    return entry.isFile() && TEXT.test(entry.name) && statSync(join(ROOT, path)).size < BYTES_MAX ? [path] : [];
  });
}

const all = files().map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

describe('the house', () => {
  test('is looked at as a whole', () => {
    expect(all.length).toBeGreaterThan(60);
    expect(all.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['model/abi/u64.ts', 'harness/cli/main.ts', 'package.json']),
    );
  });

  test.each(HOUSE_RULES.map((rule) => [rule.id, rule] as const))('%s', (_, rule) => {
    const offences = all.flatMap(({ path, text }) => rule.check(path, text).map((message) => `${path}: ${message}`));
    expect(offences).toEqual([]);
  });
});

describe('the floors', () => {
  const rooms = FLOORS.flat();

  test('have every room that there is, and no other', () => {
    const folders = new Set(all.map(({ path }) => roomOf(path)?.path));
    expect(rooms.filter(({ path }) => !folders.has(path)).map(({ path }) => path)).toEqual([]);
    expect(new Set(rooms.map(({ path }) => path)).size).toBe(rooms.length);
  });

  test('stand in CONTRIBUTING.md as the imports are held to them', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const lines = FLOORS.flatMap((floor, at) => floor.map(({ path, holds }) => `- ${at + 1} \`${path}\`: ${holds}`));
    expect(text).toContain(`\n${lines.join('\n')}\n`);
  });
});

describe('every rule can be broken', () => {
  const offends = (id: string, path: string, text: string): readonly string[] => {
    const rule = HOUSE_RULES.find((one) => one.id === id);
    if (rule === undefined) throw new Error(`no rule ${id}`);
    return rule.check(path, text);
  };

  test.each([
    ['length', 'model/abi/x.ts', 'x\n'.repeat(401)],
    ['length', 'harness/kits/c/x.c', 'x\n'.repeat(401)],
    ['function-length', 'harness/oracle/x.ts', `export function f() {${'\n'.repeat(70)}}`],
    ['function-length', 'model/abi/x.ts', `const f = { g: () => {${'\n'.repeat(70)}} };`],
    ['imports', 'model/abi/x.ts', "import fc from 'fast-check';"],
    ['imports', 'model/abi/x.ts', "import type { Case } from '../../harness/case.ts';"],
    ['imports', 'model/module/leaves/x.ts', "import { a } from '../../kernel/flow.ts';"],
    ['imports', 'model/module/x.ts', "import {\n  a,\n} from '../seamldr/install.ts';"],
    ['imports', 'harness/shrink/x.ts', "import { a } from '../campaign/campaign.ts';"],
    ['imports', 'harness/store/x.ts', "const a = await import('../report/lines.ts');"],
    ['imports', 'harness/case.ts', "import { a } from './pipeline.ts';"],
    ['imports', 'harness/implementations/module/x.ts', "import { a } from '../linux/judge.ts';"],
    ['imports', 'harness/novel/x.ts', "import { a } from '../case.ts';"],
    ['imports', 'harness/cli/x.ts', "import { a } from '../novel/x.ts';"],
    ['model-purity', 'model/abi/x.ts', 'const now = Date.now();'],
    ['model-purity', 'model/abi/x.ts', 'list.sort((a, b) => a.localeCompare(b));'],
    ['model-classes', 'model/abi/x.ts', 'export class A {}'],
    ['files', 'harness/oracle/x.ts', "import { readFileSync } from 'node:fs';"],
    ['process', 'harness/oracle/x.ts', 'if (process.env.CI) process.exitCode = 1;'],
    ['process', 'harness/campaign/x.ts', 'const start = Date.now();'],
    ['random', 'harness/generate/x.ts', `return Math.${'random'}();`],
    ['default-exports', 'harness/x.ts', 'export default function x() {}'],
    ['barrels', 'model/index.ts', "export * from './abi/u64.ts';"],
    ['barrels', 'model/index.ts', "export { a } from './abi/u64.ts';"],
    ['enums', 'model/x.ts', 'export enum A { B }'],
    ['any', 'harness/x.ts', 'function f(a: any) {}'],
    ['any', 'harness/x.ts', `/${'/'} x\nconst a = b as any;`],
    ['leaf-numbers', 'harness/x.ts', 'const TDH_SYS_RD = 34;'],
    ['leaf-numbers', 'harness/x.ts', "const { a } = { LP_INIT: '0x23' };"],
    ['leaf-numbers', 'model/world/x.ts', 'const READING_LEAVES: readonly number[] = [24, 34];'],
    ['leaf-numbers', 'harness/x.ts', 'const LEAF = {\n  INIT: 33,\n};'],
    ['leaf-numbers', 'harness/x.ts', 'const LEAF_NAMES: ReadonlyMap<U64, string> = new Map([\n  [24, 1],\n]);'],
    ['leaf-numbers', 'harness/x.ts', 'regs.rax = 0x24;'],
    ['leaf-numbers', 'harness/x.ts', 'if (entry.leaf === 36) return;'],
    ['leaf-numbers', 'harness/x.ts', 'switch (entry.leaf) {\n  case 36:\n    return;\n}'],
    ['leaf-numbers', 'harness/x.ts', 'return [24, 34].includes(entry.leaf);'],
    ['leaf-numbers', 'harness/x.ts', "events.push({ kind: 'condition', leaf: 33 });"],
    ['plain-words', 'harness/x.ts', `// ${'No'}body asks.`],
    ['plain-words', 'docs/x.md', `It failed for ${'want'} of memory.`],
    ['unfinished', 'harness/x.ts', `// ${'TO'}DO`],
    ['standing-alone', 'README.md', `see /${'home'}/me/notes`],
    ['standing-alone', 'README.md', 'see ../notes'],
    ['standing-alone', 'harness/oracle/x.ts', `readFileSync('${'../'.repeat(4)}notes')`],
    ['tests-expect', 'model/x.test.ts', "test('x', () => {});"],
    ['tests-expect', 'model/x.test.ts', `expect(1); test.${'only'}('x')`],
  ])('%s: %s', (id, path, text) => {
    expect(offends(id, path, text)).toHaveLength(1);
  });

  test.each([
    ['leaf-numbers', 'model/abi/x.ts', 'const TDH_SYS_RD = 34;'],
    ['leaf-numbers', 'model/x.test.ts', 'const TDH_SYS_RD = 34;'],
    ['leaf-numbers', 'model/x.ts', "const TDH_SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];"],
    ['leaf-numbers', 'model/x.ts', 'const SYS_INIT_NOT_PENDING = 0xc000050000000000n;'],
    ['leaf-numbers', 'model/x.ts', 'const TDMR_INFO_SIZE = 512;'],
    ['leaf-numbers', 'model/x.ts', 'if (regs.rax === 0 || regs.rax !== 0x8000020300000000n) regs.rax = 0;'],
    ['leaf-numbers', 'model/x.ts', 'const row = { leaf: 4, subleaf: 3 };\nif (leaf === 0x1f) return;'],
    ['leaf-numbers', 'model/x.ts', 'const SEAMLDR_LEAF = { INFO: 0x8000000000000000n };'],
    ['leaf-numbers', 'model/x.ts', 'const LEAF_BIT = new Uint32Array(256);'],
    ['leaf-numbers', 'model/x.ts', `let x; /${'/'} regs.rax = 36`],
  ])('%s passes %s: %s', (id, path, text) => {
    expect(offends(id, path, text)).toEqual([]);
  });

  test('what the rules allow passes', () => {
    const fine =
      "import { a } from '../abi/u64.ts';\n/** Not Math.random, not a class. */\nexport function f(): number {\n  return a;\n}\n";
    for (const rule of HOUSE_RULES) expect(rule.check('model/kernel/x.ts', fine)).toEqual([]);
    expect(
      offends(
        'imports',
        'harness/report/x.ts',
        "import { a } from '../campaign/record.ts';\nimport { b } from '../user-error.ts';",
      ),
    ).toEqual([]);
    expect(offends('process', 'harness/cli/x.ts', 'process.exitCode = 1;')).toEqual([]);
  });
});
