import type { Flaw } from './flaw.ts';
import { NO_GUESTS, V8_STOPS } from './not-applicable.ts';

const ONE_BUSY_FLUSH =
  'the page says that the callback handles it; it does not look at what TDH.VP.FLUSH answers, and after one that was busy the KeyID is lost without a word';

/** Flaws about guests: what KVM asks of the module, and what it owes to the packages, KeyIDs and pages it asks it with. */
export const FLAWS_OF_KVM: readonly Flaw[] = [
  {
    number: 45,
    name: 'the KeyID leaks',
    severity: 'part-lost',
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
    severity: 'tdx-refused',
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
    severity: 'misleading',
    statement:
      'The last CPU of a package cannot go offline while a guest has a KeyID, and the line that says so names no package.',
    source: 'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; L54903689223, core VMXON series',
    shownBy: ['naming/cpu-that-stays-names-the-package', 'td/last-cpu-of-package-stays'],
    notApplicable: NO_GUESTS,
    said: ['6.17', '7.3'],
    differences: {},
  },
  {
    number: 49,
    name: 'busy is final for guests',
    severity: 'part-lost',
    statement:
      'Locks of the module are taken by trying: while another guest comes or goes a leaf may be busy, and the guest in the making is given up, or the KeyID of the one that ends.',
    source: 'tdx_lock and __tdx_td_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; tdh_mng_create.c, TDX module 1.5.01',
    shownBy: ['td/transient-status-costs-no-td', 'keyid/transient-status-costs-no-keyid'],
    notApplicable: NO_GUESTS,
    said: ['6.17', '7.3'],
    differences: {},
  },
  {
    number: 59,
    name: 'a vCPU on a CPU that goes',
    severity: 'part-lost',
    statement:
      'A vCPU stays associated with the LP it last ran on until TDH.VP.FLUSH there; an LP that goes offline without takes the KeyID of the guest along.',
    source:
      'tdx_disable_virtualization_cpu() and tdx_mmu_release_hkid(), arch/x86/kvm/vmx/tdx.c, Linux 6.16 (inferred: no recording has vCPUs)',
    shownBy: ['td/no-vcpu-stays-on-a-cpu-that-goes', 'keyid/leak-is-told'],
    notApplicable: NO_GUESTS,
    said: [],
    differences: { '6.17': ONE_BUSY_FLUSH, '7.3': ONE_BUSY_FLUSH },
  },
  {
    number: 62,
    name: 'initialisation without the CPU lock',
    severity: 'tdx-lost',
    statement:
      'The online CPUs are walked for TDH.SYS.KEY.CONFIG and WBINVD with nothing that keeps them: a CPU that goes in between takes its package with it. No flush is missed: it executes WBINVD as it dies.',
    source:
      'config_global_keyid(), Linux 7.3, against lockdep_assert_cpus_held() in tdx_enable(), Linux 6.12 (inferred)',
    shownBy: ['threads/no-package-goes-dark-during-init'],
    notApplicable: { v8: V8_STOPS },
    said: ['7.3'],
    differences: {},
  },
];
