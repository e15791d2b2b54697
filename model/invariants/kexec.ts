import type { KernelState } from '../kernel/state.ts';
import { EMERALD_RAPIDS, SAPPHIRE_RAPIDS } from '../kernel/steps/linux/detect.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { inOrder, offence } from './look.ts';

/** What the next kernel inherits. */

/** Index in the trace at which the kernel of an event booted: an earlier kernel was judged at its own kexec. */
function bootOf({ records }: World, { kernel }: EventRecord): number {
  for (const record of records) if (record.kind === 'boot' && record.kernel === kernel) return record.from;
  return 0;
}

export const KEXEC_CACHES_ARE_FLUSHED: Always = {
  holds: 'always',
  id: 'kexec/caches-are-flushed',
  severity: 'crash',
  statement: 'Every CPU that made a SEAMCALL executes WBINVD before the next kernel runs.',
  source:
    'v5 21/22 "x86/virt/tdx: Support kexec()"; "x86/virt/tdx: Mark memory cache state incoherent when making SEAMCALL", Kai Huang, 1 Sep 2025 (cache_state_incoherent)',
  after: ['kexec'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done') return;
    const trace = inOrder(world);
    const since = bootOf(world, record);
    for (let lp = 0; lp < world.hardware.lps.length; lp += 1) {
      // A CPU executes WBINVD while it goes offline: hlt_play_dead(), arch/x86/kernel/smpboot.c.
      if (record.kernel.cpus[lp]?.online !== true) continue;
      for (let at = record.to - 1; at >= since; at -= 1) {
        const entry = trace[at];
        if (entry?.kind === 'wbinvd' && (entry.cpu === -1 || entry.cpu === lp)) break;
        // The kernel cannot know about a raw call.
        if (entry?.kind !== 'seamcall' || entry.raw || entry.lp !== lp || entry.trap !== 'none') continue;
        report(offence('', `LP ${lp} made a SEAMCALL and never flushed its caches`, entry));
        return;
      }
    }
  },
};

/** True if the machine has the partial-write erratum, even if the revision does not check for it. Source: check_tdx_erratum(), Linux 6.12. */
function hasErratum({ facts }: KernelState): boolean {
  return facts.cpuModel === SAPPHIRE_RAPIDS || facts.cpuModel === EMERALD_RAPIDS;
}

export const KEXEC_ERRATUM_IS_MINDED: Always = {
  holds: 'always',
  id: 'kexec/erratum-is-minded',
  severity: 'memory',
  statement:
    'On CPUs with the partial-write erratum kexec is refused after TDX has run, unless the PAMTs were reset or the module gave its memory back.',
  source:
    '"x86/kexec: Disable kexec/kdump on platforms with TDX partial write erratum", Kai Huang, 18 Jul 2025 (Linux 6.18); v11 18/20; commit 5b25f249be32 "x86/tdx: Disable the TDX module during kexec and kdump", Linux 7.2',
  after: ['kexec'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || !hasErratum(record.kernel) || record.statusBefore !== 'initialised') return;
    // The module is as it was loaded: it gave all memory back, without poison.
    if (record.phaseAfter === 'PENDING') return;
    for (let at = record.from; at < record.to; at += 1) if (world.trace[at]?.kind === 'reset') return;
    report(offence('initialised', 'private memory is left to the next kernel: a partial write there poisons it'));
  },
};

export const KEXEC_MODULE_IS_NOT_LEFT_OPEN: Always = {
  holds: 'always',
  id: 'kexec/module-is-not-left-open',
  severity: 'tdx-lost',
  statement: 'kexec does not start a new kernel while the module is still initialised by the old one.',
  source: 'v5 22/22, "Kexec()" (the kernel leaves the module in open state)',
  after: ['kexec'],
  needs: ['done'],
  check: (_, record, report) => {
    if (
      record.outcome === 'done' &&
      (record.phaseAfter === 'READY' || record.phaseAfter === 'CONFIG_DONE' || record.phaseAfter === 'SYSINIT_DONE')
    )
      report(offence('', `the new kernel finds the module ${record.phaseAfter}`));
  },
};
