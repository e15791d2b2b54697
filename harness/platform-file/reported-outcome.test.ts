import { describe, expect, test } from '@jest/globals';
import { reportedOutcome } from './reported-outcome.ts';

const UP = { kernel: '6.12', module: '1.5.01', errno: 0, initialised: true, pamtKB: 1000 };
const DOWN = { ...UP, errno: -5, initialised: false, pamtKB: 0 };

describe('what the source of a machine saw, beside the model', () => {
  test.each([
    ['initialised (TDs run)', UP, null],
    ['initialized (files of the first release)', UP, null],
    ['initialised', DOWN, 'the source saw TDX initialised, on the model it fails with -5'],
    ['fail: leaf 0x21 returned 0xc000090000000000', UP, 'the source saw a failure, on the model TDX is initialised'],
    ['fail silently', DOWN, null],
    ['fail -5 (EIO): a SEAMCALL', DOWN, null],
    ['fail -28 (ENOSPC)', DOWN, 'the source saw -28, the model fails with -5'],
    ['TDX absent: no virt/tdx lines', DOWN, null],
    ['TDX cannot be enabled in BIOS', UP, 'the source saw a failure, on the model TDX is initialised'],
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

  test('another PAMT is a difference', () => {
    const outcome = 'initialised';
    expect(reportedOutcome({ outcome, pamtKbReported: 1000 }, UP)?.difference).toBeNull();
    expect(reportedOutcome({ outcome, pamtKbReported: 999 }, UP)?.difference).toBe(
      'the source saw 999 KB of PAMT, the model has 1000',
    );
  });

  test('what may account for it is what the file does not say', () => {
    const cmrs = [{ base: 0, size: 4096 }];
    const told = { outcome: 'fail', kernel: '6.8', moduleVersion: { major: 1, minor: 0, buildNum: 457 }, cmrs };
    const reported = reportedOutcome({ ...told, keyids: { tdx: 32 }, reported: { kernelCmdline: 'ro' } }, UP);
    expect(reported).toMatchObject({ kernel: '6.8', module: '1.0 (build 457)' });
    expect(reported?.why).toEqual([
      'The source ran kernel 6.8 on TDX module 1.0 (build 457), this boot 6.12 on 1.5.01.',
      'The file does not say the topology and the memory map: rules stand in for it.',
      'A platform file holds no CPUID values, and few MSRs and BIOS settings: all of them are taken as healthy.',
    ]);
    expect(reportedOutcome({ outcome: 'fail', moduleVersion: { printed: '1.5.24' } }, UP)).toMatchObject({
      kernel: null,
      module: '1.5.24',
    });
  });

  test('a file that does not say', () => {
    expect(reportedOutcome({}, UP)).toBeNull();
    expect(reportedOutcome({ outcome: null }, DOWN)).toBeNull();
  });
});
