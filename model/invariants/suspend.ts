import { messageNames } from '../kernel/message-subject.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { offence } from './look.ts';
import { isPrinted } from './walk.ts';

/** Sleep states: what they do to TDX, and what TDX does to them. */

const DOCUMENT = 'Documentation/arch/x86/tdx.rst, Linux 6.12, "Interaction vs S3 and deeper states"';

function stateOf({ event }: EventRecord): string {
  return event.kind === 'suspend' ? event.state : '';
}

export const SUSPEND_TDX_ENDS_WITH_ITS_MODULE: Always = {
  holds: 'always',
  id: 'suspend/tdx-ends-with-its-module',
  severity: 'crash',
  statement:
    'After a sleep state that the TDX module does not survive, the kernel no longer treats TDX as initialised, and after S3 no longer offers it.',
  source: DOCUMENT,
  after: ['suspend'],
  needs: ['done'],
  check: (world, record, report) => {
    const { kernel, hardware } = world;
    const state = stateOf(record);
    // Without a module there was nothing to lose.
    if (record.outcome !== 'done' || record.phaseBefore === 'ABSENT' || record.phaseBefore === 'DEAD') return;
    if (kernel.status === 'initialised')
      report(offence(`${state}, initialised`, 'the module is gone, and the kernel still treats TDX as initialised'));
    else if (kernel.status !== 'uninitialised') return;
    else if ((kernel.sysinitDone && kernel.sysinitError === 0) || kernel.cpus.some((cpu) => cpu.lpInitialised))
      report(offence(`${state}, begun`, 'the module is gone, and the kernel still counts its earlier steps as done'));
    else if (kernel.platformEnabled && hardware.lps.every((lp) => !lp.seamrrValid))
      report(offence(`${state}, offered`, 'no SEAMRR is valid any more, and TDX is still offered'));
  },
};

export const SUSPEND_REFUSAL_IS_EXPLAINED: Always = {
  holds: 'always',
  id: 'suspend/refusal-is-explained',
  severity: 'misleading',
  statement: 'If TDX prevents a sleep state, a line says so and says how to get the sleep state back.',
  source: `${DOCUMENT} ("Disable ACPI S3. Turn off TDX in the BIOS to use ACPI S3.")`,
  after: ['suspend'],
  needs: ['said-no'],
  check: (_, record, report) => {
    const { kernel } = record;
    if (record.outcome !== 'refused' || stateOf(record) !== 's3' || !kernel.platformEnabled) return;
    for (const message of kernel.dmesg) if (messageNames(message, 'sleep')) return;
    report(offence('', 'S3 is refused on a machine with TDX, and no line says that TDX is the reason'));
  },
};

export const SUSPEND_REFUSAL_COMES_FIRST: Always = {
  holds: 'always',
  id: 'suspend/refusal-comes-first',
  severity: 'misleading',
  statement: 'A sleep state that cannot be entered is refused before CPUs are taken offline for it.',
  source:
    'acpi_suspend_enter() and acpi_suspend_state_valid(), drivers/acpi/sleep.c, Linux 6.12; suspend_enter(), kernel/power/suspend.c, Linux 6.12',
  after: ['suspend'],
  needs: ['said-no', 'printed'],
  check: (_: World, record, report) => {
    const { kernel } = record;
    if (
      record.outcome === 'refused' &&
      stateOf(record) === 's3' &&
      !kernel.s3Available &&
      (isPrinted(record, 'pm-cpu-up') || isPrinted(record, 'pm-cpu-up-failed'))
    )
      report(offence('', 'every other CPU went offline for an S3 that was disabled at boot'));
  },
};

export const SUSPEND_EVERY_CPU_COMES_BACK: Always = {
  holds: 'always',
  id: 'suspend/every-cpu-comes-back',
  severity: 'part-lost',
  statement: 'A CPU that was taken offline for a sleep state comes back afterwards.',
  source: 'thaw_secondary_cpus(), kernel/cpu.c, Linux 6.12; tdx_online_cpu(), Linux 7.3',
  after: ['suspend'],
  needs: ['printed'],
  check: (_, record, report) => {
    if (isPrinted(record, 'pm-cpu-up-failed')) report(offence(stateOf(record), 'a CPU did not come back'));
  },
};
