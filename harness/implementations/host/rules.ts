import type { RuleText } from '../../oracle/rule.ts';

const PROTOCOL = 'seam-stdio/1: harness/implementations/protocol/README.md';

/** What a host behind the protocol is held to beside the rules of every kernel; by id. */
export const HOST_RULES: Readonly<Record<string, RuleText>> = {
  'host/answers': {
    statement: 'The host answers every command: it neither crashes, hangs nor leaves the protocol.',
    source: PROTOCOL,
    severity: 'crash',
  },
  'host/is-its-model': {
    statement: 'The host does what the kernel revision does that it names in `behavesLike`.',
    source: PROTOCOL,
    severity: 'misleading',
  },
  'host/frees-what-it-has': {
    statement: 'The host frees only memory that it has allocated and not yet freed.',
    source: PROTOCOL,
    severity: 'memory',
  },
  'host/is-deterministic': {
    statement: 'The same case gives the same run.',
    source: PROTOCOL,
    severity: 'misleading',
  },
  'host/boot-forgets': {
    statement: 'A boot starts afresh: nothing of an earlier machine changes what the host does.',
    source: PROTOCOL,
    severity: 'misleading',
  },
  'host/hosts-agree': {
    statement: 'Both hosts do the same: outcome, errno, effects, dmesg and what stays behind.',
    source: 'the first host of `conform --between`',
    severity: 'misleading',
  },
};
