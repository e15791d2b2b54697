import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type CLIResult, runNode, temporaryFolder } from '../testing/spawn-cli.ts';

const PAGE = fileURLToPath(new URL('../../../docs/implementing.md', import.meta.url));
const START = fileURLToPath(new URL('../cli/start.js', import.meta.url));
const text = readFileSync(PAGE, 'utf8');
const folder = temporaryFolder();
afterAll(() => folder.remove());

const BLOCKS = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)];
const blocks = (language: string): readonly string[] =>
  BLOCKS.filter(([, name]) => name === language).map(([, , code = '']) => code);

const [first = '', start = '', second = '', third = '', mended = ''] = blocks('python');
const [beforeAnswer = '', afterAnswer = ''] = first.split(/def answer[\s\S]*?(?=\n\n\ndef main)/);
const answerTwo = second.slice(second.indexOf('def answer'));
const module = `${beforeAnswer}${third}\n\n${answerTwo}${afterAnswer}${start}`;
const [inInit = 'none'] = /^ +if rax == 0x21:.*\n/m.exec(third) ?? [];

/** `mine.py` as it is after each of the first three sections, made as the page says. */
const STAGES = [first + start, `${beforeAnswer}${second}${afterAnswer}${start}`, module];
const [smoke = '', conform = '', again = ''] = blocks('').filter((block) => block.startsWith('npx'));
/** What the page shows `smoke` to say then, and the finding it shows. */
const SHOWN = blocks('').filter((block) => /^1 {2}hello/.test(block));
const [finding = ''] = blocks('').filter((block) => block.startsWith('WRONG'));

/** A command of the page, with `more`, in the folder of `mine.py`. */
function type(command: string, more: readonly string[] = []): Promise<CLIResult> {
  const [, rest = ''] = /^npx seamstress (.*)\n$/.exec(command) ?? [];
  const words = [...rest.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  return runNode(folder.path, [START, ...words, ...more]);
}

function write(code: string): void {
  writeFileSync(join(folder.path, 'mine.py'), code);
}

describe('the tutorial, followed literally', () => {
  test.each([0, 1, 2])('what smoke says after section %# (from 0) is what the page shows, whole', async (stage) => {
    write(STAGES[stage] ?? '');
    const { out, code } = await type(smoke);
    expect(out).toBe(SHOWN[stage]);
    expect(code).toBe(stage === 2 ? 0 : 1);
  });

  test('conform finds what the page says, the smallest cases first, and one is mended', async () => {
    write(module);
    const found = await type(conform, ['--runs', '256']);
    expect(found.code).toBe(1);
    expect(found.out).toContain(`${/suite \((\d+) cases\)/.exec(text)?.[1] ?? 'none'} cases of the suite`);
    const findings = found.out.split('\n\n').filter((block) => block.startsWith('WRONG'));
    expect(findings.length).toBeGreaterThan(9);
    // Nothing is wrong but what the page says is missing, and no promise is broken.
    for (const one of findings) {
      expect(one).toMatch(/^WRONG {2}wrong-status {2}TDH\.SYS\.(?:INIT|LP\.INIT|CONFIG): expected \w+/);
      expect(one).toMatch(/^ {7}minimal; again: npx seamstress conform /m);
    }
    const lengths = findings.map((one) => one.match(/^ +\d+ {2}LP /gm)?.length ?? 0);
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));

    const shown = findings.filter((one) => one.startsWith(finding.split('\n')[0] ?? 'none'));
    expect(shown).toHaveLength(1);
    for (const line of finding.trimEnd().split('\n')) expect(shown[0]).toContain(`${line}\n`);
    expect(shown[0]).toContain(`again: ${again.trimEnd()}`);
    expect(readdirSync(join(folder.path, 'reports/conform'))).toHaveLength(findings.length);
    expect(found.err).toContain(`wrote reports/conform.html, ${findings.length} cases in reports/conform`);

    expect((await type(again)).code).toBe(1);
    expect(module).toContain(inInit);
    write(module.replace(inInit, inInit + mended));
    expect(await type(again)).toMatchObject({
      code: 0,
      out: expect.stringContaining('conforms in everything that was observed'),
    });
  }, 120_000);

  test('what a file of a finding is asked of the model with is a request of the protocol', () => {
    const [, before = '', after = ''] = /sed 's\/\.\*\/(.*)&(.*)\/'/.exec(text) ?? [];
    expect(JSON.parse(`${before}{}${after}`)).toEqual({ type: 'run', id: 1, state: true, cases: [{}] });
  });
});
