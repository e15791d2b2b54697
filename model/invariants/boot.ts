import type { Always } from './invariant.ts';
import { offence } from './look.ts';

/** What the kernel concludes from the platform at boot, and what it disables for that. */

export const BOOT_HIBERNATION_EXCLUDES_TDX: Always = {
  holds: 'always',
  id: 'boot/hibernation-excludes-tdx',
  severity: 'crash',
  statement: 'TDX is not offered if hibernation is available, and S3 is disabled if TDX runs.',
  source: 'tdx_init(), Linux 6.12',
  after: ['boot', 'enable'],
  check: (world, _, report) => {
    if (!world.kernel.platformEnabled) return;
    if (world.platform.hibernation) report(offence('hibernation', 'TDX is offered although hibernation is available'));
    if (world.kernel.s3Available && world.kernel.status === 'initialised')
      report(offence('S3', 'TDX runs, and S3 is still offered'));
  },
};

export const BOOT_S3_IS_NOT_LOST_FOR_NOTHING: Always = {
  holds: 'always',
  id: 'boot/s3-is-not-lost-for-nothing',
  severity: 'part-lost',
  statement: 'A machine that cannot run TDX (no module, SEAM off) keeps ACPI S3.',
  source: 'tdx_init(), Linux 6.12 (S3 is disabled as soon as KeyIDs are seen)',
  after: ['boot'],
  check: (world, record, report) => {
    if (world.kernel.s3Available) return;
    if (record.phaseAfter === 'ABSENT' && !world.seamldr.imageAvailable)
      report(offence('no module', 'S3 is disabled, and no module can ever be loaded'));
    else if (world.hardware.lps.every((lp) => !lp.seamrrValid))
      report(offence('SEAM off', 'S3 is disabled, and SEAM is off'));
  },
};

export const BOOT_OFFERED_MEANS_SEAM_ENABLED: Always = {
  holds: 'always',
  id: 'boot/offered-means-seam-enabled',
  severity: 'misleading',
  statement: 'The kernel prints "BIOS enabled" only if SEAM is enabled.',
  source:
    'github.com/canonical/tdx/issues/33 and /102; github.com/intel/td-partitioning/issues/1; v11 05/20, Kai Huang, 7 Jun 2023 (a lying BIOS)',
  after: ['boot'],
  check: (world, _, report) => {
    if (!world.kernel.platformEnabled) return;
    if (world.hardware.lps.every((lp) => !lp.seamrrValid))
      report(offence('SEAM off', 'TDX is offered, as if BIOS had enabled it; SEAMRR is not valid on any core'));
  },
};
