import type { Message } from '../kernel/message.ts';
import { isConvertible } from '../platform/cmr.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { hex, leafName, offence } from './look.ts';

/**
 * The table of CMRs in a kernel that reads it with TDH.SYS.INFO (v5 to v11). The question of 23 Nov 2022: MCHECK has
 * verified the table, so what can break it, and what should the kernel do about it? Addresses in bytes.
 */

/** Lines that show one entry of the table; arguments: base and end. */
function showsCMR({ id }: Message): boolean {
  return id === 'v5-bios-cmr' || id === 'v5-checked-cmr' || id === 'v8-cmr';
}

/** True if the kernel got a table in this event. */
function gotTable(world: World, record: EventRecord): boolean {
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (
      entry?.kind === 'seamcall' &&
      !entry.raw &&
      entry.trap === 'none' &&
      entry.rax === 0 &&
      leafName(entry.leaf) === 'TDH.SYS.INFO'
    )
      return true;
  }
  return false;
}

/** Why the kernel's view of the table and the module's differ, as far as the machine tells. */
function causeOf({ platform, brokenCMREntries }: World): string {
  if (brokenCMREntries.length > 0) return 'copy broken';
  let empty = false;
  for (const { size } of platform.cmrs) {
    if (size === 0) empty = true;
    else if (empty) return 'hole in the table';
  }
  return 'touching CMRs';
}

export const CMR_CONVERTIBLE_MEMORY_IS_NOT_REFUSED: Always = {
  holds: 'always',
  id: 'cmr/convertible-memory-is-not-refused',
  severity: 'tdx-lost',
  statement:
    "The kernel does not refuse memory as not convertible, or the whole table, if the module's CMRs cover that memory.",
  source:
    'v7 09/20, Dave Hansen, 23 Nov 2022 (empty entries, who might break the table); v7 10/20, Dave Hansen, 22 Nov 2022 (CMRs that touch)',
  after: ['enable'],
  needs: ['printed'],
  check: (world, record, report) => {
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message?.id === 'v5-cmr-hole')
        report(
          offence(
            causeOf(world),
            'initialisation fails because an empty entry precedes a valid one; the module ignores the empty one',
          ),
        );
      if (message?.id !== 'v5-not-convertible' && message?.id !== 'v7-not-convertible') continue;
      const { a, b } = message;
      if (typeof a !== 'number' || typeof b !== 'number' || !isConvertible(world.platform.cmrs, a, b)) continue;
      report(offence(causeOf(world), `[${hex(a)}, ${hex(b)}) is convertible and refused`));
    }
  },
};

export const CMR_REFUSED_TABLE_IS_SHOWN: Always = {
  holds: 'always',
  id: 'cmr/refused-table-is-shown',
  severity: 'misleading',
  statement: 'A refused table of CMRs is printed, whichever of its entries is wrong.',
  source: 'v7 09/20, Dave Hansen, 23 Nov 2022 (the first entry has checks of its own)',
  after: ['enable'],
  needs: ['printed'],
  check: (_, record, report) => {
    let refused = false;
    let shown = false;
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message === undefined) continue;
      if (message.id === 'v7-cmrs-broken' || message.id === 'v5-no-cmr' || message.id === 'v5-cmrs-not-ascending')
        refused = true;
      if (showsCMR(message)) shown = true;
    }
    if (refused && !shown)
      report(offence('first entry', 'the table is reported as broken, and none of its entries is printed'));
  },
};

export const CMR_NO_EMPTY_ENTRY_IS_SHOWN: Always = {
  holds: 'always',
  id: 'cmr/no-empty-entry-is-shown',
  severity: 'cosmetic',
  statement: 'Lines that print CMRs print regions, not the empty entries that fill the table up to 32.',
  source:
    'v7 09/20, Kai Huang, 23 Nov 2022 (R9 is the number of entries, not of CMRs); tdh_sys_info.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['printed'],
  check: (_, record, report) => {
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message === undefined || !showsCMR(message) || message.a !== message.b) continue;
      report(offence('', `a CMR [${hex(message.a)}, ${hex(message.b)}) is printed: R9 was used as the count`));
      return;
    }
  },
};

export const CMR_NO_ENTRY_IS_DROPPED: Always = {
  holds: 'always',
  id: 'cmr/no-entry-is-dropped',
  severity: 'tdx-lost',
  statement: 'CMRs after an empty entry are printed like the others, or the table is refused with a line.',
  source: 'v7 09/20, Dave Hansen, 23 Nov 2022 (what of a valid entry after an empty one?)',
  after: ['enable'],
  needs: ['leaf-info'],
  check: (world, record, report) => {
    // If the crash of another thread ended the event early, it may not have reached the table.
    if (!gotTable(world, record) || record.kernel.crash !== null) return;
    let shown = 0;
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message === undefined) continue;
      if (message.id === 'v5-cmr-hole' || message.id === 'v7-cmrs-broken' || message.id === 'v5-no-cmr') return;
      if (showsCMR(message)) shown += 1;
    }
    let there = 0;
    for (const { size } of world.platform.cmrs) if (size > 0) there += 1;
    if (shown < there && causeOf(world) === 'hole in the table')
      report(
        offence(
          'hole in the table',
          `${there} CMRs in the table, ${shown} printed: those after an empty entry are dropped`,
        ),
      );
  },
};

export const CMR_BROKEN_COPY_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'cmr/broken-copy-does-not-cost-tdx',
  severity: 'tdx-lost',
  statement:
    "Damage to the kernel's copy of the CMR table does not make initialisation fail: the module checks against its own table.",
  source: 'v7 09/20, Dave Hansen, 23 Nov 2022 ("who might break it?"); v8 06/16 (all checks dropped)',
  after: ['enable'],
  needs: ['errno', 'printed'],
  check: (world, record, report) => {
    if (world.brokenCMREntries.length === 0 || record.errno === 0) return;
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const id = record.kernel.dmesg[index]?.id;
      if (
        id === 'v5-cmr-hole' ||
        id === 'v5-no-cmr' ||
        id === 'v5-cmrs-not-ascending' ||
        id === 'v7-cmrs-broken' ||
        id === 'v5-not-convertible' ||
        id === 'v7-not-convertible'
      ) {
        report(
          offence('', 'initialisation fails because of a buffer that was damaged after TDH.SYS.INFO had filled it'),
        );
        return;
      }
    }
  },
};
