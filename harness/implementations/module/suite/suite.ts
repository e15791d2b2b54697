import fc from 'fast-check';
import { MSR } from '../../../../model/abi/msr.ts';
import { LEAVES } from '../../../../model/module/leaves/index.ts';
import type { Release } from '../../../../model/module/release.ts';
import { readModuleCase } from '../../../transcript/module-case.ts';
import { awkwardConfig, awkwardDraft } from './awkward.ts';
import type { Candidate } from './cover.ts';
import { chooseCover } from './cover.ts';
import type { Draft } from './draft.ts';
import { draft, hex, step, wayTo } from './draft.ts';
import { FAULT_TABLES } from './faults/index.ts';
import { keyOf, reachedBy } from './reach.ts';
import type { RecordedLine } from './record.ts';
import { recordDraft } from './record.ts';

/** A case of the suite: what it shows, and the line in the shape of a recording. */
export interface SuiteCase {
  /** The leaf whose answer it is kept for: the name of its file. */
  readonly leaf: string;
  readonly line: { readonly id: string };
  readonly shows: readonly string[];
}

/** How many awkward TDMR lists are tried; the seed is fixed so that the suite is the same each time. */
const AWKWARD_COUNT = 4000;
const SEED = 1;

/**
 * The conformance suite: a minimal set of cases that reaches every (leaf, status, details) that some recorded case, some
 * fault or some awkward configuration reaches. `recorded` are parsed lines of a recording.
 */
export function buildSuite(recorded: readonly unknown[], release: Release): SuiteCase[] {
  const candidates: Candidate<{ readonly id: string }>[] = [];
  const add = (line: { readonly id: string }, extra = 0): void => {
    const keys = reachedBy(readModuleCase(line)).map(keyOf);
    candidates.push({ item: line, keys, cost: JSON.stringify(line).length + extra });
  };
  for (const table of FAULT_TABLES) {
    add(recordDraft(`${table.leaf}: success`, table.base(), release).line);
    for (const { name, apply } of table.faults) {
      const one = table.base();
      apply(one);
      add(recordDraft(`${table.leaf}: ${name}`, one, release).line);
    }
  }
  for (const [id, one] of unknownCPU()) add(recordDraft(id, one, release).line);
  for (const [id, one] of [...unknownLeaves(), ...shutDown()]) add(recordDraft(id, one, release).line);
  for (const [id, one] of secondSMRR()) add(recordDraft(id, one, release).line);
  // Generated cases are worth a little more than recorded ones of the same length: they say in their name what they show.
  const cases = recorded.map((line) => line as { readonly id: string });
  for (const line of cases) add(line, 200);
  for (const [index, line] of awkwardLines(release).entries()) add({ ...line, id: `awkward ${index}` }, 400);
  return chooseCover(candidates).map(({ item, brought }) => {
    const first = brought[0] ?? '';
    const leaf = first.split(' ')[0] ?? '';
    const id = item.id.startsWith('TDH.') || item.id.startsWith('RAX') ? item.id : `${first} (${item.id})`;
    return { leaf, line: { ...item, id }, shows: brought };
  });
}

function awkwardLines(release: Release): RecordedLine[] {
  return fc
    .sample(awkwardConfig, { numRuns: AWKWARD_COUNT, seed: SEED })
    .map((config) => recordDraft('awkward', awkwardDraft(config), release).line);
}

/** A CPU whose family and model the module does not know: asking for it ends the module. */
function unknownCPU(): readonly (readonly [string, Draft])[] {
  const on = (call: Draft['call']): Draft => {
    const one = draft(wayTo('INITIALISED'), call);
    one.platform.fms = ['0x50654', '0x50654'];
    return one;
  };
  return [
    ['TDH.SYS.RD: NUM_ALLOWED_FMS on an unknown CPU', on(step('TDH.SYS.RD', { rdx: 0x9900000100000800n }))],
    ['TDH.SYS.RDALL: on an unknown CPU', on(step('TDH.SYS.RDALL', { rdx: 0x112000, r8: 0xffffffffffffffffn }))],
  ];
}

/** Leaf numbers without a leaf, in each state that answers them differently. */
function unknownLeaves(): readonly (readonly [string, Draft])[] {
  return [
    ['RAX: no such leaf, before READY', draft([], step(99))],
    ['RAX: no such leaf', draft(wayTo('READY'), step(99))],
    ['RAX: no such leaf, after TDH.SYS.SHUTDOWN', draft([...wayTo('READY'), step('TDH.SYS.SHUTDOWN')], step(99))],
  ];
}

/** Every leaf after TDH.SYS.SHUTDOWN. */
function shutDown(): readonly (readonly [string, Draft])[] {
  return LEAVES.map(({ name }) => [
    `${name}: after TDH.SYS.SHUTDOWN`,
    draft([...wayTo('READY'), step('TDH.SYS.SHUTDOWN')], step(name)),
  ]);
}

/** A second SMRR that is another one on the second LP. */
function secondSMRR(): readonly (readonly [string, Draft])[] {
  return [MSR.IA32_SMRR2_BASE, MSR.IA32_SMRR2_MASK].map((msr) => {
    const one = draft([step('TDH.SYS.INIT')], step('TDH.SYS.LP.INIT', {}, 1));
    one.platform.smrr.push({ base: '0x7e000006', mask: '0xff800000', lock: 1, valid: 1 });
    one.call.lpMsr = { 1: { [hex(msr)]: '0x7e800006' } };
    return [`TDH.SYS.LP.INIT: MSR ${msr.toString(16)} differs`, one];
  });
}
