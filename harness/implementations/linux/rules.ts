import type { RuleText } from '../../oracle/rule.ts';

/** What a compiled tree is held to beside the rules of every kernel; by id. */
export const LINUX_RULES: Readonly<Record<string, RuleText>> = {
  'linux/is-its-model': {
    statement:
      'The tree does what the model of its revision does: outcome, errno, effects, dmesg and what stays behind.',
    source: 'the model of the revision (model/kernel/revisions), which agrees with the recordings of that kernel',
    severity: 'misleading',
  },
  'linux/no-warnings': {
    statement: 'No WARN_ON() of the tree fires.',
    source: 'include/asm-generic/bug.h: a WARN reports a state that the code calls impossible',
    severity: 'misleading',
  },
  'linux/trees-agree': {
    statement: 'Both trees do the same: outcome, errno, effects, dmesg and what stays behind.',
    source: 'the first tree of `conform --between`',
    severity: 'misleading',
  },
};
