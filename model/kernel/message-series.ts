import { hex, line, type MessageText } from './message-text.ts';

/**
 * Lines of the 2022 and 2023 patch series, word for word; misspellings are the patches' own. Each is named after the
 * revision that prints it first. Sources: v5, lore cover.1655894131.git.kai.huang@intel.com; v7, cover.1668988357.git.kai.huang@intel.com;
 * v8, cover.1670566861.git.kai.huang@intel.com; v11, cover.1685887183.git.kai.huang@intel.com.
 */
export const SERIES_TEXTS = {
  'v5-seamrr-enabled': line(6, () => 'tdx: SEAMRR enabled.'),
  'v5-keyid-range': line(6, (a, b) => `tdx: TDX private KeyID range: [${a}, ${b}).`),
  'v5-enabled-by-bios': line(6, () => 'tdx: TDX enabled by BIOS.'),
  'v5-seamcall-failed': line(3, (a, b) => `tdx: SEAMCALL failed: leaf: 0x${hex(a)}, error: 0x${hex(b)}`),
  'v5-seamcall-outputs': line(
    3,
    (a, b, c, d, e, f) =>
      `tdx: SEAMCALL additional output: rcx 0x${hex(a)}, rdx 0x${hex(b)}, r8 0x${hex(c)}, r9 0x${hex(d)}, r10 0x${hex(e)}, r11 0x${hex(f)}.`,
  ),
  'v5-module': line(
    6,
    (_a, b, c, d, e, f) =>
      `tdx: TDX module: vendor_id 0x${hex(b)}, major_version ${c}, minor_version ${d}, build_date ${e}, build_num ${f}`,
  ),
  'v5-bios-cmr': line(6, (a, b) => `tdx: BIOS-CMR : [0x${hex(a)}, 0x${hex(b)})`),
  'v5-checked-cmr': line(6, (a, b) => `tdx: Kernel-checked-CMR : [0x${hex(a)}, 0x${hex(b)})`),
  'v5-cmrs-not-ascending': line(3, () => 'tdx: Firmware bug: CMRs not in address ascending order.'),
  'v5-cmr-hole': line(3, () => 'tdx: Firmware bug: invalid CMR(s) before valid CMRs.'),
  'v5-no-cmr': line(3, () => 'tdx: Firmware bug: No valid CMR.'),
  'v5-not-convertible': line(3, (a, b) => `tdx: [0x${hex(a)}, 0x${hex(b)}) is not fully convertible memory`),
  'v5-offline-cpus': line(3, () => "tdx: Unable to initialize the TDX module when there's offline CPU(s)."),
  'v5-not-loaded': line(6, () => 'tdx: TDX module is not loaded.'),
  'v5-shut-down': line(6, () => 'tdx: Failed to initialize TDX module.  Shut it down.'),
  'v5-pamt-pages': line(6, (a) => `tdx: ${a} pages allocated for PAMT.`),
  'v5-initialised': line(6, () => 'tdx: TDX module initialized.'),
  // dev_err() puts the ACPI device's name in front of these four.
  'v5-acpi-cpu-ignored': line(3, () => "[BIOS bug]: Platform doesn't support ACPI CPU hotplug.  New CPU ignored."),
  'v5-acpi-cpu-bug': line(3, () => "Platform doesn't support ACPI CPU hotplug. BUG()."),
  'v5-acpi-memory-ignored': line(
    3,
    () => "[BIOS bug]: Platform doesn't support ACPI memory hotplug. New memory device ignored.",
  ),
  'v5-acpi-memory-bug': line(3, () => "Platform doesn't support ACPI memory hotplug. BUG()."),
  'v5-memory-refused': line(
    3,
    (a, b) => `tdx: Unable to add memory [0x${hex(a)}, 0x${hex(b)}) on TDX enabled platform.`,
  ),
  'v5-kmem-failed': line(4, (a, b) => `kmem dax0.0: mapping0: 0x${hex(a)}-0x${hex(b)} memory add failed`),

  'v7-enabled-by-bios': line(6, (a, b) => `tdx: TDX enabled by BIOS. TDX private KeyID range: [${a}, ${b})`),
  'v7-one-keyid': line(6, () => "tdx: Disable TDX as there's only one TDX private KeyID available."),
  'v7-no-x2apic': line(6, () => 'tdx: Disable TDX as X2APIC is not enabled.'),
  'v7-module': line(
    6,
    (a, b, c, d, e, f) =>
      `tdx: TDX module: atributes 0x${hex(a)}, vendor_id 0x${hex(b)}, major_version ${c}, minor_version ${d}, build_date ${e}, build_num ${f}`,
  ),
  'v7-cmrs-broken': line(6, () => 'tdx: [TDX broken ?]: Invalid CMRs detected'),
  'v7-not-convertible': line(
    6,
    (a, b) => `tdx: Memory region [0x${hex(a)}, 0x${hex(b)}) is not TDX convertible memorry.`,
  ),
  'v7-shut-down': line(6, () => 'tdx: Failed to initialize TDX module. Shut it down.'),

  'v8-keyid-range': line(6, (a, b) => `tdx: BIOS enabled: private KeyID range [${a}, ${b})`),
  'v8-too-few-keyids': line(6, (a) => `tdx: initialization failed: too few private KeyIDs available (${a}).`),
  'v8-notifier-failed': line(6, (a) => `tdx: initialization failed: register_memory_notifier() failed (${a})`),
  'v8-seamcall-gp': line(3, () => 'tdx: [firmware bug]: TDX is not enabled by BIOS.', 'once'),
  'v8-seamcall-vmfail': line(3, () => 'tdx: TDX module is not loaded.', 'once'),
  'v8-seamcall-ud': line(3, () => 'tdx: CPU is not in VMX operation.', 'once'),
  'v8-seamcall-failed': line(3, (a, b) => `tdx: SEAMCALL failed: leaf ${a}, error 0x${hex(b)}.`, 'once'),
  'v8-seamcall-outputs': line(
    3,
    (a, b, c, d, e, f) =>
      `tdx: additional output: rcx 0x${hex(a)}, rdx 0x${hex(b)}, r8 0x${hex(c)}, r9 0x${hex(d)}, r10 0x${hex(e)}, r11 0x${hex(f)}.`,
    'once',
  ),
  'v8-cmr': line(6, (a, b) => `tdx: CMR: [0x${hex(a)}, 0x${hex(b)})`),
  'v8-disabled': line(3, () => 'tdx: initialization failed: TDX is disabled.', 'once'),
  'v8-initialised': line(6, () => 'tdx: TDX module initialized.', 'once'),
  'v8-failed': line(3, (a) => `tdx: initialization failed (${a})`, 'once'),

  'v11-seamcall-ud': line(3, (a) => `tdx: SEAMCALL failed: CPU ${a} is not in VMX operation.`, 'once'),
  'v11-seamcall-failed': line(3, (a, b, c) => `tdx: SEAMCALL failed: CPU ${c}: leaf ${a}, error 0x${hex(b)}.`, 'once'),
  'v11-module': line(
    6,
    (a, b, c, d, e, f) =>
      `tdx: TDX module: attributes 0x${hex(a)}, vendor_id 0x${hex(b)}, major_version ${c}, minor_version ${d}, build_date ${e}, build_num ${f}`,
  ),
  'v11-failed': line(3, (a) => `tdx: TDX module initialization failed (${a})`),
  'v11-pamt-kb': line(6, (a) => `tdx: ${a} KBs allocated for PAMT.`),
} satisfies Record<string, MessageText>;
