import type { Always } from './invariant.ts';
import { offence } from './look.ts';

/** What the kernel makes of the platform at boot, and what that costs the machine. */

export const BOOT_HIBERNATION_EXCLUDES_TDX: Always = {
  holds: 'always',
  id: 'boot/hibernation-excludes-tdx',
  severity: 'crash',
  statement: 'Where hibernation is available TDX is not offered; where TDX runs S3 is off.',
  source: 'tdx_init(), Linux 6.12',
  after: ['boot', 'enable'],
  check: (world, _, report) => {
    if (!world.kernel.platformEnabled) return;
    if (world.platform.hibernation) report(offence('hibernation', 'TDX is offered although hibernation is available'));
    if (world.kernel.s3Available && world.kernel.status === 'initialised')
      report(offence('S3', 'TDX runs and S3 is still there'));
  },
};

export const BOOT_S3_IS_NOT_LOST_FOR_NOTHING: Always = {
  holds: 'always',
  id: 'boot/s3-is-not-lost-for-nothing',
  severity: 'part-lost',
  statement: 'A machine that cannot run TDX (no module, SEAM off) does not lose ACPI S3 to it.',
  source: 'tdx_init(), Linux 6.12 (S3 is disabled as soon as KeyIDs are seen)',
  after: ['boot'],
  check: (world, record, report) => {
    if (world.kernel.s3Available) return;
    if (record.phaseAfter === 'ABSENT' && !world.seamldr.imageAvailable)
      report(offence('no module', 'S3 is gone and no module can ever be loaded'));
    else if (world.hardware.lps.every((lp) => !lp.seamrrValid))
      report(offence('SEAM off', 'S3 is gone and SEAM is off'));
  },
};

export const BOOT_OFFERED_MEANS_SEAM_ENABLED: Always = {
  holds: 'always',
  id: 'boot/offered-means-seam-enabled',
  severity: 'misleading',
  statement: 'The kernel says "BIOS enabled" only where SEAM is enabled.',
  source:
    'github.com/canonical/tdx/issues/33, /102, intel/td-partitioning/issues/1; v11 05/20, 7 Jun 2023 (a lying BIOS)',
  after: ['boot'],
  check: (world, _, report) => {
    if (!world.kernel.platformEnabled) return;
    if (world.hardware.lps.every((lp) => !lp.seamrrValid))
      report(offence('SEAM off', 'TDX is offered, as if BIOS had enabled it; SEAMRR is not valid on any core'));
  },
};
