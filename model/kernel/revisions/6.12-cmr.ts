import { defineFlow, type FlowEntry } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { FILL_RESERVED_AREAS_FROM_CMRS, READ_CMRS } from '../steps/linux/cmr.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { ENABLE_6_12, LINUX_6_12 } from './6.12.ts';

const ENABLE_6_12_CMR: readonly FlowEntry[] = ENABLE_6_12.flatMap((entry): readonly FlowEntry[] => {
  if (entry[0] === metadata.READ_TDMR_FIELDS) return [entry, [READ_CMRS, 'free-memory-list']];
  if (entry[0] === tdmr.FILL_RESERVED_AREAS) return [[FILL_RESERVED_AREAS_FROM_CMRS, 'free-pamts']];
  return [entry];
});

/** 6.12 with the patches some distributions carry: holes are those between CMRs, not those of the memory map. */
export const LINUX_6_12_CMR: Revision = {
  ...LINUX_6_12,
  name: '6.12-cmr',
  title: 'Linux 6.12 with reserved areas taken from CMRs',
  source:
    '"x86/virt/tdx: Reduce TDMR\'s reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024; github.com/canonical/tdx/issues/135',
  enable: defineFlow('enable', ENABLE_6_12_CMR),
};
