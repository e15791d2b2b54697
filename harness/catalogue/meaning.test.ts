import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { LEAF_NUMBER, type LeafName } from '../../model/abi/leaf-number.ts';
import { OPERAND } from '../../model/abi/operand-id.ts';
import { STATUS, type StatusName, statusDetails, statusName } from '../../model/abi/status.ts';
import { highHalf, parseU64 } from '../../model/abi/u64.ts';
import { TDX_SEAMCALL_GP, TDX_SEAMCALL_UD, TDX_SEAMCALL_VMFAILINVALID } from '../../model/kernel/seamcall.ts';
import { LEAVES } from '../../model/module/leaves/index.ts';
import { SEAMLDR_STATUS } from '../../model/seamldr/status.ts';
import { BANNED_WORDS } from '../testing/plain-words.ts';
import { LEAF_MEANING } from './leaf-meaning.ts';
import { SOFTWARE_STATUS } from './software-status.ts';
import { STATUS_MEANING } from './status-meaning.ts';
import { GENERAL_STATUSES } from './status-meaning-general.ts';
import { GUEST_STATUSES } from './status-meaning-guest.ts';
import { MEMORY_STATUSES } from './status-meaning-memory.ts';
import { PLATFORM_STATUSES } from './status-meaning-platform.ts';
import { SYSTEM_STATUSES } from './status-meaning-system.ts';
import { TD_STATUSES } from './status-meaning-td.ts';

const LEAF_SOURCES = fileURLToPath(new URL('../../../model/module/leaves/', import.meta.url));
const CORPUS = fileURLToPath(new URL('../../../corpus/', import.meta.url));

const statuses = Object.entries(STATUS_MEANING);
const leaves = Object.entries(LEAF_MEANING);

/** Characters. */
const LENGTH_MAX = 199;
/** One sentence or more; hexadecimal numbers may begin one. */
const SENTENCE = /^[A-Z0-9].*\.$/s;

describe('every text', () => {
  const meanings = [
    ...statuses.map(([name, { meaning }]) => [name, meaning]),
    ...leaves.map(([name, { does }]) => [name, does]),
    ...SOFTWARE_STATUS.map(({ name, meaning }) => [name, meaning]),
  ];
  const others = [
    ...[...statuses, ...SOFTWARE_STATUS.map((one) => [one.name, one] as const)].flatMap(([name, { causes, remedy }]) =>
      [...causes, ...(remedy === null ? [] : [remedy])].map((text) => [name, text]),
    ),
    ...leaves.flatMap(([name, { when }]) => (when === '' ? [] : [[name, when]])),
  ];
  const phrases = [
    ...statuses.flatMap(([name, { details }]) => (details === null ? [] : [[name, details]])),
    ...leaves.flatMap(([name, { operands, results }]) => [...operands, ...results].map(({ holds }) => [name, holds])),
  ];

  test('that says what something is ends with a full stop and is short', () => {
    for (const [name, text] of meanings) {
      expect([name, text]).toEqual([name, expect.stringMatching(SENTENCE)]);
      expect([name, text?.slice(LENGTH_MAX)]).toEqual([name, '']);
    }
  });

  test('about causes, remedies and times is a sentence; about bits and registers a phrase', () => {
    for (const [name, text] of others) expect([name, text]).toEqual([name, expect.stringMatching(SENTENCE)]);
    for (const [name, text] of phrases) expect([name, text]).toEqual([name, expect.not.stringMatching(/\.$/)]);
  });

  test('is in plain words', () => {
    const banned = new RegExp(`\\b(?:${[...BANNED_WORDS, 'tells?', 'told'].join('|')})\\b`, 'i');
    for (const [name, text] of [...meanings, ...others, ...phrases])
      expect([name, text]).toEqual([name, expect.not.stringMatching(banned)]);
  });
});

describe('a status', () => {
  test('stands in one group only', () => {
    const groups = [
      GENERAL_STATUSES,
      SYSTEM_STATUSES,
      MEMORY_STATUSES,
      PLATFORM_STATUSES,
      TD_STATUSES,
      GUEST_STATUSES,
    ].flatMap((group) => Object.keys(group));
    expect([...groups].sort()).toEqual(Object.keys(STATUS).sort());
  });

  test('documents bits 31:0 exactly if recordings show something in them', () => {
    const seen = recordedDetails();
    expect(seen.size).toBeGreaterThan(50);
    for (const [name, details] of seen)
      expect([name, STATUS_MEANING[name].details !== null]).toEqual([name, [...details].some((value) => value !== 0)]);
  });

  test('names operands by the ids of the ABI', () => {
    const { details } = STATUS_MEANING.TDX_OPERAND_BUSY;
    for (const [name, id] of [
      ['TDR', OPERAND.TDR],
      ['secure EPT', OPERAND.SEPT_TREE],
      ['KeyID table', OPERAND.KOT],
      ['key table', OPERAND.KET],
      ['cache write-back', OPERAND.WBCACHE],
    ] as const)
      expect(details).toContain(`0x${id.toString(16)} ${name}`);
    expect(STATUS_MEANING.TDX_OPERAND_INVALID.details).toContain(`0x${OPERAND.CPUID_CONFIG.toString(16)} CPUID`);
  });
});

