import { existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Case } from '../../case.ts';
import { stages } from '../../pipeline.ts';
import { readCaseFile } from '../../store/case-store.ts';
import { loadKnown } from '../../store/known.ts';
import { makeWrongHost, WRONG_HOSTS } from '../miniatures/wrong-hosts.ts';
import { type HostSubject, openHost } from './judge.ts';
import { openHostSession } from './process.ts';
import { hostStages, whyNot } from './stages.ts';

const CORPUS = fileURLToPath(new URL('../../../../corpus', import.meta.url));
const MAIN = fileURLToPath(new URL('../miniatures/host-main.js', import.meta.url));
const TIMEOUTS = { start: 20_000, step: 400, case: 3000, idle: 20_000, shutdown: 100 };

function open(name: string, start = TIMEOUTS.start): HostSubject {
  const wrong = WRONG_HOSTS[name];
  if (wrong?.tame === true)
    return openHost({ name, start: () => ({ ...makeWrongHost(wrong), close: () => undefined }) });
  const options = { timeouts: { ...TIMEOUTS, start }, version: 'test', now: () => performance.now() };
  const command = `exec '${process.execPath}' '${MAIN}' ${name}`;
  return openHost({ name, start: () => openHostSession(command, options) });
}

const known = loadKnown(CORPUS).filter((one) => one.case.profile.kernel === '6.12');
/** What the model itself is known for is not held against a copy of it. */
const knownBuckets = new Set(known.map(({ bucket }) => bucket));

/** Healthy machines, generated ones, and those on which Linux itself stumbles. */
function cases(subject: HostSubject, kernel: string, count = 100): readonly Case[] {
  const profile = { kernel, module: '1.5.01' };
  const { generate } = hostStages(stages, subject);
  const generated = Array.from({ length: count }, (_, index) =>
    generate('wrong-hosts', index, { profile, mood: stages.moods[0] ?? '' }),
  );
  const saved = known.slice(0, count).map((one) => ({ ...one.case, profile }));
  const healthy = { ...readCaseFile(`${CORPUS}/host/pamt-across-two-tdmrs.json`).case, profile };
  return [healthy, ...saved, ...generated].filter((input) => whyNot(subject, input) === null);
}

/** Each kind of trouble once is enough. */
const ENOUGH = 1;

describe('every wrong host', () => {
  test.each(Object.entries(WRONG_HOSTS).filter(([, { buckets }]) => buckets !== 'cannot-run'))(
    '%s is found out for what it is, and for nothing else',
    (name, { kernel, buckets, tame }) => {
      const subject = open(name);
      const found = new Map<string, string>();
      let failures = 0;
      try {
        for (const input of cases(subject, kernel, tame === true ? 60 : 4)) {
          for (const { bucket, message } of subject.judge(input, false).violations) {
            if (kernel === '6.12' && knownBuckets.has(bucket)) continue;
            found.set(bucket, message);
            if (bucket.startsWith('host/answers')) failures += 1;
          }
          // Each of these costs a process, and some of them seconds.
          if (failures >= ENOUGH) break;
        }
      } finally {
        subject.close();
      }
      const expected = buckets as readonly string[];
      const others = [...found].filter(([bucket]) => !expected.some((beginning) => bucket.startsWith(beginning)));
      expect(others).toEqual([]);
      expect(found.size > 0).toBe(expected.length > 0);
    },
    120_000,
  );

  test.each([
    ['mute', /no 'hello' within 1500 ms.*flush/],
    ['old-version', /seam-stdio\/7/],
    ['claims-too-much', /behavesLike '9\.9'/],
  ])('%s is not even started', (name, message) => {
    expect(() => open(name, name === 'mute' ? 1500 : TIMEOUTS.start)).toThrow(message);
  });

  test('a finding of chance or of memory is made small like any other', () => {
    const subject = open('keeps-state');
    const [input] = cases(subject, '6.12');
    const first = subject.judge(input as Case, false).violations;
    expect(subject.judge(input as Case, false).violations).toEqual(first);
    subject.close();
  });

  test('what a host leaves running is ended with it', async () => {
    const subject = open('leaves-children');
    const [input] = cases(subject, 'strict');
    const { failure } = subject.play(input as Case);
    const child = Number(/child (\d+)/.exec(failure?.message ?? '')?.[1]);
    expect(child).toBeGreaterThan(1);
    // A zombie counts as ended: only its parent can reap it.
    const isThere = (): boolean =>
      existsSync(`/proc/${child}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${child}/status`, 'utf8'));
    for (let tries = 0; tries < 100 && isThere(); tries += 1) await setTimeout(20);
    expect(isThere()).toBe(false);
    subject.close();
  });
});
