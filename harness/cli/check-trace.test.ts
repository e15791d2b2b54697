import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import schema from '../transcript/check-trace.schema.json' with { type: 'json' };
import { EXIT } from '../user-error.ts';

const CORPUS = fileURLToPath(new URL('../../../corpus/transcripts/module-1.5.01.jsonl.gz', import.meta.url));
const COMMAND = new URL('./check-trace.js', import.meta.url).href;
const CLI = `
  const { checkTraceCommand } = await import(${JSON.stringify(COMMAND)});
  try { await checkTraceCommand().parseAsync(process.argv.slice(1), { from: 'user' }); }
  catch (error) { process.stderr.write(error.message + '\\n'); process.exitCode = error.exitCode ?? 70; }
  process.stderr.write('MB ' + process.resourceUsage().maxRSS / 1024);
`;

let folder: string;
let lines: string[];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-trace-'));
  lines = gunzipSync(readFileSync(CORPUS)).toString().trimEnd().split('\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('check-trace', () => {
  test('agrees with the whole recording, in little memory', () => {
    const { status, stdout, stderr } = run('--json', CORPUS);
    const summary = JSON.parse(stdout);
    expect(new Ajv2020().validate(schema, summary)).toBe(true);
    expect(summary).toMatchObject({
      files: 1,
      cases: 3403,
      steps: 26759,
      seamcalls: 357716,
      matched: 3403,
      mismatched: 0,
      mismatches: [],
    });
    expect(summary.skipped).toEqual([{ reason: 'contents of PAMT pages', count: 72 }]);
    expect(status).toBe(EXIT.OK);
    expect(Number(stderr.split('MB ')[1])).toBeLessThan(300);
  });

  test('reads several plain files, and reports where one differs from the model', () => {
    const good = file('good.jsonl', lines.slice(0, 2).join('\n'));
    const bad = file('bad.jsonl', (lines[0] ?? '').replace('"0xa0300000000"', '"0xa0300000001"'));
    const { status, stdout } = run('--json', good, bad);
    const summary = JSON.parse(stdout);
    expect(new Ajv2020().validate(schema, summary)).toBe(true);
    expect(summary).toMatchObject({
      files: 2,
      cases: 3,
      matched: 2,
      mismatched: 1,
      mismatches: [
        {
          file: bad,
          id: '00003-happy-2x1',
          step: 13,
          what: 'rax',
          expected: '0xa0300000001',
          got: '0xa0300000000',
          reason: 'TDMR is initialised',
        },
      ],
    });
    expect(status).toBe(EXIT.FINDING);
    expect(run(bad).stdout).toContain('MISMATCH');
  });

  test('an empty file compares nothing', () => {
    const { status, stdout } = run(file('empty.jsonl', ''));
    expect(stdout).toContain('nothing was compared');
    expect(status).toBe(EXIT.INCONCLUSIVE);
  });
});

