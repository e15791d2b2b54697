/**
 * The mails that rules, steps, flaws and releases are based on, each once. A `source` cites a mail by its `cite`, and a
 * patch of a series by version and number (`v7 04/20`). `id` is the Message-ID: https://lore.kernel.org/r/ID opens it.
 */
export interface Mail {
  /** What a source says: version and number of the patch it answers, or a title in quotes; author; date. */
  readonly cite: string;
  /** The subject without `Re:`. */
  readonly subject: string;
  /** Message-ID without angle brackets; `null` if only a copy without headers could be read. */
  readonly id: string | null;
}

/** One version of "TDX host kernel support", the series that became Linux 6.8: where it starts, and what is in it. */
export interface Series {
  readonly name: 'v3' | 'v5' | 'v7' | 'v8' | 'v11';
  readonly date: string;
  /** Message-ID of its cover letter; the patches are answers to it. */
  readonly cover: string;
  /** Titles of the patches in order, the first is patch 1; `null` where the title was not looked up. */
  readonly titles: readonly (string | null)[];
}

const X = 'x86/virt/tdx: ';
const DETECT = `${X}Detect TDX during kernel boot`;
const SKELETON = `${X}Add skeleton to initialize TDX on demand`;
const INFORMATION = `${X}Get information about TDX module and TDX-capable memory`;
const ALL_MEMORY = `${X}Use all system memory when initializing TDX module as TDX memory`;
const KEYID = `${X}Configure global KeyID on all packages`;
const FLUSH = `${X}Flush cache in kexec() when TDX is enabled`;
const SHUT_DOWN = `${X}Shut down TDX module in case of error`;
const PLACEHOLDER = `${X}Add placeholder to construct TDMRs to cover all TDX memory regions`;
const PAMTS = `${X}Allocate and set up PAMTs for TDMRs`;
const RESERVED = `${X}Set up reserved areas for all TDMRs`;
const INIT_TDMRS = `${X}Initialize all TDMRs`;
const DOCUMENTATION = 'Documentation/x86: Add documentation for TDX host support';
const CPU_HOTPLUG = 'cc_platform: Add new attribute to prevent ACPI CPU hotplug';
const MEMORY_HOTPLUG = 'cc_platform: Add new attribute to prevent ACPI memory hotplug';
const SEAMCALL = `${X}Add SEAMCALL infrastructure`;
const ENABLE = `${X}Add skeleton to enable TDX on demand`;
const PAGE_SIZES = 'x86/tdx: Define TDX supported page sizes as macros';

export const SERIES: readonly Series[] = [
  { name: 'v3', date: '6 Apr 2022', cover: 'cover.1649219184.git.kai.huang@intel.com', titles: [] },
  {
    name: 'v5',
    date: '22 Jun 2022',
    cover: 'cover.1655894131.git.kai.huang@intel.com',
    titles: [
      DETECT,
      CPU_HOTPLUG,
      MEMORY_HOTPLUG,
      `${X}Prevent ACPI CPU hotplug and ACPI memory hotplug`,
      `${X}Prevent hot-add driver managed memory`,
      SKELETON,
      `${X}Implement SEAMCALL function`,
      SHUT_DOWN,
      `${X}Detect TDX module by doing module global initialization`,
      `${X}Do logical-cpu scope TDX module initialization`,
      INFORMATION,
      `${X}Convert all memory regions in memblock to TDX memory`,
      `${X}Add placeholder to construct TDMRs based on memblock`,
      `${X}Create TDMRs to cover all memblock memory regions`,
      PAMTS,
      RESERVED,
      `${X}Reserve TDX module global KeyID`,
      `${X}Configure TDX module with TDMRs and global KeyID`,
      KEYID,
      INIT_TDMRS,
      `${X}Support kexec()`,
      DOCUMENTATION,
    ],
  },
  {
    name: 'v7',
    date: '21 Nov 2022',
    cover: 'cover.1668988357.git.kai.huang@intel.com',
    titles: [
      PAGE_SIZES,
      DETECT,
      `${X}Disable TDX if X2APIC is not enabled`,
      SKELETON,
      `${X}Implement functions to make SEAMCALL`,
      SHUT_DOWN,
      `${X}Do TDX module global initialization`,
      `${X}Do logical-cpu scope TDX module initialization`,
      INFORMATION,
      ALL_MEMORY,
      PLACEHOLDER,
      `${X}Create TDMRs to cover all TDX memory regions`,
      PAMTS,
      RESERVED,
      `${X}Reserve TDX module global KeyID`,
      `${X}Configure TDX module with TDMRs and global KeyID`,
      KEYID,
      INIT_TDMRS,
      FLUSH,
      DOCUMENTATION,
    ],
  },
  {
    name: 'v8',
    date: '9 Dec 2022',
    cover: 'cover.1670566861.git.kai.huang@intel.com',
    titles: [
      PAGE_SIZES,
      DETECT,
      `${X}Make INTEL_TDX_HOST depend on X86_X2APIC`,
      SKELETON,
      `${X}Implement functions to make SEAMCALL`,
      INFORMATION,
      ALL_MEMORY,
      PLACEHOLDER,
      `${X}Fill out TDMRs to cover all TDX memory regions`,
      PAMTS,
      `${X}Designate reserved areas for all TDMRs`,
      `${X}Designate the global KeyID and configure the TDX module`,
      KEYID,
      INIT_TDMRS,
      FLUSH,
      DOCUMENTATION,
    ],
  },
  {
    name: 'v11',
    date: '4 Jun 2023',
    cover: 'cover.1685887183.git.kai.huang@intel.com',
    titles: [
      null,
      null,
      null,
      null,
      SEAMCALL,
      null,
      ENABLE,
      INFORMATION,
      ALL_MEMORY,
      null,
      null,
      PAMTS,
      null,
      null,
      null,
      null,
      null,
      'x86: Handle TDX erratum to reset TDX private memory during kexec() and reboot',
      null,
      null,
    ],
  },
];

