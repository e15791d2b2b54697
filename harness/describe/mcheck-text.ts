import { type MCHECKRule, runMCHECK } from '../../model/platform/mcheck.ts';
import type { Platform } from '../../model/platform/platform.ts';

/** The error of BIOS, to follow "MCHECK refused the machine:". */
const BROKEN: Readonly<Record<MCHECKRule, string>> = {
  'seamrr-absent': 'BIOS set up no SEAMRR',
  'seamrr-unaligned': 'the SEAMRR base is not a multiple of 32 MiB',
  'seamrr-size': 'the SEAMRR size is not a power of two from 32 MiB to 1 GiB',
  'seamrr-differs': 'the SEAMRR MSRs differ between cores, or from what BIOS declared',
  'cmr-too-many': 'more than 32 CMRs',
  'cmr-empty-inside': 'a CMR follows an empty one',
  'cmr-unaligned': 'a CMR is not 4 KiB aligned',
  'cmr-order': 'the CMRs are not in ascending order',
  'cmr-overlap': 'two CMRs overlap',
  'cmr-none': 'no CMR',
  'package-count': 'not between 1 and 8 packages have an LP that BIOS enabled',
  'x2apic-range': 'an LP has an x2APIC id of 1024 or more',
  'fms-differs': 'CPU family or model differs between packages',
  'keyid-differs': 'the KeyID partitioning (MSR 0x87) differs between packages',
};

/** `off: MCHECK refused the machine: no CMR`; `null` if no rule of MCHECK is broken. */
export function seamOffText(platform: Platform): string | null {
  const { verdict, rule } = runMCHECK(platform);
  if (rule === null || verdict === 'published') return null;
  if (rule === 'seamrr-absent') return `off: ${BROKEN[rule]}`;
  if (verdict === 'bypassed')
    return `on, because the case skips the checks of MCHECK, which would refuse the machine: ${BROKEN[rule]}`;
  return `off: MCHECK refused the machine: ${BROKEN[rule]}`;
}
