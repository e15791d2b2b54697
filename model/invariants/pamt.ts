import { GIB } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import { pamtSize } from '../kernel/tdmr.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { hex, leafName, offence, offenceOf } from './look.ts';
import { justInitialised } from './walk.ts';

/** PAMT memory: who owns it, and what must happen before the owner changes. Ranges in bytes. */

/** Index of the last SEAMCALL of the event before `index`, -1 if there is none. */
function seamcallBefore(world: World, record: EventRecord, index: number): number {
  for (let at = index - 1; at >= record.from; at -= 1) if (world.trace[at]?.kind === 'seamcall') return at;
  return -1;
}

/** True if the event called this leaf (by name) before `index`; `succeeded`: and it returned 0. */
function issuedBefore(world: World, record: EventRecord, index: number, leaf: string, succeeded: boolean): boolean {
  for (let at = record.from; at < index; at += 1) {
    const entry = world.trace[at];
    if (
      entry?.kind === 'seamcall' &&
      !entry.raw &&
      leafName(entry.leaf) === leaf &&
      (!succeeded || (entry.trap === 'none' && entry.rax === 0))
    )
      return true;
  }
  return false;
}

/** True if the module uses a part of [base, base + size) as PAMT: it does not know the PAMTs of a second attempt. */
function isModulesPAMT({ module }: World, base: number, size: number): boolean {
  for (const { pamt1G, pamt2M, pamt4K } of module.tdmrs)
    for (const pamt of [pamt1G, pamt2M, pamt4K])
      if (base < pamt.base + pamt.size && pamt.base < base + size) return true;
  return false;
}

export const PAMT_NOT_FREED_WHILE_READY: Always = {
  holds: 'always',
  id: 'pamt/not-freed-while-ready',
  severity: 'memory',
  statement: 'PAMT memory is returned to the page allocator only when the module can no longer access it.',
  source: 'init_tdx_module() error path, Linux 6.12; tdh_sys_tdmr_init.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['freed-pamt'],
  check: (world, record, report) => {
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'free' || entry.what !== 'c' || entry.phase !== 'READY') continue;
      if (!isModulesPAMT(world, entry.address, entry.bytes)) continue;
      report(
        offence(
          '',
          `the PAMT at ${hex(entry.address)} (${entry.bytes} bytes) is freed while the module is READY and still uses it`,
          entry,
        ),
      );
      return;
    }
  },
};

export const PAMT_NOT_WRITTEN_WHILE_READY: Always = {
  holds: 'always',
  id: 'pamt/not-written-while-ready',
  severity: 'memory',
  statement: 'The host does not write PAMT memory with its own KeyID while the module can still access it.',
  source: 'tdmrs_reset_pamt_all(), Linux 6.12; TDX Module specification, private memory and MK-TME integrity',
  after: ['enable'],
  needs: ['reset'],
  check: (world, record, report) => {
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'reset' || entry.phase !== 'READY' || !isModulesPAMT(world, entry.base, entry.size)) continue;
      report(
        offence(
          '',
          `MOVDIR64B over the PAMT at ${hex(entry.base)} (${entry.size} bytes) while the module is READY`,
          entry,
        ),
      );
      return;
    }
  },
};

export const PAMT_FLUSHED_BEFORE_FREE: Always = {
  holds: 'always',
  id: 'pamt/flushed-before-free',
  severity: 'memory',
  statement:
    'When an initialisation fails after TDH.SYS.CONFIG, every CPU executes WBINVD between its last SEAMCALL and the freeing of a PAMT.',
  source: 'init_tdx_module() error path, Linux 6.12',
  after: ['enable'],
  needs: ['freed-pamt'],
  check: (world, record, report) => {
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'free' || entry.what !== 'c' || !issuedBefore(world, record, index, 'TDH.SYS.CONFIG', true))
        continue;
      let flushed = false;
      for (let at = seamcallBefore(world, record, index) + 1; at < index; at += 1) {
        const between = world.trace[at];
        if (between?.kind === 'wbinvd' && between.cpu === -1) flushed = true;
      }
      if (!flushed) {
        report(offence(entry.phase, `the PAMT at ${hex(entry.address)} is freed without WBINVD on all CPUs`, entry));
        return;
      }
    }
  },
};

