import type { Always } from './invariant.ts';
import { hex, isUndisturbed, offence } from './look.ts';
import { justInitialised } from './walk.ts';

/** The kernel and the module each keep a record of what was done to the module; the two agree. */

export const LEDGER_INITIALISED_LPS_AGREE: Always = {
  holds: 'always',
  id: 'ledger/initialised-lps-agree',
  severity: 'tdx-lost',
  statement: 'Between events, kernel and module agree on which LPs have run TDH.SYS.LP.INIT.',
  source: 'tdx_cpu_enable() (tdx_lp_initialized), Linux 6.12; tdh_sys_lp_init.c, TDX module 1.5.01',
  after: 'all',
  needs: ['traced'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || record.from === record.to) return;
    const { cpus } = world.kernel;
    for (let lp = 0; lp < cpus.length; lp += 1) {
      const kernel = cpus[lp]?.lpInitialised === true;
      const module = world.module.lps[lp]?.initialised === true;
      if (kernel !== module)
        report(
          offence(
            kernel ? 'kernel only' : 'module only',
            `LP ${lp} has run TDH.SYS.LP.INIT: ${kernel} for the kernel, ${module} for the module`,
          ),
        );
    }
  },
};

export const LEDGER_INITIALISED_MEANS_READY: Always = {
  holds: 'always',
  id: 'ledger/initialised-means-ready',
  severity: 'tdx-lost',
  statement:
    'When the kernel reports TDX as initialised, the module is READY and every TDMR is initialised to its end.',
  source: 'init_tdmrs(), Linux 6.12; tdh_sys_tdmr_init.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record) || !isUndisturbed(world)) return;
    if (world.module.phase !== 'READY')
      report(offence(world.module.phase, `the kernel reports TDX as initialised, the module is ${world.module.phase}`));
    for (const { base, size, initialised } of world.module.tdmrs)
      if (initialised < size)
        report(offence('TDMR', `the TDMR at ${hex(base)} is initialised up to ${initialised} of ${size} bytes`));
  },
};

export const LEDGER_TDMRS_AGREE: Always = {
  holds: 'always',
  id: 'ledger/tdmrs-agree',
  severity: 'tdx-lost',
  statement: "When the kernel reports TDX as initialised, the module has the kernel's TDMRs, PAMTs and reserved areas.",
  source: 'config_tdx_module(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record) || !isUndisturbed(world)) return;
    const { tdmrs, tdmrCount } = world.kernel;
    if (tdmrCount !== world.module.tdmrs.length)
      report(offence('count', `${tdmrCount} TDMRs in the kernel, ${world.module.tdmrs.length} in the module`));
    for (const [index, there] of world.module.tdmrs.entries()) {
      const here = tdmrs[index];
      if (here === undefined) continue;
      const same =
        here.base === there.base &&
        here.size === there.size &&
        here.pamtBase === there.pamt4K.base &&
        here.pamt4K === there.pamt4K.size &&
        here.pamtBase + here.pamt4K === there.pamt2M.base &&
        here.pamt2M === there.pamt2M.size &&
        here.pamtBase + here.pamt4K + here.pamt2M === there.pamt1G.base &&
        here.pamt1G === there.pamt1G.size;
      if (!same) report(offence('fields', `TDMR ${index} differs between kernel and module`));
    }
  },
};

export const LEDGER_PACKAGES_AGREE: Always = {
  holds: 'always',
  id: 'ledger/packages-agree',
  severity: 'tdx-lost',
  statement:
    'When the kernel reports TDX as initialised, the global KeyID is programmed on every package that MCHECK counted.',
  source: 'config_global_keyid(), Linux 6.12; tdh_sys_key_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record) || !isUndisturbed(world)) return;
    let count = 0;
    for (let rest = world.module.packagesConfigured; rest > 0; rest = (rest - (rest % 2)) / 2) count += rest % 2;
    if (count !== world.module.totPackages)
      report(offence('count', `${count} packages configured, ${world.module.totPackages} counted`));
  },
};
