import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { RELEASES } from '../../../model/module/release.ts';
import { draft, step, wayTo } from '../module/suite/draft.ts';
import { recordDraft } from '../module/suite/record.ts';
import { publishedSchema } from '../../schema.ts';
import { readJSONLines } from '../../transcript/json-lines.ts';
import { compareAnswers } from '../module/compare-answers.ts';
import { fillSuite } from '../module/fill.ts';
import type { CaseAnswer, ModuleCaseText } from './messages.ts';
import { modelImplementation } from '../module/model.ts';
import { playModuleCase } from '../module/play.ts';
import { prepare, withoutAnswers } from '../module/prepare.ts';
import { REQUEST, serve } from '../module/server.ts';
import { RESPONSE } from '../module/line.ts';

const CORPUS = fileURLToPath(new URL('../../../../corpus', import.meta.url));
const RELEASE = RELEASES['1.5.01'];

function question(id: string, steps: ReturnType<typeof wayTo>): ModuleCaseText {
  const { platform, call, before } = draft(steps.slice(0, -1), steps.at(-1) ?? step('TDH.SYS.INIT'));
  return { id, platform, steps: [...before, call].map(({ label: _label, ...inputs }) => inputs) };
}

/** What the harness says in the golden conversation; a text is sent as it is. */
function saidByHarness(): readonly (object | string)[] {
  const [capabilities, harness] = [
    { lineMax: 8388608, roles: ['module'] },
    { name: 'seamstress', version: '0.1.0' },
  ];
  const way = question('the way to a usable TDMR', wayTo('USABLE'));
  const fatal = question('TDH.SYS.KEY.CONFIG fails in PCONFIG', [
    ...wayTo('CONFIGURED'),
    { ...step('TDH.SYS.KEY.CONFIG'), inject: 'pconfig-other' },
  ]);
  const read = question('TDH.SYS.INFO, read back', [
    ...wayTo('INITIALISED'),
    { ...step('TDH.SYS.INFO', { rcx: 0x110000, rdx: 1024, r8: 0x120000, r9: 32 }), read: [{ pa: '0x120000', u64: 4 }] },
  ]);
  const { platform, ...bare } = question('on the configured platform', [step('TDH.SYS.INIT')]);
  return [
    { type: 'hello', id: 1, protocol: { major: 1, minor: 0 }, harness, capabilities },
    { type: 'configure', id: 2, profile: { module: '9.9' } },
    { type: 'configure', id: 3, profile: { module: '1.5.01' }, platform },
    { type: 'run', id: 4, cases: [way, fatal, read] },
    { type: 'run', id: 5, state: true, cases: [bare] },
    'this is not JSON',
    { type: 'ping', id: 6 },
    { type: 'stop', id: 7 },
  ];
}

async function talk(lines: readonly string[]): Promise<readonly string[]> {
  const said: string[] = [];
  async function* chunks(): AsyncGenerator<Buffer> {
    // Cut anywhere: lines do not come in one piece.
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    for (let from = 0; from < bytes.length; from += 777) yield bytes.subarray(from, from + 777);
  }
  await serve(modelImplementation(RELEASE, '0.1.0'), { chunks: chunks(), write: (line) => said.push(line) });
  return said;
}

