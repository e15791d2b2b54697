import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Event } from '../model/world/event.ts';
import { type Case, decodeCaseFile, encodeCaseFile, encodeCaseLine } from './case.ts';
import { UserError } from './user-error.ts';
import { sampleCase, samplePlatform } from './testing/sample.ts';

const require = createRequire(import.meta.url);

const EVERY_EVENT: readonly Event[] = [
  { kind: 'vmxon', lp: 0 },
  { kind: 'vmxoff', lp: 1 },
  { kind: 'cpu-online', lp: 2 },
  { kind: 'cpu-offline', lp: 3 },
  { kind: 'cpu-enable', lp: 0 },
  { kind: 'enable' },
  { kind: 'acpi-cpu-add', lp: 1 },
  { kind: 'acpi-cpu-remove', lp: 1 },
  { kind: 'memory-add', how: 'acpi', base: 2 ** 40, size: 2 ** 30, node: 0 },
  { kind: 'memory-remove', how: 'zone-device', base: 2 ** 40, size: 2 ** 30 },
  { kind: 'machine-check', lp: 0, address: 2 ** 51 + 4096 },
  { kind: 'td-create' },
  { kind: 'td-run', td: 0, lp: 1 },
  { kind: 'td-destroy', td: 0 },
  { kind: 'suspend', state: 's3' },
  { kind: 'suspend', state: 'hibernation' },
  { kind: 'allocation-failure', nth: 1 },
  { kind: 'condition', condition: 'pconfig-busy', leaf: 31, count: 2 },
  { kind: 'condition', condition: 'no-entropy', leaf: null, count: 1 },
  { kind: 'late-load' },
  { kind: 'module-unload' },
  { kind: 'seam-death' },
  {
    kind: 'seamcall',
    lp: 0,
    rax: 2n ** 63n + 33n,
    rcx: 0,
    rdx: 2n ** 64n - 1n,
    r8: 2 ** 53 - 1,
    r9: 2n ** 53n,
    r10: 1,
    r11: 0,
  },
  { kind: 'kexec' },
];

const full: Case = {
  ...sampleCase(EVERY_EVENT, samplePlatform(2, 2, { msr: [{ lp: null, msr: 0x87, value: 2n ** 63n }] })),
  schedule: [{ event: 0, after: 3, run: 1 }],
};

/** The text of a valid file with one part replaced. */
function damaged(from: string | RegExp, to: string): string {
  const good = encodeCaseFile({ case: full });
  const bad = good.replace(from, to);
  if (bad === good) throw new Error(`nothing to damage: ${String(from)}`);
  return bad;
}

function complaint(text: string): string {
  try {
    decodeCaseFile(text, 'x.json');
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return 'no complaint';
}

describe('the case format', () => {
  test('every event kind, u64 and schedule is the same after encoding and decoding', () => {
    const known = { invariant: 'a/b', bucket: 'a/b|33', reason: 'why', source: 'who' };
    const finding = { invariant: 'a/b', bucket: 'a/b|33', message: 'm', event: 2, minimal: true, origin: 's:7' };
    expect(decodeCaseFile(encodeCaseFile({ case: full, known, finding }), 'x')).toEqual({ case: full, known, finding });
    expect(decodeCaseFile(encodeCaseLine(full), 'x')).toEqual({ case: full });
  });

  test('any u64 in a register is the same after encoding and decoding, in its one text form', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const rax = value < 2n ** 53n ? Number(value) : value;
        const one = sampleCase([{ kind: 'seamcall', lp: 0, rax, rcx: 0, rdx: 0, r8: 0, r9: 0, r10: 0, r11: 0 }]);
        const text = encodeCaseFile({ case: one });
        expect(text).toContain(`"rax": "0x${value.toString(16)}"`);
        expect(decodeCaseFile(text, 'x').case).toEqual(one);
      }),
    );
  });

  test('equal cases have equal bytes, whatever the order of their keys', () => {
    const shuffled = {
      ...full,
      platform: Object.fromEntries(Object.entries(full.platform).reverse()) as unknown as Case['platform'],
    };
    expect(encodeCaseFile({ case: shuffled })).toBe(encodeCaseFile({ case: full }));
  });

  test('the text is fit for a line diff: one event and one platform entry per line', () => {
    const lines = encodeCaseFile({ case: full }).split('\n');
    expect(lines.filter((line) => line.includes('"kind"'))).toHaveLength(EVERY_EVENT.length);
    expect(lines.filter((line) => line.includes('"thread"'))).toHaveLength(4);
    expect(lines).toContain(
      '    {"kind": "memory-add", "how": "acpi", "base": "0x10000000000", "size": "0x40000000", "node": 0},',
    );
  });

  test('encoding refuses a value that is not a u64', () => {
    for (const address of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(() => encodeCaseFile({ case: sampleCase([{ kind: 'machine-check', lp: 0, address }]) })).toThrow(
        RangeError,
      );
    }
  });

  test('version 0 is migrated', () => {
    const old = JSON.stringify(require('./case-v0.fixture.json'));
    const { case: migrated } = decodeCaseFile(old, 'old.json');
    expect(migrated.profile).toEqual({ kernel: '6.12', module: '1.5.01' });
    expect(migrated.platform.keyids).toEqual({ mktme: 31, tdx: 32 });
    expect(migrated.events[1]).toEqual({ kind: 'enable' });
    expect(migrated.platform.msr[0]?.value).toBe(2n ** 64n - 1n);
  });

  test.each([
    ['', 'the file is empty'],
    [encodeCaseFile({ case: full }).slice(0, 700), 'the file is truncated'],
    ['{"a" 1}', 'not valid JSON'],
    ['[1]', 'expected a case, a JSON object'],
    ['{}', 'at /formatVersion: expected a whole number (this build reads 0 to 1), got nothing'],
    [damaged('"formatVersion": 1', '"formatVersion": 7'), 'format version 7 is newer than this build reads (0 to 1)'],
    [damaged('"kind": "kexec"', '"kind": "kexek"'), 'at /events/23: unknown kind "kexek"'],
    [damaged('"0x10000000000"', '"0x0010"'), 'at /events/8/base: expected lower-case hexadecimal text'],
    [damaged('"0x10000000000"', '"0x20000000000001"'), 'at /events/8/base: expected lower-case hexadecimal text'],
    [damaged('"how": "acpi"', '"how": "pci"'), 'at /events/8/how: expected one of acpi, driver, zone-device'],
    [damaged('"hibernation": false', '"hibernation": 0'), 'at /platform/hibernation: expected true or false'],
    [damaged('"hibernation"', '"hypernation"'), "at /platform: expected a member 'hibernation'"],
    [
      damaged('"event": 0, "after": 3', '"event": 99, "after": 3'),
      'at /schedule/0/event: event 99, but the case has 24',
    ],
    [
      damaged('"kind": "vmxoff", "lp": 1', '"kind": "vmxoff", "lp": 9'),
      'at /events/1/lp: LP 9, but the platform has 4',
    ],
  ])('invalid input produces one clear message (%#)', (text, message) => {
    const said = complaint(text);
    expect(said).toContain('x.json: ');
    expect(said).toContain(message);
    expect(said).not.toContain('\n');
  });
});
