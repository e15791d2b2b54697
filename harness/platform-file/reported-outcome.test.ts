import { describe, expect, test } from '@jest/globals';
import { reportedOutcome } from './reported-outcome.ts';

const UP = { kernel: '6.12', module: '1.5.01', errno: 0, initialised: true, pamtKB: 1000 };
const DOWN = { ...UP, errno: -5, initialised: false, pamtKB: 0 };
const FAILED_ONLY_THERE = "TDX failed on the source's machine, and is initialised on the model";

describe('the reported outcome, compared with the model', () => {
  test.each([
    ['initialised (TDs run)', UP, null],
    ['initialized (files of the first release)', UP, null],
    ['initialised', DOWN, "TDX was initialised on the source's machine, and fails with -5 on the model"],
    ['fail: leaf 0x21 returned 0xc000090000000000', UP, FAILED_ONLY_THERE],
    ['fail silently', DOWN, null],
    ['fail -5 (EIO): a SEAMCALL', DOWN, null],
    ['fail -28 (ENOSPC)', DOWN, "TDX failed with -28 on the source's machine, and fails with -5 on the model"],
    ['TDX absent: no virt/tdx lines', DOWN, null],
    ['TDX cannot be enabled in BIOS', UP, FAILED_ONLY_THERE],
  ])('%s: %#', (outcome, booted, difference) => {
    expect(reportedOutcome({ outcome }, booted)).toMatchObject({ text: outcome, comparable: true, difference });
  });

  test.each([
    'fail (hibernation) -> initialised after nohibernate',
    'fail (hibernation) -> initialized after nohibernate',
    'good boot: initialised; bad boot: silent',
    'slow',
  ])('%s: not compared', (outcome) => {
    for (const booted of [UP, DOWN])
      expect(reportedOutcome({ outcome }, booted)).toMatchObject({ comparable: false, difference: null, why: [] });
  });

  test('a different PAMT size is a difference', () => {
    const outcome = 'initialised';
    expect(reportedOutcome({ outcome, pamtKbReported: 1000 }, UP)?.difference).toBeNull();
    expect(reportedOutcome({ outcome, pamtKbReported: 999 }, UP)?.difference).toBe(
      "the source's machine has 999 KB of PAMT, the model has 1000",
    );
  });

  test('the possible reasons list the values that the file does not contain', () => {
    const cmrs = [{ base: 0, size: 4096 }];
    const told = { outcome: 'fail', kernel: '6.8', moduleVersion: { major: 1, minor: 0, buildNum: 457 }, cmrs };
    const reported = reportedOutcome({ ...told, keyids: { tdx: 32 }, reported: { kernelCmdline: 'ro' } }, UP);
    expect(reported).toMatchObject({ kernel: '6.8', module: '1.0 (build 457)' });
    expect(reported?.why).toEqual([
      'The source ran kernel 6.8 on TDX module 1.0 (build 457), this boot 6.12 on 1.5.01.',
      'The file does not contain the topology and the memory map: rules assume the missing values.',
      'A platform file contains no CPUID values, and few MSRs and BIOS settings: the others are assumed to be healthy.',
    ]);
    expect(reportedOutcome({ outcome: 'fail', moduleVersion: { printed: '1.5.24' } }, UP)).toMatchObject({
      kernel: null,
      module: '1.5.24',
    });
  });

  test('a file without an outcome has nothing to compare', () => {
    expect(reportedOutcome({}, UP)).toBeNull();
    expect(reportedOutcome({ outcome: null }, DOWN)).toBeNull();
  });
});
