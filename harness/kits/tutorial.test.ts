import { execFileSync } from 'node:child_process';
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
  test.each([1, 2, 3])('what smoke says after section %d is what the page shows, whole', async (section) => {
    write(STAGES[section - 1] ?? '');
    const { out, code } = await type(smoke);
    expect(out).toBe(SHOWN[section - 1]);
    expect(code).toBe(section === 3 ? 0 : 1);
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
    const [asked = ''] = /^ +(sed .*)$/m.exec(text)?.slice(1) ?? [];
    const said = execFileSync('/bin/sh', ['-c', asked.replace('npx seamstress', `'${process.execPath}' '${START}'`)], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    expect(JSON.parse(said)).toMatchObject({
      type: 'ran',
      results: [{ steps: [{ result: { rax: '0xc000010000000001' }, state: { phase: 'PENDING' } }] }],
    });

    expect(module).toContain(inInit);
    write(module.replace(inInit, inInit + mended));
    expect(await type(again)).toMatchObject({
      code: 0,
      out: expect.stringContaining('conforms in everything that was observed'),
    });
  }, 120_000);

  test('fill says what it wrote', async () => {
    const [command = ''] = /npx seamstress fill [^`]*/.exec(text) ?? [];
    const { code, out, err } = await type(`${command}\n`);
    expect([code, out]).toEqual([0, '']);
    expect(err).toMatch(/^wrote \d+ cases, \d+ bytes, to suite\.json\n$/);
    const { cases } = JSON.parse(readFileSync(join(folder.path, 'suite.json'), 'utf8')) as { cases: unknown[] };
    expect(err).toContain(`wrote ${cases.length} cases`);
  });
});