export const PAMT_RESET_BEFORE_FREE: Always = {
  holds: 'always',
  id: 'pamt/reset-before-free',
  severity: 'memory',
  statement:
    'On CPUs with the partial-write erratum a PAMT whose key may have been used is rewritten with MOVDIR64B, line by line, before it is freed.',
  source: 'tdmrs_reset_pamt_all(), Linux 6.12; check_tdx_erratum(), Linux 6.12 (X86_BUG_TDX_PW_MCE)',
  after: ['enable'],
  needs: ['freed-pamt'],
  check: (world, record, report) => {
    if (!world.kernel.partialWriteErratum) return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (
        entry?.kind !== 'free' ||
        entry.what !== 'c' ||
        !issuedBefore(world, record, index, 'TDH.SYS.KEY.CONFIG', false)
      )
        continue;
      let covered = entry.address;
      for (let at = record.from; at < index; at += 1) {
        const reset = world.trace[at];
        if (reset?.kind === 'reset' && reset.base <= covered && covered < reset.base + reset.size)
          covered = reset.base + reset.size;
      }
      if (covered < entry.address + entry.bytes) {
        report(
          offence(
            entry.phase,
            `the PAMT at ${hex(entry.address)} is freed with lines from ${hex(covered)} on never reset`,
            entry,
          ),
        );
        return;
      }
    }
  },
};

export const PAMT_FLUSHED_BEFORE_KEY_CONFIG: Always = {
  holds: 'always',
  id: 'pamt/flushed-before-key-config',
  severity: 'memory',
  statement: 'All CPUs execute WBINVD between the allocation of the PAMTs and the first TDH.SYS.KEY.CONFIG.',
  source: 'init_tdx_module(), Linux 6.12; v8 13/16',
  after: ['enable'],
  needs: ['leaf-key-config'],
  check: (world, record, report) => {
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw || leafName(entry.leaf) !== 'TDH.SYS.KEY.CONFIG') continue;
      for (let at = index - 1; at >= 0; at -= 1) {
        const before = world.trace[at];
        if (before?.kind === 'wbinvd' && before.cpu === -1) break;
        if (before?.kind === 'alloc' && before.what === 'c') {
          report(
            offenceOf(
              entry,
              `the PAMT at ${hex(before.address)} may still have dirty lines when the key is programmed`,
            ),
          );
          break;
        }
      }
      return;
    }
  },
};

export const PAMT_SIZE: Always = {
  holds: 'always',
  id: 'pamt/size',
  severity: 'tdx-lost',
  statement:
    'After a successful initialisation each TDMR has three PAMTs of at least entries x entry size, in one 4 KiB aligned block.',
  source: 'tdmr_get_pamt_sz(), Linux 6.12; TDX Module ABI specification, TDMR_INFO',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    for (let index = 0; index < world.kernel.tdmrCount; index += 1) {
      const tdmr = world.kernel.tdmrs[index];
      if (tdmr === undefined) continue;
      const { base, size, pamtBase, pamt4K, pamt2M, pamt1G } = tdmr;
      if (
        !isAligned(pamtBase, PAGE_4K) ||
        pamt4K < (size / PAGE_4K) * 16 ||
        pamt2M < (size / 2 ** 21) * 16 ||
        pamt1G < (size / GIB) * 16
      )
        report(
          offence(
            'initialised',
            `TDMR at ${hex(base)}: PAMTs of ${pamt4K}, ${pamt2M} and ${pamt1G} bytes at ${hex(pamtBase)} for ${size} bytes`,
          ),
        );
    }
  },
};

export const PAMT_DISJOINT: Always = {
  holds: 'always',
  id: 'pamt/disjoint',
  severity: 'crash',
  statement:
    'After a successful initialisation no two PAMTs overlap, and none lies in a part of a TDMR that is not reserved.',
  source: 'tdh_sys_config.c, TDX module 1.5.01; tdmr_populate_rsvd_pamts(), Linux 6.12',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    const { tdmrs, tdmrCount } = world.kernel;
    for (let index = 0; index < tdmrCount; index += 1) {
      const owner = tdmrs[index];
      if (owner === undefined) continue;
      const start = owner.pamtBase;
      const end = start + pamtSize(owner);
      for (let at = 0; at < tdmrCount; at += 1) {
        const other = tdmrs[at];
        if (other === undefined) continue;
        if (at > index && start < other.pamtBase + pamtSize(other) && other.pamtBase < end)
          report(offence('initialised', `the PAMTs at ${hex(start)} and ${hex(other.pamtBase)} overlap`));
        // Whatever of the PAMT is inside this TDMR must be covered by its reserved areas, which ascend.
        const stop = end < other.base + other.size ? end : other.base + other.size;
        let covered = start > other.base ? start : other.base;
        for (const area of other.reserved) {
          const areaBase = other.base + area.offset;
          if (areaBase <= covered && covered < areaBase + area.size) covered = areaBase + area.size;
        }
        if (covered < stop)
          report(
            offence('initialised', `the PAMT at ${hex(start)} lies in usable memory of the TDMR at ${hex(other.base)}`),
          );
      }
    }
  },
};
