import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { findRevision, REVISIONS } from '../../../model/kernel/revisions.ts';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import type { Case } from '../../case.ts';
import { defaultModule } from '../../profile.ts';
import { stages } from '../../pipeline.ts';
import { readCaseFile } from '../../store/case-store.ts';
import { loadKnown } from '../../store/known.ts';
import { DEFAULT_TIMEOUTS } from '../process/timeouts.ts';
import { HOST_REQUEST, serveHost } from './server.ts';
import { hostStages, whyNot } from './stages.ts';
import { type HostSubject, judgeHostsBetween, openHost } from './judge.ts';
import type { CommandMessage } from '../protocol/host-messages.ts';
import { modelHost } from './model.ts';
import { HOST_RESPONSE, openHostSession } from './process.ts';

const CORPUS = fileURLToPath(new URL('../../../../corpus', import.meta.url));
const MAIN = fileURLToPath(new URL('../miniatures/host-main.js', import.meta.url));

function inProcess(revision: Revision): HostSubject {
  return openHost({
    name: revision.name,
    start: () => ({ ...modelHost(revision, 'test'), close: () => undefined }),
  });
}

function generated(subject: HostSubject, kernel: string, index: number): Case {
  const profile = { kernel, module: defaultModule(kernel) };
  return hostStages(stages, subject).generate('host-test', index, { profile, mood: stages.moods[0] ?? '' });
}

describe.each(REVISIONS.map(({ name }) => name))('the model of kernel %s over the messages', (name) => {
  const revision = findRevision(name) as Revision;
  const subject = inProcess(revision);

  test('does what it does in process, on generated cases', () => {
    for (let index = 0; index < 60; index += 1) {
      const { violations } = subject.judge(generated(subject, name, index), index % 8 === 0);
      expect(violations.filter(({ invariant }) => invariant.startsWith('host/')).map((one) => one.message)).toEqual([]);
    }
  });

  test('shows every known deviation that it can be asked about', () => {
    const known = loadKnown(CORPUS).filter((one) => one.case.profile.kernel === name);
    for (const { path, bucket, case: input } of known) {
      if (whyNot(subject, input) !== null) continue;
      const found = subject.judge(input, true).violations.map((one) => one.bucket);
      expect([path, found.includes(bucket)]).toEqual([path, true]);
    }
  });
});

describe('a host in another process', () => {
  const options = { timeouts: DEFAULT_TIMEOUTS, version: 'test', now: () => performance.now() };
  const remote = openHost({
    name: 'remote',
    start: () => openHostSession(`exec '${process.execPath}' '${MAIN}' right`, options),
  });
  const local = inProcess(LINUX_6_12);
  afterAll(() => remote.close());

  test('is judged as in this one', () => {
    for (let index = 0; index < 15; index += 1) {
      const input = generated(remote, '6.12', index);
      expect(remote.judge(input, false).violations).toEqual(local.judge(input, false).violations);
    }
  });

  test('two that are the same differ in nothing, and two that are not in what is changed', () => {
    const { case: input } = readCaseFile(`${CORPUS}/host/pamt-across-two-tdmrs.json`);
    expect(judgeHostsBetween(remote, local, input).violations).toEqual([]);
    const other = inProcess(findRevision('6.17') as Revision);
    expect(judgeHostsBetween(remote, other, input).violations.map(({ bucket }) => bucket)).toEqual([
      'host/hosts-agree|enable: alloc k / TDH.SYS.RD TDX_SUCCESS',
    ]);
  });
});

/** What the harness says in the golden conversation besides its answers; a text is sent as it is. */
function commands(): readonly (object | string)[] {
  const capabilities = { lineMax: 8388608, roles: ['module', 'host'] };
  const harness = { name: 'seamstress', version: '0.1.0' };
  return [
    { type: 'hello', id: 1, protocol: { major: 1, minor: 0 }, harness, capabilities },
    'this is not JSON',
    { type: 'ping', id: 2 },
  ];
}

describe('the messages', () => {
  test('the golden conversation is what the model says, and every message keeps its schema', () => {
    const lines: string[] = [];
    const sent = [...commands()];
    const note = (who: 'harness' | 'implementation', message: unknown): void => {
      lines.push(JSON.stringify({ [who]: message }));
    };
    // The machine that answers is that of a real run of the same case.
    const { case: input } = readCaseFile(`${CORPUS}/host/pamt-across-two-tdmrs.json`);
    const recorded: CommandMessage[] = [];
    const answers: object[] = [];
    const model = modelHost(LINUX_6_12, '0.1.0');
    openHost({
      name: 'recorder',
      start: () => ({
        ...model,
        perform: (command, ask) => {
          recorded.push(command);
          return model.perform(command, (what) => {
            const answer = ask(what);
            if (answer !== null) answers.push(answer);
            return answer;
          });
        },
        close: () => undefined,
      }),
    }).play(input);
    sent.push(...recorded.map((command, index) => ({ ...command, id: 10 + index })), { type: 'stop', id: 99 });
    let asked = 0;
    serveHost(modelHost(LINUX_6_12, '0.1.0'), {
      read() {
        const message = asked > answers.length ? undefined : pendingAnswer(lines, answers);
        const next = message ?? sent.shift();
        if (next === undefined) return null;
        if (message !== undefined) asked += 1;
        note('harness', next);
        if (typeof next !== 'string') HOST_REQUEST.check(next, 'request');
        return typeof next === 'string' ? next : JSON.stringify(next);
      },
      write(line) {
        const message = HOST_RESPONSE.check(JSON.parse(line), 'response');
        note('implementation', message);
      },
    });
    const text = `${lines.join('\n')}\n`;
    const file = `${CORPUS}/protocol/host-6.12.jsonl`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(lines.length).toBeGreaterThan(30);
  });
});

/** The answer to the last line, if that is a question. */
function pendingAnswer(lines: readonly string[], answers: object[]): object | undefined {
  const { implementation } = JSON.parse(lines.at(-1) ?? '{}') as { implementation?: { type: string; id: number } };
  if (implementation === undefined || !['seamcall', 'alloc', 'load', 'vmxon'].includes(implementation.type))
    return undefined;
  const answer = answers.shift();
  return answer === undefined ? undefined : { type: 'answer', id: implementation.id, ...answer };
}
