import type { MetadataField } from '../abi/metadata-field.ts';
import { MAX_VCPUS_PER_TD, METADATA_FIELDS_1_5_01 } from '../abi/metadata-field.ts';
import type { FieldTable } from './field-table.ts';
import { createFieldTable } from './field-table.ts';
import type { Leaf } from './leaf.ts';
import { TDH_SYS_DISABLE } from './leaves/tdh-sys-disable.ts';
import { TDH_SYS_RD } from './leaves/tdh-sys-rd.ts';
import { TDH_SYS_RDALL } from './leaves/tdh-sys-rdall.ts';
import { TDH_SYS_SHUTDOWN } from './leaves/tdh-sys-shutdown.ts';
import { TDH_SYS_UPDATE } from './leaves/tdh-sys-update.ts';

/**
 * A release of the TDX module as data: what it has, what it prints, where its rules differ. Code asks the record, never
 * for a version.
 */
export interface Release {
  readonly name: string;
  readonly build: Build;
  /** Leaves of 1.5.01 that it does not have. */
  readonly absentLeaves: readonly Leaf[];
  /** Leaves that 1.5.01 does not have. */
  readonly addedLeaves: readonly Leaf[];
  /** True: reserved and version bits of RAX are refused in every state. False: the whole of RAX is the leaf number. */
  readonly checksRAXFormat: boolean;
  /** What TDH.SYS.CONFIG and TDH.SYS.UPDATE wait for. */
  readonly configWaitsFor: 'every-lp' | 'one-lp-per-package';
  /** TDSYSINFO_STRUCT.SYS_RD: metadata should be read through TDH.SYS.RD. */
  readonly sysRd: 0 | 1;
  readonly fields: FieldTable;
  /** Calls may come back with RBP changed: TDX_FEATURES0 does not have NO_RBP_MOD. */
  readonly clobbersRBP: boolean;
  /** 4 KiB PAMT entries one TDH.SYS.TDMR.INIT initialises. */
  readonly tdmrInitPages: number;
  /** Where the values come from, and what in them is inferred. */
  readonly source: string;
}

/** Build values, as TDH.SYS.INFO and TDH.SYS.RD print them. `date` is decimal YYYYMMDD. */
export interface Build {
  readonly date: number;
  readonly num: number;
  readonly major: number;
  readonly minor: number;
  readonly update: number;
  readonly internal: number;
}

const FIELDS_1_5_01 = createFieldTable(METADATA_FIELDS_1_5_01);
const FIELDS_LATER = createFieldTable(insertAfter(METADATA_FIELDS_1_5_01, 'CONFIG_FLAGS_FIXED1', MAX_VCPUS_PER_TD));

const RELEASE_1_5_01: Release = {
  name: '1.5.01',
  build: { date: 20231008, num: 595, major: 1, minor: 5, update: 1, internal: 0 },
  absentLeaves: [],
  addedLeaves: [],
  checksRAXFormat: true,
  configWaitsFor: 'every-lp',
  sysRd: 1,
  fields: FIELDS_1_5_01,
  clobbersRBP: false,
  tdmrInitPages: 1024,
  source:
    'recording module-1.5.01 (rules); https://github.com/intel/confidential-computing.tdx.tdx-module/releases (1.5.01: build 595 of 20231008)',
};

/** Every release, by name. */
export const RELEASES = {
  '1.0': {
    ...RELEASE_1_5_01,
    name: '1.0',
    build: { date: 20230206, num: 457, major: 1, minor: 0, update: 0, internal: 0 },
    absentLeaves: [TDH_SYS_RD, TDH_SYS_RDALL, TDH_SYS_SHUTDOWN, TDH_SYS_UPDATE],
    checksRAXFormat: false,
    sysRd: 0,
    source:
      'github.com/canonical/tdx/issues/331 and /83 (build 457: TDH.SYS.RD before READY is TDX_SYS_NOT_READY); TDX Module 1.0 specification (no TDH.SYS.RD, RDALL, SHUTDOWN, UPDATE, no check of the RAX format; the rest is inferred from 1.5.01)',
  },
  '1.5.01': RELEASE_1_5_01,
  '1.5.01-recorded': {
    ...RELEASE_1_5_01,
    name: '1.5.01-recorded',
    build: { date: 20240407, num: 744, major: 1, minor: 5, update: 1, internal: 0 },
    source: 'recording module-1.5.01 (the source of 1.5.01, built with the values of the recording)',
  },
  later: {
    ...RELEASE_1_5_01,
    name: 'later',
    build: { date: 20240725, num: 784, major: 1, minor: 5, update: 8, internal: 0 },
    fields: FIELDS_LATER,
    source:
      'get_tdx_sys_info_td_conf(), Linux 6.17 and Linux 7.3 (a module that has every field they read: those of 1.5.01 and MAX_VCPUS_PER_TD, whose value 576 is inferred; build of 1.5.08)',
  },
  'sys-disable': {
    ...RELEASE_1_5_01,
    name: 'sys-disable',
    fields: FIELDS_LATER,
    addedLeaves: [TDH_SYS_DISABLE],
    source:
      'commit 5b25f249be32 "x86/tdx: Disable the TDX module during kexec and kdump", Linux 7.2 (what TDH.SYS.DISABLE does, and that coming modules have it; the rest is `later` with the build of 1.5.01)',
  },
  'clobbers-rbp': {
    ...RELEASE_1_5_01,
    name: 'clobbers-rbp',
    fields: FIELDS_LATER,
    clobbersRBP: true,
    source:
      'check_features(), Linux 6.17 (refuses a module without NO_RBP_MOD; this one has every field otherwise); "x86/kvm/tdx: Save %rbp in TDX_MODULE_CALL", Jürgen Groß, 24 May 2024 (which builds clobber RBP is not stated)',
  },
  'per-package': {
    ...RELEASE_1_5_01,
    name: 'per-package',
    configWaitsFor: 'one-lp-per-package',
    source:
      'v7 04/20, Thomas Gleixner, 23 Nov 2022 (counterfactual: the module the discussion asks for, whose TDH.SYS.CONFIG needs one initialised LP per package only)',
  },
} as const satisfies Record<string, Release>;

export type ReleaseName = keyof typeof RELEASES;

function insertAfter(fields: readonly MetadataField[], name: string, added: MetadataField): readonly MetadataField[] {
  const index = fields.findIndex((field) => field.name === name) + 1;
  return [...fields.slice(0, index), added, ...fields.slice(index)];
}
