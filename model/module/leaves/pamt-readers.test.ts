import { PAGE_4K } from '../../abi/page.ts';
import { describe, expect, test } from '@jest/globals';
import {
  FIRST_KEYID,
  makeUsable,
  createBench,
  mustSucceed,
  TDMR_BASE,
} from '../../../harness/testing/module-fixture.ts';
import { LEAF_NUMBER, type LeafName } from '../../abi/leaf-number.ts';
import { registers } from '../../abi/registers.ts';
import { NO_CONDITIONS } from '../conditions.ts';
import { callModule } from '../dispatch.ts';
import { SUCCESS } from '../outcome.ts';
import type { PageEntry } from '../state.ts';
import { LEAVES, modelledLeaf } from './index.ts';
import { TDH_VP_CREATE } from './tdh-vp-create.ts';
import { TDH_VP_ENTER } from './tdh-vp-enter.ts';
import { TDH_VP_FLUSH } from './tdh-vp-flush.ts';

const TDR = TDMR_BASE;
const TDVPR = TDMR_BASE + PAGE_4K;
const FREE = TDMR_BASE + 2 * PAGE_4K;
const OTHER = TDMR_BASE + 3 * PAGE_4K;

/** The pages that a leaf looked up in the PAMT, whichever way its checks ended. */
function pagesRead(name: LeafName, rcx: number, rdx: number): ReadonlySet<number> {
  const bench = makeUsable(createBench({ packages: 1 }));
  mustSucceed(bench, 'TDH.MNG.CREATE', { rcx: TDR, rdx: FIRST_KEYID + 1 });
  mustSucceed(bench, 'TDH.MNG.KEY.CONFIG', { rcx: TDR });
  const vcpu = { ...registers(LEAF_NUMBER['TDH.VP.CREATE'], TDVPR), rdx: TDR };
  expect(callModule(bench.module, bench.hardware, 0, vcpu, NO_CONDITIONS, true)).toBe(SUCCESS);
  expect(vcpu.rax).toBe(0);
  const read = new Set<number>();
  const { pages } = bench.module;
  const get = pages.get.bind(pages);
  pages.get = (address: number): PageEntry | undefined => {
    read.add(address);
    return get(address);
  };
  const regs = { ...registers(LEAF_NUMBER[name], rcx), rdx };
  callModule(bench.module, bench.hardware, 0, regs, NO_CONDITIONS, true);
  return read;
}

describe('a leaf that reads the PAMT entry of an operand says so', () => {
  const names = [...LEAVES, TDH_VP_CREATE, TDH_VP_ENTER, TDH_VP_FLUSH].map(({ name }) => name);
  const pages = [TDR, TDVPR, FREE, OTHER];

  test.each(names)('%s', (name) => {
    const found = new Set<string>();
    for (const rcx of pages)
      for (const rdx of [FIRST_KEYID + 1, FIRST_KEYID + 2, ...pages]) {
        if (rcx === rdx) continue;
        const read = pagesRead(name, rcx, rdx);
        // The TDR that owns the page in RCX is read without being an operand.
        if (read.has(rcx)) found.add('rcx');
        if (read.has(rdx) && !(rdx === TDR && rcx === TDVPR)) found.add('rdx');
      }
    expect([...found].sort()).toEqual(modelledLeaf(LEAF_NUMBER[name])?.readsPAMTOf);
  });

  test('the leaves of a TD all do', () => {
    const readers = names.filter((name) => modelledLeaf(LEAF_NUMBER[name])?.readsPAMTOf.length !== 0);
    expect(readers.map((name) => LEAF_NUMBER[name]).sort((a, b) => a - b)).toEqual([
      0, 1, 8, 9, 10, 18, 19, 20, 24, 28, 41,
    ]);
    expect(modelledLeaf(2 ** 40)).toBeUndefined();
  });
});
