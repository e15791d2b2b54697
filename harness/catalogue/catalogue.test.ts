import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { STATUS } from '../../model/abi/status.ts';
import { formatU64 } from '../../model/abi/u64.ts';
import { LEAVES } from '../../model/module/leaves/index.ts';
import { HOST_INVARIANTS } from '../implementations/host/judge.ts';
import { loadKnown } from '../store/known.ts';
import { catalogueNames, entriesOf, explain } from './catalogue.ts';
import { ENTRY_KINDS, type Evidence } from './entry.ts';
import { LEAF_MEANING } from './leaf-meaning.ts';
import { ALL_RULES } from './rules.ts';

const known = loadKnown(fileURLToPath(new URL('../../../corpus', import.meta.url)));
const evidence: Evidence = { known, nameOf: (path) => path, answers: [] };

describe.each(ENTRY_KINDS)('every %s', (kind) => {
  const names = catalogueNames(evidence)[kind];

  test('is explained by its name, in a sentence, with a source', () => {
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      const entry = explain(name, evidence).find((one) => one.kind === kind);
      expect([name, entry?.name]).toEqual([name, name]);
      expect(entry?.what).toMatch(/^.{10,}\.$/s);
      expect(entry?.source).not.toBe('');
      for (const sentence of entry?.why ?? []) expect(sentence).toMatch(/[.)]$/);
    }
  });

  test('is listed once, in the order of its catalogue', () => {
    expect(entriesOf(kind, evidence).map(({ name }) => name)).toEqual(names);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a name', () => {
  const kinds = (text: string): readonly string[] => explain(text, evidence).map(({ kind, name }) => `${kind} ${name}`);

  test('of a status may be its value, details included', () => {
    expect(kinds('0xc000050500000000')).toEqual(['status TDX_SYS_NOT_READY']);
    const [entry] = explain('0x80000200000000bb', evidence);
    expect(entry?.facts).toContainEqual({ label: 'here', text: 'details 0xbb' });
    expect(kinds('0x8000FF000000000D')).toEqual(['status TDX_SW_ERROR|#GP']);
    for (const [name, code] of Object.entries(STATUS))
      if (name !== 'TDX_SUCCESS') expect(kinds(formatU64(code))).toContain(`status ${name}`);
  });

  test('of a leaf may be its number as dmesg prints it', () => {
    expect(kinds('0x2d')).toEqual(['leaf TDH.SYS.CONFIG']);
    expect(kinds('sys.config')).toEqual(['leaf TDH.SYS.CONFIG']);
  });

  test('of a flaw may be its number', () => {
    expect(kinds('42')).toEqual(['flaw flaw-42']);
    expect(kinds('#42')).toEqual(['flaw flaw-42']);
  });

  test('of nothing is nothing', () => {
    for (const text of ['', 'nothing', 'pamt/', 'no/rule|x', '0x', '0xzz', '999']) expect(kinds(text)).toEqual([]);
  });
});

test('a broken rule has its smallest case and the kernels that break it', () => {
  const [entry] = explain('naming/gp-is-not-silent', evidence);
  expect(entry?.brokenBy).toContain('6.12');
  expect(entry?.case?.command).toMatch(/^npx seamstress replay \S+\.json$/);
});

test('the rules of hosts behind the protocol are among them', () => {
  for (const id of [...HOST_INVARIANTS, 'host/hosts-agree', 'linux/trees-agree']) expect(ALL_RULES.has(id)).toBe(true);
});

test('a leaf that the model answers documents when it is called', () => {
  for (const { name } of LEAVES) expect([name, LEAF_MEANING[name].when]).not.toEqual([name, '']);
});
