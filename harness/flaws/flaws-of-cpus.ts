import type { Flaw } from './flaw.ts';
import { INITIALISED_BY_ANOTHER, V8_STOPS } from './not-applicable.ts';

const KEY_ON_A_NEW_PACKAGE =
  'the list has the objection only; a CPU that comes in a package of its own runs TDH.SYS.KEY.CONFIG like any other';

/** Flaws about CPUs and packages: who must be online, who is looked at, who is named. */
export const FLAWS_OF_CPUS: readonly Flaw[] = [
  {
    number: 1,
    name: 'nosmt costs TDX',
    severity: 'tdx-lost',
    statement:
      'Initialisation requires every LP that MCHECK counted; with `nosmt` the sibling threads cannot run code, so initialisation fails.',
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
      'The kernel-doc says that all online CPUs suffice; the module requires TDH.SYS.LP.INIT on every LP that MCHECK counted.',
    source: 'tdx_enable() kernel-doc, Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
    shownBy: ['lp/offline-lp-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_SYS_CONFIG_NOT_PENDING|offline'],
    notApplicable: { v5: 'its contract demands all LPs online', v8: V8_STOPS },
    said: ['6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v7: 'its check covers present CPUs; MCHECK still counts one that ACPI removed, and TDH.SYS.CONFIG is refused',
      v11: 'the list says 6.8 on; v11 has the same contract ("all online CPUs") and the same refused TDH.SYS.CONFIG',
    },
  },
  {
    number: 3,
    name: 'an LP that comes late',
    severity: 'part-lost',
    statement:
      'The module refuses TDH.SYS.LP.INIT once TDH.SYS.CONFIG has succeeded; the kernel still calls it on a CPU that first comes online afterwards.',
    source: 'tdh_sys_lp_init.c, TDX module 1.5.01; tdx_cpu_enable(), Linux 6.12',
    shownBy: ['lp/late-lp-is-not-sent-to-the-module'],
    notApplicable: {
      v5: 'no entry point brings up a single CPU',
      v7: 'no entry point brings up a single CPU',
      v8: 'no entry point brings up a single CPU',
    },
    said: ['6.17', '7.3'],
    differences: {
      v11: 'the list dates it by its first user in the tree (6.16); every revision with that entry point behaves this way',
      '6.12':
        'the list dates it by its first user in the tree (6.16); every revision with that entry point behaves this way',
      '6.12-cmr':
        'the list dates it by its first user in the tree (6.16); every revision with that entry point behaves this way',
    },
  },
  {
    number: 4,
    name: 'the package without CPU is never named',
    severity: 'misleading',
    statement:
      'A package with no online CPU is skipped; a later leaf fails, or "offline CPU(s)" is printed; no line names the package.',
    source: 'v8 13/16, Dave Hansen and Kai Huang, 10 Jan 2023; config_global_keyid(), Linux 6.12',
    shownBy: ['naming/package-without-cpu-is-named'],
    notApplicable: { v8: V8_STOPS },
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v5: 'it refuses to start with any CPU offline, also a whole package, and its line names no CPU and no package',
      v7: 'as v5',
    },
  },
  {
    number: 5,
    name: 'what the caller guarantees',
    severity: 'tdx-lost',
    statement:
      'The core code relies on its caller for an online CPU in every package; the only caller does not check, and TDH.SYS.CONFIG is called while a package has none.',
    source: 'v8 13/16, Dave Hansen, 10 Jan 2023',
    shownBy: ['flow/every-package-is-looked-at-first'],
    notApplicable: { v5: 'it checks that all CPUs are online', v8: V8_STOPS },
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v7: 'it checks that all CPUs it knows are online; a CPU that ACPI has removed is not among them',
    },
  },
  {
    number: 33,
    name: 'LPs that MCHECK never saw',
    severity: 'tdx-lost',
    statement: 'A hot-added CPU should only be unusable for TDX; instead it makes initialisation fail.',
    source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022',
    shownBy: ['lp/uncounted-lp-does-not-cost-tdx'],
    notApplicable: {},
    said: [],
    differences: {
      v7: 'the list has the objection only; in v7 it can be shown, as nothing refuses a hot-added CPU',
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
    statement:
      'On any error TDH.SYS.LP.SHUTDOWN is called on every CPU; it reclaims nothing and prevents the next attempt.',
    source: 'v7 06/20, Sean Christopherson, 22 Nov 2022',
    shownBy: ['flow/no-useless-shutdown'],
    notApplicable: {},
    said: ['v5', 'v7'],
    differences: {},
  },
  {
    number: 68,
    name: 'the LP that blocks is not named',
    severity: 'misleading',
    statement: 'An LP is offline or never ran TDH.SYS.LP.INIT, and no line names it.',
    source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022; recording 6.12-demos, line 26',
    shownBy: ['naming/lp-that-blocks-init-is-named'],
    notApplicable: { v8: V8_STOPS },
    said: ['v5', 'v7', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
];