describe('a code that is no status of the module', () => {
  const codes = new Map(SOFTWARE_STATUS.map(({ name, code }) => [name, code]));

  test('has a value of its own', () => {
    expect(new Set(codes.values()).size).toBe(SOFTWARE_STATUS.length);
    for (const [name, code] of codes) expect([name, statusName(code)]).toEqual([name, undefined]);
  });

  test('has the value that the model returns', () => {
    expect(codes.get('TDX_SW_ERROR|#GP')).toBe(TDX_SEAMCALL_GP);
    expect(codes.get('TDX_SW_ERROR|#UD')).toBe(TDX_SEAMCALL_UD);
    expect(codes.get('TDX_SEAMCALL_VMFAILINVALID')).toBe(TDX_SEAMCALL_VMFAILINVALID);
    for (const [name, code] of Object.entries(SEAMLDR_STATUS))
      if (code !== 0) expect([name, codes.get(`SEAMLDR.${name}`)]).toEqual([name, code]);
  });

  test('is of the class of software, or of the P-SEAMLDR', () => {
    for (const [name, code] of codes)
      expect([name, highHalf(code)]).toEqual([name, name.startsWith('SEAMLDR.') ? 0x80000000 : 0x8000ff00]);
  });
});

describe('a leaf of the model', () => {
  const modelled = readdirSync(LEAF_SOURCES)
    .filter((file) => /^tdh-.*\.ts$/.test(file) && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(`${LEAF_SOURCES}${file}`, 'utf8'))
    .map((code) => [/\bname: '(TDH\.[A-Z.]+)'/.exec(code)?.[1] as LeafName, code] as const);

  test('is among the files that are read here', () => {
    expect(modelled.map(([name]) => name)).toEqual(expect.arrayContaining(LEAVES.map(({ name }) => name)));
    for (const [name] of modelled) expect(LEAF_NUMBER).toHaveProperty([name]);
  });

  test.each(modelled)('%s documents every register that its code reads or fills', (name, code) => {
    const { operands, results, when } = LEAF_MEANING[name];
    expect(when).not.toBe('');
    expect(operands.map(({ register }) => register)).toEqual(expect.arrayContaining([...registersRead(code)]));
    expect(results.map(({ register }) => register)).toEqual(expect.arrayContaining([...registersFilled(code)]));
  });

  test('the reader of its code finds registers', () => {
    expect(registersRead('const { rdx: count, r8: keyid } = regs;\nf(regs.rcx); regs.r9 = 0;')).toEqual(
      new Set(['RDX', 'R8', 'RCX']),
    );
    expect(registersFilled('regs.rcx = 0; regs.rdx = next; if (regs.r8 === 1) regs.rax = 0;')).toEqual(
      new Set(['RDX']),
    );
  });
});

/** Registers, RAX aside, of which a leaf takes the value. */
function registersRead(code: string): ReadonlySet<string> {
  const read = [...code.matchAll(/\bregs\.(rcx|rdx|r8|r9|r10|r11)\b(?! = )/g)].map(([, register]) => register ?? '');
  const taken = [...code.matchAll(/\bconst \{([^}]*)\} = regs\b/g)].flatMap(([, list]) =>
    (list ?? '').split(',').map((one) => one.split(':')[0]?.trim() ?? ''),
  );
  return new Set([...read, ...taken].map((register) => register.toUpperCase()).filter((name) => name !== 'RAX'));
}

/** Registers, RAX aside, that a leaf sets to something other than 0. */
function registersFilled(code: string): ReadonlySet<string> {
  const filled = code.matchAll(/\bregs\.(rcx|rdx|r8|r9|r10|r11) = (?!0;)/g);
  return new Set([...filled].map(([, register]) => (register ?? '').toUpperCase()));
}

/** Bits 31:0 of RAX in all answers of the module that the corpus has, by status. */
function recordedDetails(): ReadonlyMap<StatusName, ReadonlySet<number>> {
  const seen = new Map<StatusName, Set<number>>();
  const files = readdirSync(`${CORPUS}conformance`).map((file) => readFileSync(`${CORPUS}conformance/${file}`, 'utf8'));
  const recording = gunzipSync(readFileSync(`${CORPUS}transcripts/module-1.5.01.jsonl.gz`)).toString();
  for (const text of [...files, recording]) {
    for (const [, hex] of text.matchAll(/"(?:result|runs)":[^}]*?"rax":"(0x[0-9a-f]+)"/g)) {
      const rax = parseU64(hex ?? '');
      const name = rax === undefined ? undefined : statusName(rax);
      if (rax === undefined || name === undefined) continue;
      seen.set(name, (seen.get(name) ?? new Set()).add(statusDetails(rax)));
    }
  }
  return seen;
}
