import type { Flaw } from './flaw.ts';
import { NO_GUESTS, V8_STOPS } from './not-applicable.ts';

const ONE_BUSY_FLUSH =
  'the list says that the callback handles it; the callback ignores the status of TDH.VP.FLUSH, and after a busy one the KeyID is leaked without a message';

/** Flaws about guests: what KVM asks of the module, and what it owes to the packages, KeyIDs and pages it asks it with. */
export const FLAWS_OF_KVM: readonly Flaw[] = [
  {
    number: 45,
    name: 'the KeyID leaks',
    severity: 'part-lost',
    statement:
      'If a cache cannot be written back, or TDH.MNG.KEY.FREEID is refused, the KeyID and the control pages are leaked until the next boot.',
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
      'KVM compares the packages of present CPUs with those of online CPUs; a package that MCHECK counted and the kernel does not see is in neither set, and the refusal names no package.',
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
      'The last CPU of a package cannot go offline while a guest holds a KeyID, and the line that reports it names no package.',
    source:
      'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; "KVM: x86/tdx: Have TDX handle VMXON during bringup", Sean Christopherson, 10 Oct 2025',
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
      'The module only tries its locks: while another guest is created or destroyed a leaf may return busy, and KVM then gives up the new guest, or leaks the KeyID of the one being destroyed.',
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
      'A vCPU stays associated with the LP it last ran on until TDH.VP.FLUSH runs there; if the LP goes offline without it, the KeyID of the guest is leaked.',
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
      'TDH.SYS.KEY.CONFIG and WBINVD walk the online CPUs without the CPU hotplug lock: a CPU that goes offline meanwhile may leave its package without a key. No flush is missed, as a CPU executes WBINVD while it goes offline.',
    source:
      'config_global_keyid(), Linux 7.3, against lockdep_assert_cpus_held() in tdx_enable(), Linux 6.12 (inferred)',
    shownBy: ['threads/no-package-goes-dark-during-init'],
    notApplicable: { v8: V8_STOPS },
    said: ['7.3'],
    differences: {},
  },
];