const REDUCE = "x86/virt/tdx: Reduce TDMR's reserved areas by using CMRs to find memory holes";
const INCOHERENT = `${X}Mark memory cache state incoherent when making SEAMCALL`;
const LOADING = `${X}accurately distinguishes TDX module loading situations`;
const COVER = 'TDX host kernel support';

export const MAILS: readonly Mail[] = [
  // The series, and answers to it.
  mail('v3 00/21', 'Kai Huang, 6 Apr 2022', COVER, 'cover.1649219184.git.kai.huang@intel.com'),
  mail('v5 00/22', 'Kai Huang, 22 Jun 2022', COVER, 'cover.1655894131.git.kai.huang@intel.com'),
  mail(
    'v5 02/22',
    'Rafael Wysocki, 22 Jun 2022',
    CPU_HOTPLUG,
    'CAJZ5v0jV8ODcxuLL+iSpYbW7w=GFtUSakN-n8CO5Zmun3K-Erg@mail.gmail.com',
  ),
  mail('v5 02/22', 'Kai Huang, 27 Jun 2022', CPU_HOTPLUG, '5ebd7c3cfb3ab9d77a2577c4864befcffe5359d4.camel@intel.com'),
  mail(
    'v5 03/22',
    'Rafael Wysocki, 22 Jun 2022',
    MEMORY_HOTPLUG,
    'CAJZ5v0jEJNdmkidvcOiRn+OVt01D5095t+nyXaJHKsqEAOvcBQ@mail.gmail.com',
  ),
  mail('v5 06/22', 'Chao Gao, 24 Jun 2022', SKELETON, '20220624023916.GC15566@gao-cwp'),
  mail('v7 00/20', 'Kai Huang, 21 Nov 2022', COVER, 'cover.1668988357.git.kai.huang@intel.com'),
  mail('v7 04/20', 'Thomas Gleixner, 23 Nov 2022', SKELETON, '87bkoyexsv.ffs@tglx'),
  mail('v7 06/20', 'Sean Christopherson, 22 Nov 2022', SHUT_DOWN, 'Y30jmKOOsvtzt6UT@google.com'),
  mail('v7 09/20', 'Dave Hansen, 23 Nov 2022', INFORMATION, '1c6580f7-3abb-03ba-dd98-367ddb9bf23b@intel.com'),
  mail('v7 09/20', 'Kai Huang, 23 Nov 2022', INFORMATION, 'a5e0f218e911a4ad207da55e21fdeb6d8035fed0.camel@intel.com'),
  mail('v7 10/20', 'Dave Hansen, 22 Nov 2022', ALL_MEMORY, 'eb8d0f69-7ada-a358-46ea-da15a3aeac93@intel.com'),
  mail('v8 00/16', 'Kai Huang, 9 Dec 2022', COVER, 'cover.1670566861.git.kai.huang@intel.com'),
  mail('v8 13/16', 'Dave Hansen, 10 Jan 2023', KEYID, '0f8acf9b-42a4-c079-7985-c5db4919c310@intel.com'),
  mail('v8 13/16', 'Kai Huang, 10 Jan 2023', KEYID, '7cd87be05d6e99f130c808cc33572dc68cab963b.camel@intel.com'),
  mail('v10 05/16', 'Dave Hansen, 23 Mar 2023', ENABLE, '1e1bec34-36bd-a719-7d3b-23ab268f7092@intel.com'),
  mail('v11 00/20', 'Kai Huang, 4 Jun 2023', COVER, 'cover.1685887183.git.kai.huang@intel.com'),
  mail('v11 05/20', 'Dave Hansen, 7 Jun 2023', SEAMCALL, '92e19d74-447f-19e0-d9ec-8a3f12f04927@intel.com'),
  mail('v11 05/20', 'Kai Huang, 7 Jun 2023', SEAMCALL, '7fa434207dfbe2a88ac7f6f6830d2f8a0f31a253.camel@intel.com'),
  mail('v11 07/20', 'David Hildenbrand, 19 Jun 2023', ENABLE, '895f7f8d-6fd2-2098-9208-6240d2655978@redhat.com'),

  // Others.
  mail(
    null,
    'Jürgen Groß, 24 May 2024',
    'x86/kvm/tdx: Save %rbp in TDX_MODULE_CALL',
    '92f93c2a-e555-4a70-893c-66345f149aa6@suse.com',
  ),
  mail(null, 'Jun Miao, 29 Jun 2024', LOADING, null),
  mail(null, 'Kai Huang, 19 Jul 2024', LOADING, null),
  mail(null, 'Adrian Hunter, 30 Aug 2024', REDUCE, '4b30520d-f3fa-4806-9d58-176adb8791a6@intel.com'),
  mail(
    null,
    'Huang Ying, 30 Sep 2024',
    'tdx, memory hotplug: Check whole hot-adding memory range for TDX',
    '20240930055112.344206-1-ying.huang@intel.com',
  ),
  mail(
    null,
    'Kai Huang, 13 Nov 2024',
    `${X}Trim away tail null CMRs`,
    'f8831fdeb4664b6cfb7ca83760207a22f49f70c1.1731498635.git.kai.huang@intel.com',
  ),
  mail(
    null,
    'Kai Huang, 13 Nov 2024',
    REDUCE,
    '23bb421e9bf5443a823e163fb2d899760d9f14a3.1731498635.git.kai.huang@intel.com',
  ),
  mail(null, 'Dave Hansen, 9 Dec 2024', REDUCE, '78a359f8-5a0c-463c-b886-ff4165b395d2@intel.com'),
  mail(null, 'Kai Huang, 14 May 2025', INCOHERENT, '20250514101022.7537-1-kai.huang@intel.com'),
  mail(
    null,
    'Kai Huang, 18 Jul 2025',
    'x86/kexec: Disable kexec/kdump on platforms with TDX partial write erratum',
    '8bce9b6cb33506e3a9f99e3ff966dc552417f6db.1752730040.git.kai.huang@intel.com',
  ),
  mail(
    null,
    'Adrian Hunter, 12 Aug 2025',
    'x86/mce: Fix missing address mask in recovery for errors in TDX/SEAM non-root mode',
    '20250812122859.70911-2-adrian.hunter@intel.com',
  ),
  mail(null, 'Kai Huang, 1 Sep 2025', INCOHERENT, '20250901160930.1785244-4-pbonzini@redhat.com'),
  mail(
    null,
    'Sean Christopherson, 10 Oct 2025',
    'KVM: x86/tdx: Have TDX handle VMXON during bringup',
    '20251010220403.987927-1-seanjc@google.com',
  ),
];

/** `patch`: version and number in "TDX host kernel support"; `null` for a mail that is cited by its subject. */
function mail(patch: string | null, by: string, subject: string, id: string | null): Mail {
  return { cite: `${patch ?? `"${subject}"`}, ${by}`, subject, id };
}
