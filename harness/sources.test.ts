import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { MAILS } from '../model/sources.ts';
import { METAMORPHIC } from './oracle/metamorphic.ts';
import { clausesOf, formOf } from './testing/citation.ts';

const BUILD = fileURLToPath(new URL('../', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Every source of rules, steps, revisions, leaves, releases and flaws, with its file. */
const found = new Map<string, string>();

function collect(value: unknown, where: string, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Map || Array.isArray(value)) {
    for (const one of value.values()) collect(one, where, seen);
    return;
  }
  for (const [key, one] of Object.entries(value))
    if (key === 'source' && typeof one === 'string') found.set(one, where);
    else collect(one, where, seen);
}

function compiledFiles(folder: string): readonly string[] {
  return readdirSync(join(BUILD, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'))
    .map((name) => join(folder, name));
}

beforeAll(async () => {
  const seen = new Set<object>();
  for (const file of [...compiledFiles('model'), ...compiledFiles('harness/flaws')]) {
    const exported = (await import(pathToFileURL(join(BUILD, file)).href)) as Readonly<Record<string, unknown>>;
    for (const value of Object.values(exported)) collect(value, file, seen);
  }
  collect(METAMORPHIC, 'harness/oracle/metamorphic.js', seen);
  const reasons = JSON.parse(readFileSync(join(ROOT, 'corpus/reasons.json'), 'utf8')) as unknown;
  collect(reasons, 'corpus/reasons.json', seen);
});

const texts = new Map<string, string>();

/** A transcript by its name without suffix; '' if there is none. */
function transcript(name: string): string {
  const path = join(ROOT, 'corpus/transcripts', `${name}.jsonl.gz`);
  const text = texts.get(name) ?? (existsSync(path) ? gunzipSync(readFileSync(path)).toString('utf8') : '');
  texts.set(name, text);
  return text;
}

/** The cited recordings that do not exist: transcripts, lines of them, recorded cases of the module. */
function missingRecording(clause: string): readonly string[] {
  const cited = clause.replace(/ \(.*$|: .*$/, '');
  if (cited.startsWith('recorded case')) {
    const ids = [...transcript('module-1.5.01').matchAll(/"id":"\d+-([^"]+)"/g)].map(([, id = '']) => id);
    const patterns = cited.replace(/^recorded cases? /, '').split(', ');
    return patterns.filter((pattern) => {
      const form = new RegExp(`^${pattern.replaceAll('*', '.*')}`);
      return !ids.some((id) => form.test(id));
    });
  }
  if (cited.startsWith('recordings of TDX module')) return [];
  const [names = '', lines = ''] = cited.replace(/^recordings? /, '').split(/, lines? /);
  const last = Math.max(0, ...[...lines.matchAll(/\d+/g)].map(([number]) => Number(number)));
  return names.split(' and ').filter((name) => {
    const text = transcript(/^\d/.test(name) ? `linux-${name}` : name);
    return text === '' || text.trimEnd().split('\n').length < last;
  });
}

describe('sources', () => {
  test('are found in rules, steps, leaves, releases and flaws', () => {
    const files = [...found.values()].join(' ');
    expect(found.size).toBeGreaterThan(250);
    expect(files).toMatch(/model\/invariants\//);
    expect(files).toMatch(/model\/kernel\//);
    expect(files).toMatch(/model\/module\//);
    expect(files).toMatch(/harness\/flaws\//);
  });

  test('name something a reader can open', () => {
    const wrong = [...found].flatMap(([source, where]) =>
      clausesOf(source).flatMap((clause) => {
        const form = formOf(clause);
        return typeof form === 'string' ? [] : [`${where}: "${clause}": ${form.wrong}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test('name recordings that exist', () => {
    const missing = [...found.keys()]
      .flatMap(clausesOf)
      .filter((clause) => formOf(clause) === 'recording')
      .flatMap((clause) => missingRecording(clause).map((name) => `"${clause}": no ${name}`));
    expect(missing).toEqual([]);
  });

  test('name files of this project that exist', () => {
    const missing = [...found.keys()]
      .flatMap(clausesOf)
      .filter((clause) => formOf(clause) === 'here')
      .map((clause) => clause.slice(0, clause.indexOf(':')))
      .filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
  });

  test('cite every mail of the table, which has no duplicates', () => {
    const all = [...found.keys()].join('\n');
    const authors = (cite: string): RegExp => {
      const [patch, name] = [cite.slice(0, cite.indexOf(',')), cite.split(', ').at(-2) ?? ''];
      return new RegExp(`${patch}, [\\w ]*${name}`);
    };
    const cited = MAILS.filter(({ cite }) => all.includes(cite) || (cite.startsWith('v') && authors(cite).test(all)));
    expect(MAILS.filter((mail) => !cited.includes(mail)).map(({ cite }) => cite)).toEqual([]);
    expect(new Set(MAILS.map(({ cite }) => cite)).size).toBe(MAILS.length);
    expect(MAILS.flatMap(({ id }) => (id === null || /^[\w.+=-]+@[\w.-]+$/.test(id) ? [] : [id]))).toEqual([]);
  });
});

describe('a source that names nothing', () => {
  test.each([
    ['L36974333584'],
    ['v7 10/20 review, Dave Hansen'],
    ['v7 10/20, Dave Hansen, 23 Nov 2022'],
    ['tdx_enable(), v7 21/20'],
    ['tdx_enable(), v9 04/20'],
    ['check_cmrs(), v5 10/22 "x86/virt/tdx: Get information about TDX module and TDX-capable memory"'],
    ['"x86/virt/tdx: A patch that nobody wrote", Kai Huang, 1 Jan 2024'],
    ['cpu_up(), kernel/cpu.c'],
    ['tdh_sys_config.c'],
    ['TDX specification'],
    ['archive ref 58287725306'],
    ['the usual suspects'],
  ])('%s', (clause) => {
    expect(formOf(clause)).toHaveProperty('wrong');
  });

  test('is a recording that does not exist', () => {
    expect(missingRecording('recording 6.12-demos, line 33')).toEqual([]);
    expect(missingRecording('recording 6.12-demos, lines 3 and 3000')).toEqual(['6.12-demos']);
    expect(missingRecording('recorded cases config-*, never-*')).toEqual(['never-*']);
  });

  test('is a clause between others', () => {
    expect(clausesOf('a (b; c); "d; e" f; g')).toEqual(['a (b; c)', '"d; e" f', 'g']);
  });
});
