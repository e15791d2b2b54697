import type { Flaw } from './flaw.ts';
import { INITIALISED_BY_ANOTHER, V8_STOPS } from './not-applicable.ts';

const KEY_ON_A_NEW_PACKAGE =
  'the page has the objection only; one that comes in a package of its own is asked for TDH.SYS.KEY.CONFIG like any other';

/** Flaws about CPUs and packages: who must be online, who is looked at, who is named. */
export const FLAWS_OF_CPUS: readonly Flaw[] = [
  {
    number: 1,
    name: 'nosmt costs TDX',
    severity: 'tdx-lost',
    statement:
      'Initialisation wants every LP that MCHECK counted; with `nosmt` the siblings cannot run a single instruction, so TDX fails hard.',
    source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022; tdh_sys_config.c, TDX module 1.5.01',
    shownBy: [
      'lp/offline-lp-does-not-cost-tdx|nosmt',
      'lp/offline-lp-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_SYS_CONFIG_NOT_PENDING|nosmt',
    ],
    notApplicable: { v8: V8_STOPS },
    said: ['v5', 'v7', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
  {
    number: 2,
    name: 'online CPUs are said to suffice',
    severity: 'tdx-lost',
    statement:
      'The contract says that CPUs that are online suffice; the module wants all that MCHECK counted to have run TDH.SYS.LP.INIT.',
    source: 'tdx_enable() kernel-doc, Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
    shownBy: ['lp/offline-lp-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_SYS_CONFIG_NOT_PENDING|offline'],
    notApplicable: { v5: 'its contract demands all LPs online', v8: V8_STOPS },
    said: ['6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v7: 'its check covers CPUs that are present; one that ACPI removed is still counted by MCHECK, and TDH.SYS.CONFIG is refused',
      v11: 'the page says 6.8 on; v11 has the same contract ("all online CPUs") and the same refused TDH.SYS.CONFIG',
    },
  },
  {
    number: 3,
    name: 'an LP that comes late',
    severity: 'part-lost',
    statement:
      'TDH.SYS.LP.INIT is refused once TDH.SYS.CONFIG has succeeded; a CPU that first comes online afterwards is sent to the module all the same.',
    source: 'tdh_sys_lp_init.c, TDX module 1.5.01; tdx_cpu_enable(), Linux 6.12',
    shownBy: ['lp/late-lp-is-not-sent-to-the-module'],
    notApplicable: {
      v5: 'no entry point brings up a single CPU',
      v7: 'no entry point brings up a single CPU',
      v8: 'no entry point brings up a single CPU',
    },
    said: ['6.17', '7.3'],
    differences: {
      v11: 'the page dates it by its first user in the tree (6.16); the entry point behaves so in every revision that has one',
      '6.12':
        'the page dates it by its first user in the tree (6.16); the entry point behaves so in every revision that has one',
      '6.12-cmr':
        'the page dates it by its first user in the tree (6.16); the entry point behaves so in every revision that has one',
    },
  },
  {
    number: 4,
    name: 'the package without CPU is never named',
    severity: 'misleading',
    statement:
      'A package with no online CPU is skipped and shows later, as another refused leaf or as "offline CPU(s)"; no line names the package.',
    source: 'v8 13/16, Dave Hansen and Kai Huang, 10 Jan 2023; config_global_keyid(), Linux 6.12',
    shownBy: ['naming/package-without-cpu-is-named'],
    notApplicable: { v8: V8_STOPS },
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v5: 'it refuses to begin with any CPU offline, a whole package among them, and its line names no CPU and no package',
      v7: 'as v5',
    },
  },
  {
    number: 5,
    name: 'what the caller guarantees',
    severity: 'tdx-lost',
    statement:
      'The core says that its caller guarantees a CPU in every package; the only caller does not look, and TDH.SYS.CONFIG is issued with a package dark.',
    source: 'v8 13/16, Dave Hansen, 10 Jan 2023',
    shownBy: ['flow/every-package-is-looked-at-first'],
    notApplicable: { v5: 'it checks that all CPUs are online', v8: V8_STOPS },
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v7: 'it checks that all CPUs it knows are online; one that ACPI has taken out of the machine is not among them',
    },
  },
  {
    number: 33,
    name: 'LPs that MCHECK never saw',
    severity: 'tdx-lost',
    statement: 'A hot-added CPU should merely be useless for TDX; here it makes initialisation fail.',
    source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022',
    shownBy: ['lp/uncounted-lp-does-not-cost-tdx'],
    notApplicable: {},
    said: [],
    differences: {
      v7: 'the page has the objection only; in v7 it can be shown, as nothing turns a hot-added CPU away',
      v8: INITIALISED_BY_ANOTHER,
      v11: KEY_ON_A_NEW_PACKAGE,
      '6.12': KEY_ON_A_NEW_PACKAGE,
      '6.12-cmr': KEY_ON_A_NEW_PACKAGE,
      '6.17': KEY_ON_A_NEW_PACKAGE,
    },
  },
  {
    number: 34,
    name: 'shutting LPs down is of no use',
    severity: 'tdx-lost',
    statement: 'On any error TDH.SYS.LP.SHUTDOWN runs everywhere: it reclaims nothing and bars the next attempt.',
    source: 'v7 06/20 review, Sean Christopherson, 22 Nov 2022 (lkml 2022/11/22/1100)',
    shownBy: ['flow/no-useless-shutdown'],
    notApplicable: {},
    said: ['v5', 'v7'],
    differences: {},
  },
  {
    number: 68,
    name: 'the LP that blocks is not named',
    severity: 'misleading',
    statement: 'Some LP is offline or never ran TDH.SYS.LP.INIT, and nothing tells which.',
    source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022; recording 6.12-demos, line 26',
    shownBy: ['naming/lp-that-blocks-init-is-named'],
    notApplicable: { v8: V8_STOPS },
    said: ['v5', 'v7', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
];
