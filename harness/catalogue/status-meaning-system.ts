import type { StatusMeaning } from './meaning.ts';

/** Statuses of system initialisation and update: a leaf came at a point where the module does not accept it. */
export const SYSTEM_STATUSES = {
  TDX_SYS_INIT_NOT_PENDING: {
    meaning: 'TDH.SYS.INIT has succeeded before, and cannot be made again.',
    details: null,
    causes: ['A second kernel (kexec, kdump) finds the module that the first one initialised (inferred).'],
    remedy: 'Reset the machine, or load the module anew.',
  },
  TDX_SYS_LP_INIT_NOT_DONE: {
    meaning: 'The LP that makes the call has not run TDH.SYS.LP.INIT.',
    details: null,
    causes: ['TDH.SYS.INFO, TDH.SYS.RD or TDH.SYS.RDALL on a CPU that TDX was not brought up on; no other leaf asks.'],
    remedy: 'Run TDH.SYS.LP.INIT on that CPU first, or make the call on another one.',
  },
  TDX_SYS_LP_INIT_DONE: {
    meaning: 'TDH.SYS.LP.INIT has run on this LP already.',
    details: null,
    causes: ['The call is made twice on one LP, for instance again after it was offline and online.'],
    remedy: 'None is needed: the LP is initialised.',
  },
  TDX_SYS_NOT_READY: {
    meaning: 'The leaf needs a module whose initialisation is complete, and it is not.',
    details: null,
    causes: [
      'From TDH.SYS.RD (0x22): a module as old as 1.0 does not answer it this early; the kernel needs 1.5 (https://github.com/canonical/tdx/issues/83, https://github.com/canonical/tdx/issues/331).',
      'From TDH.SYS.TDMR.INIT (0x24): TDH.SYS.KEY.CONFIG has not run on every package that MCHECK counted; one has no online CPU.',
      'From leaf 254: a production module refuses the debug configuration; harmless.',
      'From TDH.SYS.SHUTDOWN (0x34): an update failed before, and left the new module without TDs.',
    ],
    remedy:
      'From TDH.SYS.RD: load module 1.5.01 or later. From TDH.SYS.TDMR.INIT: boot with a CPU of every package online.',
  },
  TDX_SYS_SHUTDOWN: {
    meaning: 'The module was shut down; no leaf but TDH.SYS.LP.SHUTDOWN succeeds until it is loaded anew.',
    details: null,
    causes: [
      'TDH.SYS.SHUTDOWN has run.',
      'From TDH.SYS.RD (0x22) during an update: an attempt before failed after the shutdown, and the kernel begins anew.',
    ],
    remedy: 'Install a module image (SEAMLDR.INSTALL), or reset the machine.',
  },
  TDX_SYS_KEY_CONFIG_NOT_PENDING: {
    meaning: 'TDH.SYS.KEY.CONFIG comes before TDH.SYS.CONFIG, or after the last package made the module READY.',
    details: null,
    causes: ['The call is made twice on the package that comes last, or after an update, which needs no key.'],
    remedy: null,
  },
  TDX_SYS_STATE_INCORRECT: {
    meaning: 'TDH.SYS.UPDATE does not come right after the initialisation of every LP.',
    details: null,
    causes: [
      'An LP that MCHECK counted has not run TDH.SYS.LP.INIT on the new module.',
      'TDH.SYS.CONFIG or TDH.SYS.UPDATE has succeeded before.',
    ],
    remedy: 'Run TDH.SYS.INIT, then TDH.SYS.LP.INIT on every LP, then TDH.SYS.UPDATE.',
  },
  TDX_SYS_INVALID_HANDOFF: {
    meaning: 'The handoff data of the previous module is missing or cannot be read.',
    details: null,
    causes: [
      'No TDH.SYS.SHUTDOWN ran before the load, or the data was taken over already.',
      'Downgrade from 1.5.24 or later: earlier releases do not read handoff version 1.',
    ],
    remedy: 'Install another image, which keeps the TDs, or run TDH.SYS.CONFIG, which loses them.',
  },
  TDX_SYS_INCOMPATIBLE_SIGSTRUCT: {
    meaning: 'The handoff fields of the signature structure do not fit the code of the module.',
    details: null,
    causes: ['The loader was given another handoff version (MODULE_HV), or fewer than 14 handoff pages.'],
    remedy: 'Load the image with the signature structure that it was released with.',
  },
  TDX_SYS_LP_INIT_NOT_PENDING: {
    meaning: 'TDH.SYS.LP.INIT comes before TDH.SYS.INIT or after TDH.SYS.CONFIG.',
    details: null,
    causes: ['A CPU that was offline during initialisation comes online later.'],
    remedy: 'None until the next boot: this LP cannot run TDX, and Linux 6.16 and later keep it offline.',
  },
  TDX_SYS_CONFIG_NOT_PENDING: {
    meaning: 'TDH.SYS.CONFIG comes before every LP is initialised, or a second time.',
    details: null,
    causes: [
      'An LP that BIOS enabled (MCHECK counted it) has not run TDH.SYS.LP.INIT: it is offline, or kept off by nosmt, maxcpus or nr_cpus.',
      'TDH.SYS.CONFIG or TDH.SYS.UPDATE has succeeded before.',
    ],
    remedy: 'Boot without nosmt, maxcpus and nr_cpus, with all CPUs online; turn SMT off in BIOS instead.',
  },
  TDX_INCOMPATIBLE_SEAM_CAPABILITIES: {
    meaning: 'SEAMOPS lacks a capability, or this LP has other ones than the LP that ran TDH.SYS.INIT.',
    details: null,
    causes: [
      'From TDH.SYS.INIT: the CPU does not offer SEAMREPORT or SEAMDB.',
      'From TDH.SYS.LP.INIT: CPUs have different microcode.',
    ],
    remedy: 'Update BIOS and microcode.',
  },
} as const satisfies Readonly<Record<string, StatusMeaning>>;
