import { defineFlow, replaceSteps } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { POPULATE_RSVD_AREAS_FROM_CMRS, READ_CMRS } from '../steps/linux/cmr.ts';
import { GET_TDX_TDMR_SYSINFO } from '../steps/linux/metadata.ts';
import { TDMRS_POPULATE_RSVD_AREAS_ALL } from '../steps/linux/tdmr.ts';
import { ENABLE_6_12, LINUX_6_12 } from './6.12.ts';

/** 6.12 with the patches some distributions carry: holes are those between CMRs, not those of the memory map. */
export const LINUX_6_12_CMR: Revision = {
  ...LINUX_6_12,
  name: '6.12-cmr',
  title: 'Linux 6.12 with reserved areas taken from CMRs',
  source:
    '"x86/virt/tdx: Reduce TDMR\'s reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024; github.com/canonical/tdx/issues/135',
  enable: defineFlow(
    'enable',
    replaceSteps(
      ENABLE_6_12,
      new Map([
        [GET_TDX_TDMR_SYSINFO, [GET_TDX_TDMR_SYSINFO, READ_CMRS]],
        [TDMRS_POPULATE_RSVD_AREAS_ALL, [POPULATE_RSVD_AREAS_FROM_CMRS]],
      ]),
    ),
  ),
};
