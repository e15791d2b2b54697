import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { RELEASES } from '../../../../model/module/release.ts';
import { readJSONLines } from '../../../transcript/json-lines.ts';
import type { ModuleCase } from '../../../transcript/module-case.ts';
import { readModuleCase } from '../../../transcript/module-case.ts';
import { replayModuleCase } from '../../../transcript/module-replay.ts';
import { chooseCover } from './cover.ts';
import { renderMatrix } from './table.ts';
import type { Reached } from './reach.ts';
import { declaredStatuses, keyOf, reachedBy, UNREACHABLE } from './reach.ts';

const CORPUS = fileURLToPath(new URL('../../../../../corpus/', import.meta.url));

let suite: ModuleCase[];
let recorded: ModuleCase[];

beforeAll(async () => {
  suite = [];
  for (const name of readdirSync(`${CORPUS}conformance`)) {
    for await (const { value } of readJSONLines(`${CORPUS}conformance/${name}`)) suite.push(readModuleCase(value));
  }
  recorded = [];
  for await (const { value } of readJSONLines(`${CORPUS}transcripts/module-1.5.01.jsonl.gz`))
    recorded.push(readModuleCase(value));
});

describe('the conformance suite', () => {
  test('is what the model answers', () => {
    expect(suite.length).toBeGreaterThan(200);
    const mismatches = suite.flatMap((one) => replayModuleCase(one, RELEASES['1.5.01-recorded']).mismatches);
    expect(mismatches).toEqual([]);
  });

  test('has a name of its own for every case', () => {
    expect(new Set(suite.map(({ id }) => id)).size).toBe(suite.length);
  });

  test('reaches every answer in the recording', () => {
    const reached = new Set(suite.flatMap(reachedBy).map(keyOf));
    expect([...new Set(recorded.flatMap(reachedBy).map(keyOf))].filter((key) => !reached.has(key))).toEqual([]);
  });

  test('reaches every status that a leaf declares, and no other', () => {
    const reached = new Map<string, Set<string>>();
    for (const { leaf, status } of [...suite, ...recorded].flatMap(reachedBy)) {
      reached.set(leaf, (reached.get(leaf) ?? new Set()).add(status));
    }
    const sorted = (sets: ReadonlyMap<string, ReadonlySet<string>>) =>
      Object.fromEntries([...sets].map(([leaf, set]) => [leaf, [...set].sort()]));
    expect(sorted(reached)).toEqual(sorted(declaredStatuses()));
    for (const { leaves, status } of UNREACHABLE)
      for (const leaf of leaves) expect(reached.get(leaf)?.has(status)).toBe(false);
  });

  test('has no case that the others make superfluous', () => {
    const times = new Map<string, number>();
    for (const key of suite.flatMap((one) => reachedBy(one).map(keyOf))) times.set(key, (times.get(key) ?? 0) + 1);
    expect(
      suite.filter((one) => reachedBy(one).every((each) => times.get(keyOf(each)) !== 1)).map(({ id }) => id),
    ).toEqual([]);
  });

  test('is the matrix in the corpus README', () => {
    const reached = new Map<string, Reached>();
    for (const one of suite.flatMap(reachedBy)) reached.set(keyOf(one), one);
    const matrix = renderMatrix([...reached.values()]);
    expect(matrix).not.toContain('!  |');
    expect(readFileSync(`${CORPUS}README.md`, 'utf8')).toContain(matrix);
  });
});

describe('choosing a cover', () => {
  const candidate = (item: string, keys: string, cost = 1) => ({ item, keys: [...keys], cost });

  test('takes what brings most, and the cheaper of two', () => {
    const chosen = chooseCover([
      candidate('a', 'xy'),
      candidate('b', 'xyz', 2),
      candidate('c', 'xyz', 1),
      candidate('d', 'w'),
    ]);
    expect(chosen).toEqual([
      { item: 'c', brought: ['x', 'y', 'z'] },
      { item: 'd', brought: ['w'] },
    ]);
  });

  test('drops a first choice that later ones make superfluous', () => {
    const chosen = chooseCover([candidate('big', 'bcde'), candidate('left', 'abc'), candidate('right', 'def')]);
    expect(chosen.map(({ item }) => item)).toEqual(['left', 'right']);
  });

  test('of nothing is nothing', () => {
    expect(chooseCover([])).toEqual([]);
  });
});