describe('the protocol', () => {
  test('the golden conversation is what the model says, and every message keeps its schema', async () => {
    const sent = saidByHarness();
    const said = await talk(sent.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))));
    const lines = sent.flatMap((message, index) => [
      JSON.stringify({ harness: message }),
      JSON.stringify({ implementation: JSON.parse(said[index] ?? '') as unknown }),
    ]);
    const text = `${lines.join('\n')}\n`;
    const file = `${CORPUS}/protocol/model-1.5.01.jsonl`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
    for (const message of sent) if (typeof message !== 'string') REQUEST.check(message, 'request');
    for (const line of said) RESPONSE.check(JSON.parse(line), 'response');
  });

  test('every recorded case and every case of the suite is a valid question', async () => {
    let cases = 0;
    for await (const { value } of readJSONLines(`${CORPUS}/transcripts/module-1.5.01.jsonl.gz`)) {
      cases += 1;
      if (cases % 20 === 0)
        REQUEST.check({ type: 'run', id: cases, cases: [withoutAnswers(value as ModuleCaseText)] }, 'request');
    }
    expect(cases).toBe(3403);
  });

  test('the model answers over the protocol what the recording has', async () => {
    let cases = 0;
    for await (const { value } of readJSONLines(`${CORPUS}/transcripts/module-1.5.01.jsonl.gz`)) {
      cases += 1;
      if (cases % 10 !== 0) continue;
      const line = value as ModuleCaseText & { steps: readonly object[] };
      const played = playModuleCase(line, RELEASES['1.5.01-recorded'], false);
      const recorded: CaseAnswer = { case: line.id, outcome: 'observed', steps: line.steps as never };
      expect(compareAnswers(played, recorded, 'registers')).toMatchObject({ difference: null, unobserved: null });
    }
    expect(cases).toBeGreaterThan(3000);
  });

  test.each([
    ['rax in upper case', { result: { rax: '0xC0' } }],
    ['a number', { result: { rax: 12 } }],
    ['a padded number', { result: { rax: '0x00' } }],
    ['no answer', {}],
    ['an error that does not say whether it is definite', { errored: 'x' }],
    ['an empty run', { runs: [] }],
  ])('a step with %s is refused', (_, answer) => {
    const results = [{ case: 'x', outcome: 'observed', steps: [answer] }];
    expect(() => RESPONSE.check({ type: 'ran', id: 1, results }, 'response')).toThrow();
  });
});

describe('answers are compared', () => {
  const one = prepare(question('x', wayTo('USABLE')), RELEASE, 'state');
  const steps = one.expected.outcome === 'observed' ? one.expected.steps : [];
  const with4 = (change: object): CaseAnswer => ({
    case: 'x',
    outcome: 'observed',
    steps: steps.map((answer, index) => (index === 3 ? { ...answer, ...change } : answer)),
  });

  test.each([
    ['class', { result: { rax: '0x8000020200000000' } }, 'class'],
    ['status', { result: { rax: '0x100000000' } }, 'status'],
    ['details', { result: { rax: '0x7' } }, 'details'],
    ['registers', { result: { rax: '0x0', rcx: '0x1' } }, 'register'],
    ['state', { state: { ...steps[3]?.state, phase: 'READY' } }, 'state'],
    ['class', { fatal: 'x', result: undefined }, 'outcome'],
  ] as const)('at the level %s: %j', (level, change, kind) => {
    const order = ['class', 'status', 'details', 'registers', 'state'] as const;
    for (const [index, at] of order.entries()) {
      const { difference } = compareAnswers(one.expected, with4(change), at);
      if (index < order.indexOf(level)) expect(difference).toBe(null);
      else expect(difference).toMatchObject({ step: 3, kind });
    }
  });

  test('call by call, however the runs are cut', () => {
    const at = steps.findIndex(({ runs }) => runs !== undefined);
    const runs = steps[at]?.runs ?? [];
    const cut = runs.flatMap(({ n, result }) =>
      n === 1
        ? [{ n, result }]
        : [
            { n: 1, result },
            { n: n - 1, result },
          ],
    );
    const other = (replaced: unknown): CaseAnswer => ({
      case: 'x',
      outcome: 'observed',
      steps: steps.map((answer, index) => (index === at ? { ...answer, runs: replaced as never } : answer)),
    });
    expect(runs.length).toBe(2);
    expect(compareAnswers(one.expected, other(cut), 'registers').difference).toBe(null);
    expect(compareAnswers(one.expected, other(cut.slice(1)), 'registers').difference).toMatchObject({
      what: 'call 255: rdx',
    });
    const { difference } = compareAnswers(
      one.expected,
      other([...cut, { n: 1, result: cut.at(-1)?.result }]),
      'registers',
    );
    expect(difference).toMatchObject({ what: 'number of answers', expected: '256', got: '257' });
  });
});

test('fill writes what its schema says, with the answers the model gives', () => {
  const schema = publishedSchema<unknown>('./implementations/module/fill.schema.json');
  const { line } = recordDraft('x', draft(wayTo('INITIALISED'), step('TDH.SYS.CONFIG')), RELEASE);
  const filled = fillSuite([line as unknown as ModuleCaseText], RELEASE, '1');
  schema.check(filled, 'filled');
  expect(filled.cases[0]?.steps.map(({ result }) => result)).toEqual(line.steps.map(({ result }) => result));
  expect(filled.cases[0]?.requirements).toContain('TDH.SYS.CONFIG TDX_OPERAND_INVALID 0x2');
});
