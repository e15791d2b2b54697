import { describe, expect, test } from '@jest/globals';
import { healthyPlatform, step, wayTo } from './suite/draft.ts';
import { renderCase } from './case-text.ts';
import type { AnswerDifference } from './compare-answers.ts';
import type { ModuleFinding } from './report.ts';

function finding(
  steps: ModuleFinding['case']['steps'],
  difference: AnswerDifference,
  platform = healthyPlatform(),
): ModuleFinding {
  return {
    bucket: '',
    verdict: 'wrong-status',
    requirement: null,
    message: '',
    difference,
    minimal: true,
    case: { id: 'x', platform, steps },
    hits: 1,
    stderr: '',
  };
}

const INIT = { seamcall: step('TDH.SYS.INIT').seamcall, result: { rax: '0x0' } };

describe('a minimal case in words', () => {
  test('shows what each step changes, and both answers where they differ', () => {
    const { label: _label, ...config } = wayTo('CONFIGURED').at(-1) ?? step('TDH.SYS.CONFIG');
    const call = {
      ...config,
      mem: [{ pa: '0x101000', u64: ['0x102000', '0x103000'] }],
      msr: { '0x87': '0x1' },
      cpuid: [{ leaf: '0x1', lp: 1, eax: '0x0' }],
      reload: true,
      inject: 'pamt-lock-busy',
      injectArg: '0x5000',
      read: [{ pa: '0x110000', u64: 2 }],
      result: { rax: '0xc000050c00000000' },
    };
    const difference = { step: 1, kind: 'class', what: 'rax', expected: '0xc000050c00000000', got: '0x0' } as const;
    expect(renderCase(finding([INIT, call], difference))).toEqual([
      'a healthy machine with 2 LPs',
      '  1  LP 0  TDH.SYS.INIT (0x21) -> TDX_SUCCESS',
      '  2  LP 0  TDH.SYS.CONFIG (0x2d) rcx 0x101000 rdx 0x1 r8 0x10',
      '       mem 0x101000: 0x102000 0x103000',
      '       msr {0x87 0x1}',
      '       cpuid [{leaf 0x1, lp 1, eax 0x0}]',
      '       reload true',
      '       inject pamt-lock-busy 0x5000',
      '       read [{pa 0x110000, u64 2}]',
      '       expected TDX_SYS_CONFIG_NOT_PENDING (0xc000050c00000000)',
      '       got      TDX_SUCCESS (0x0)',
    ]);
  });

  test('shows what is odd about the machine, and a register that differs below the answer', () => {
    const { lps, ...rest } = healthyPlatform();
    const [first] = lps;
    const platform = { ...rest, lps: first === undefined ? [] : [first], cmrs: [], moduleHv: 1 };
    const difference = { step: 0, kind: 'register', what: 'r8', expected: '0x0', got: '0x7' } as const;
    expect(renderCase(finding([{ ...INIT, repeat: 2 }], difference, platform))).toEqual([
      'a healthy machine with 1 LP, but for',
      '       cmrs []',
      '       moduleHv 1',
      '  1  LP 0  TDH.SYS.INIT (0x21) x2 -> TDX_SUCCESS',
      '       r8: expected 0x0',
      '       r8: got      0x7',
    ]);
  });

  test('shows a refusal, a leaf that has no name and the end of a module', () => {
    const refusal = {
      step: 1,
      kind: 'outcome',
      what: 'outcome',
      expected: 'an answer',
      got: 'unsupported: no',
    } as const;
    const unknown = { seamcall: { lp: 1, rax: '0xfe' }, fatal: 'why' };
    expect(renderCase(finding([unknown, INIT], refusal)).slice(1)).toEqual([
      '  1  LP 1  0xfe -> the end of the module',
      '  2  LP 0  TDH.SYS.INIT (0x21)',
      '       expected an answer',
      '       got      unsupported: no',
    ]);
  });
});
