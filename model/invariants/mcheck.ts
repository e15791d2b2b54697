import { brokenCMRRule } from '../platform/cmr.ts';
import type { Always } from './invariant.ts';
import { offence } from './look.ts';

/** What MCHECK publishes. */

export const MCHECK_PUBLISHED_CMRS_ARE_LEGAL: Always = {
  holds: 'always',
  id: 'mcheck/published-cmrs-are-legal',
  severity: 'tdx-lost',
  statement:
    'MCHECK publishes at least one CMR; CMRs are 4 KiB aligned, ascending and disjoint, and empty entries come last.',
  source: 'v7 09/20, Kai Huang, 23 Nov 2022 (what MCHECK guarantees)',
  after: ['boot'],
  check: (world, _, report) => {
    if (world.mcheck.verdict !== 'published') return;
    const rule = brokenCMRRule(world.platform.cmrs);
    if (rule !== null) report(offence(rule, `the published table breaks ${rule}`));
  },
};