describe('a damaged transcript gets one clear message', () => {
  test.each<[name: string, content: () => string | Buffer, status: number, message: string]>([
    ['cut in a line', () => lines.slice(0, 3).join('\n').slice(0, -40), EXIT.USAGE, ':3: the file is truncated'],
    ['not JSON', () => `${lines[0]}\n{broken}\n`, EXIT.USAGE, ':2: not valid JSON at line 1, column 2'],
    ['not UTF-8', () => Buffer.from([0x7b, 0xff, 0xfe, 0x0a]), EXIT.USAGE, ':1: not UTF-8'],
    [
      'a cut gzip stream',
      () => gzipSync(lines.slice(0, 500).join('\n')).subarray(0, 4000),
      EXIT.USAGE,
      'damaged gzip data',
    ],
    ['a flipped gzip byte', () => damagedGzip(), EXIT.USAGE, 'damaged gzip data'],
    ['of another kind', () => '{"hello": 1}', EXIT.USAGE, ':1: no recorded case'],
    ['no object', () => '[1, 2]', EXIT.USAGE, ':1: no recorded case'],
    [
      'a leaf that was never recorded',
      () => (lines[0] ?? '').replace('"rax":"0x24"', '"rax":"0x0"'),
      EXIT.USAGE,
      'calls TDH.VP.ENTER',
    ],
    [
      'a register that is a number',
      () => edited((line) => (line.steps[0].seamcall.rcx = 5)),
      EXIT.USAGE,
      'steps[0].seamcall.rcx: expected a 64-bit value',
    ],
    [
      'a register that is padded',
      () => edited((line) => (line.steps[0].seamcall.rcx = '0x00')),
      EXIT.USAGE,
      'expected a 64-bit value',
    ],
    [
      'a register past 64 bits',
      () => edited((line) => (line.steps[0].seamcall.rcx = `0x1${'0'.repeat(16)}`)),
      EXIT.USAGE,
      'expected a 64-bit value',
    ],
    [
      'an LP that does not exist',
      () => edited((line) => (line.steps[0].seamcall.lp = 7)),
      EXIT.USAGE,
      'steps[0].seamcall.lp: expected an integer from 0 to 1',
    ],
    [
      'no steps',
      () => edited((line) => delete (line as { steps?: unknown }).steps),
      EXIT.USAGE,
      'steps: expected an array, found nothing',
    ],
    [
      'an unknown key',
      () => edited((line) => (line.steps[0].injetc = 'no-entropy')),
      EXIT.USAGE,
      'unknown key "injetc"',
    ],
    [
      'an unknown injection',
      () => edited((line) => (line.steps[0].inject = 'bad-luck')),
      EXIT.USAGE,
      'unknown "bad-luck"',
    ],
    [
      'runs that do not add up',
      () => edited((line) => (line.steps[7].repeat = 3)),
      EXIT.USAGE,
      'add up to 255, not to repeat = 3',
    ],
    [
      'a step without an answer',
      () => edited((line) => delete line.steps[1].result),
      EXIT.USAGE,
      'steps[1].result: expected an object, found nothing',
    ],
    [
      'a misaligned write',
      () => edited((line) => (line.steps[3].mem[0].pa = '0x101001')),
      EXIT.USAGE,
      'expected a multiple of 8',
    ],
    ['no LP at all', () => edited((line) => (line.platform.lps = [])), EXIT.USAGE, 'expected at least one LP'],
  ])('%s', (name, content, expected, message) => {
    const { status, stdout, stderr } = run('--json', file(`${name.replaceAll(' ', '-')}.jsonl`, content()));
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
    expect(status).toBe(expected);
  });

  test('a line of 200 MB, without reading it into memory', () => {
    const path = file('long.jsonl', `${lines[0]}\n[`);
    truncateSync(path, 200_000_000);
    const { status, stderr } = run(path);
    expect(stderr).toContain(':2: line longer than 16777216 bytes');
    expect(status).toBe(EXIT.USAGE);
    expect(Number(stderr.split('MB ')[1])).toBeLessThan(300);
  });

  test('a file that is not there, and a folder', () => {
    expect(run(join(folder, 'nowhere.jsonl'))).toMatchObject({
      status: EXIT.CANNOT_RUN,
      stderr: expect.stringContaining('ENOENT'),
    });
    expect(run(folder)).toMatchObject({ status: EXIT.USAGE, stderr: expect.stringContaining('it is a folder') });
  });
});

function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', CLI, '--', ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The first recorded case after `change`. */
function edited(change: (line: Editable) => unknown): string {
  const line = JSON.parse(lines[0] ?? '') as Editable;
  change(line);
  return JSON.stringify(line);
}

/** A parsed line that tests damage: any value can be assigned. */
interface Editable {
  platform: { lps: unknown };
  steps: [Step, Step, Step, Step, Step, Step, Step, Step];
}

interface Step {
  seamcall: { lp: unknown; rcx: unknown };
  inject: unknown;
  injetc: unknown;
  repeat: unknown;
  result?: unknown;
  mem: [{ pa: unknown }];
}

function damagedGzip(): Buffer {
  const bytes = gzipSync(lines.slice(0, 500).join('\n'));
  bytes.writeUInt8(bytes.readUInt8(2000) ^ 0xff, 2000);
  return bytes;
}
