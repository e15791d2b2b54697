import type { Flaw } from './flaw.ts';
import { NO_GUESTS, V8_STOPS } from './not-applicable.ts';

/** Flaws about guests: what KVM asks of the module, and what it owes to the packages, KeyIDs and pages it asks it with. */
export const FLAWS_OF_KVM: readonly Flaw[] = [
  {
    number: 45,
    name: 'the KeyID leaks',
    statement:
      'A cache that could not be written back, or a TDH.MNG.KEY.FREEID that is refused, costs the KeyID and the control pages until the next boot.',
    source: 'tdx_mmu_release_hkid(), arch/x86/kvm/vmx/tdx.c, Linux 6.16 ("HKID %d is leaked.")',
    shownBy: [
      'keyid/transient-status-costs-no-keyid|TDH.PHYMEM.CACHE.WB',
      'keyid/transient-status-costs-no-keyid|TDH.MNG.KEY.FREEID',
    ],
    notApplicable: NO_GUESTS,
    said: ['6.17', '7.3'],
    differences: {},
  },
  {
    number: 47,
    name: 'a guest without a key on every package',
    statement:
      'Packages of CPUs that are present are held against those of CPUs that are online; one that MCHECK counted and the kernel does not see is in neither, and the refusal names no package.',
    source: '__tdx_td_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; v8 13/16, Kai Huang, 10 Jan 2023',
    shownBy: ['td/create-needs-every-package', 'naming/refused-td-names-the-package'],
    notApplicable: NO_GUESTS,
    said: ['6.17', '7.3'],
    differences: {},
  },
  {
    number: 48,
    name: 'the CPU that must stay',
    statement:
      'The last CPU of a package cannot go offline while a guest has a KeyID, and the line that says so names no package.',
    source: 'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; L54903689223, core VMXON series',
    shownBy: ['naming/cpu-that-stays-names-the-package', 'td/last-cpu-of-package-stays'],
    notApplicable: NO_GUESTS,
    said: ['6.17', '7.3'],
    differences: {},
  },
  {
    number: 62,
    name: 'initialisation without the CPU lock',
    statement:
      'The online CPUs are walked for TDH.SYS.KEY.CONFIG and WBINVD with nothing that keeps them: a CPU that goes in between takes its package with it.',
    source:
      'config_global_keyid(), Linux 7.3, against lockdep_assert_cpus_held() in tdx_enable(), Linux 6.12 (inferred)',
    shownBy: ['threads/no-package-goes-dark-during-init'],
    notApplicable: { v8: V8_STOPS },
    said: ['7.3'],
    differences: {},
  },
];
