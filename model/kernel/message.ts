import { leafName } from '../abi/leaf-number.ts';
import type { U64 } from '../abi/u64.ts';
import { hex, hex16, line, type MessageText, type NamedThing } from './message-text.ts';
import { SERIES_TEXTS } from './message-series.ts';

/** One line of dmesg, not yet rendered. Arguments that the text does not use are 0. */
export interface Message {
  readonly id: MessageId;
  readonly a: U64;
  readonly b: U64;
  readonly c: U64;
  readonly d: U64;
  readonly e: U64;
  readonly f: U64;
  /** The line as a real kernel printed it, level and all, where one did. */
  readonly text?: string;
  /** Of a `verbatim` line: what its words name, as the reader of the line has found. */
  readonly names?: readonly NamedThing[];
}

/** A leaf as KVM spells it. Source: pr_tdx_error(), arch/x86/kvm/vmx/tdx.c, Linux 6.16. */
function kvmLeafName(leaf: U64): string {
  return (typeof leaf === 'number' ? leafName(leaf) : undefined)?.replaceAll('.', '_') ?? `${leaf}`;
}

/**
 * Every line a kernel revision prints, word for word; misspellings are the kernel's. Source, where a line names none:
 * arch/x86/virt/vmx/tdx/tdx.c of Linux 6.12, 6.17 and 7.3, compared with the linux-* recordings.
 */
const TEXTS = {
  ...SERIES_TEXTS,
  'bios-enabled': line(6, (a, b) => `virt/tdx: BIOS enabled: private KeyID range [${a}, ${b})`),
  'too-few-keyids': line(3, () => 'virt/tdx: initialization failed: too few private KeyIDs available.'),
  hibernation: line(3, () => 'virt/tdx: initialization failed: Hibernation support is enabled'),
  'notifier-failed': line(3, (a) => `virt/tdx: initialization failed: register_memory_notifier() failed (${a})`),
  's3-disabled': line(6, () => 'virt/tdx: Disable ACPI S3. Turn off TDX in the BIOS to use ACPI S3.'),
  'seamcall-failed': line(3, (a, b) => `virt/tdx: SEAMCALL (0x${hex16(a)}) failed: 0x${hex16(b)}`),
  'seamcall-outputs-low': line(3, (a, b, c) => `virt/tdx: RCX 0x${hex16(a)} RDX 0x${hex16(b)} R08 0x${hex16(c)}`),
  'seamcall-outputs-high': line(
    3,
    (_a, _b, _c, d, e, f) => `virt/tdx: R09 0x${hex16(d)} R10 0x${hex16(e)} R11 0x${hex16(f)}`,
  ),
  'module-not-loaded': line(3, () => 'virt/tdx: module not loaded'),
  'tdmrs-exhausted': line(4, () => 'virt/tdx: initialization failed: TDMRs exhausted.'),
  'tdmrs-reaching-limit': line(4, (a, b) => `virt/tdx: consumed TDMRs reaching limit: ${a} used out of ${b}`),
  'reserved-areas-exhausted': line(
    4,
    (a, b) => `virt/tdx: initialization failed: TDMR [0x${hex(a)}, 0x${hex(b)}): reserved areas exhausted.`,
  ),
  'no-local-node': line(
    4,
    (a, b) =>
      `virt/tdx: TDMR [0x${hex(a)}, 0x${hex(b)}): unable to find local NUMA node for PAMT allocation, fallback to use node 0.`,
  ),
  'pamt-allocated': line(6, (a) => `virt/tdx: ${a} KB allocated for PAMT`),
  'module-initialised': line(6, () => 'virt/tdx: module initialized'),
  'module-initialisation-failed': line(3, (a) => `virt/tdx: module initialization failed (${a})`),
  'rbp-clobber': line(3, () => 'virt/tdx: frame pointer (RBP) clobber bug present, upgrade TDX module'),
  'module-version': line(6, (a, b, c) => `virt/tdx: Module version: ${a}.${b}.${c.toString().padStart(2, '0')}`),
  'platform-unsupported': line(3, () => 'virt/tdx: TDX not supported by the host platform'),
  'tdx-module-initialised': line(6, () => 'virt/tdx: TDX-Module initialized'),
  'tdx-module-initialisation-failed': line(3, (a) => `virt/tdx: TDX-Module initialization failed (${a})`),
  /** A line of an implementation that no revision prints: the text and what it names are in the message itself. */
  verbatim: line(4, () => ''),
  'kvm-last-cpu-of-package': line(
    4,
    () =>
      'kvm_intel: TDX requires all packages to have an online CPU. Delete all TDs in order to offline all CPUs of a package.',
  ),
  'last-cpu-of-package': line(
    4,
    () =>
      'virt/tdx: TDX requires all packages to have an online CPU. Delete all TDs in order to offline all CPUs of a package.',
  ),
  'kvm-all-packages': line(
    4,
    () => 'kvm_intel: All packages need to have online CPU to create TD. Online CPU and retry.',
  ),
  'kvm-seamcall-failed': line(3, (a, b) => `kvm_intel: SEAMCALL ${kvmLeafName(a)} failed: 0x${hex(b)}`),
  'kvm-vpflushdone-leaked': line(3, (a) => `kvm_intel: tdh_mng_vpflushdone() failed. HKID ${a} is leaked.`),
  'kvm-hkid-leaked': line(3, (a) => `kvm_intel: tdh_mng_key_freeid() failed. HKID ${a} is leaked.`),
  // Source: freeze_secondary_cpus() and thaw_secondary_cpus(), kernel/cpu.c, Linux 6.12.
  'pm-disabling-cpus': line(6, () => 'Disabling non-boot CPUs ...'),
  'pm-cpu-down-failed': line(3, (a, b) => `Error taking CPU${a} down: ${b}`),
  'pm-cpus-not-disabled': line(3, () => 'Non-boot CPUs are not disabled'),
  'pm-enabling-cpus': line(6, () => 'Enabling non-boot CPUs ...'),
  'pm-cpu-up': line(6, (a) => `CPU${a} is up`),
  'pm-cpu-up-failed': line(4, (a, b) => `Error taking CPU${a} up: ${b}`),
  'sys-disable-failed': line(3, (a) => `virt/tdx: TDH.SYS.DISABLE failed: 0x${hex(a)}`),
  'kexec-erratum': line(6, () => 'kexec: Not allowed on platform with tdx_pw_mce bug', 'once'),

  // The kernel that breaks no invariant; the wording of packages is what v8 13/16, Dave Hansen, 10 Jan 2023, asks for.
  'seam-off': line(3, () => 'virt/tdx: BIOS announces private KeyIDs but has not enabled SEAM: no TDX'),
  'keyid-range': line(
    3,
    (a, b) => `virt/tdx: private KeyID range of ${b} from ${a} is not possible on this machine: no TDX`,
  ),
  'strict-gp': line(3, (a) => `virt/tdx: SEAMCALL on CPU ${a}: #GP, SEAM is not enabled there`),
  'strict-ud': line(3, (a) => `virt/tdx: SEAMCALL on CPU ${a}: #UD, not in VMX operation`),
  'strict-vmfail': line(3, (a) => `virt/tdx: SEAMCALL on CPU ${a}: no module answers`),
  'lp-held-offline': line(3, (a, b) => `virt/tdx: CPU ${a} in package ${b} cannot be brought up for TDX`),
  'lp-not-in-vmx': line(3, (a, b) => `virt/tdx: CPU ${a} in package ${b} cannot enter VMX operation`),
  'lp-too-late': line(
    4,
    (a, b) => `virt/tdx: CPU ${a} in package ${b} came up after the module was configured: no TDX there`,
  ),
  'package-without-cpu': line(3, (a) => `virt/tdx: failed to configure module, no online CPUs in package ${a}`),
  'td-package-without-cpu': line(4, (a) => `kvm_intel: no TD can be created: no online CPUs in package ${a}`),
  'cpu-stays-for-tds': line(
    4,
    (a, b) => `virt/tdx: CPU ${a} stays online: TDs need a CPU in package ${b}, and it is the last one there`,
  ),
  'cpu-stays-for-vcpu': line(
    4,
    (a, b) => `virt/tdx: CPU ${a} in package ${b} stays online: the module does not let go of a vCPU there`,
  ),
  's3-refused': line(4, () => 'virt/tdx: no S3 while TDX is in use: the TDX module would not survive it'),
  'tdx-lost-to-s3': line(4, () => 'virt/tdx: the machine has been in S3: no TDX until it is reset'),
  'memory-taken-offline': line(
    4,
    (a, b) => `virt/tdx: memory [0x${hex(a)}, 0x${hex(b)}) is not convertible: taken offline`,
  ),
  'memory-in-use': line(3, (a, b) => `virt/tdx: memory [0x${hex(a)}, 0x${hex(b)}) is not convertible and in use`),
  'memory-refused': line(
    4,
    (a, b) => `virt/tdx: Reject hot-adding memory range: [0x${hex(a)}, 0x${hex(b)}) for TDX compatibility.`,
  ),
  'module-too-old': line(
    3,
    () => 'virt/tdx: initialization failed: the TDX module is too old for this kernel, update it',
  ),
  'no-convertible-memory': line(3, () => 'virt/tdx: initialization failed: no memory is convertible'),
} satisfies Record<string, MessageText>;

export type MessageId = keyof typeof TEXTS;

/** True for the name of a line in the catalogue above. */
export function isMessageId(name: string): name is MessageId {
  return Object.hasOwn(TEXTS, name);
}

/** The line as printk stores it: `<3>virt/tdx: module not loaded`. */
export function renderMessage(message: Message): string {
  if (message.text !== undefined) return message.text;
  return `<${messageLevel(message)}>${messageText(message)}`;
}

/** The line without the level, as a user reads it. */
export function messageText(message: Message): string {
  const { id, a, b, c, d, e, f } = message;
  if (message.text !== undefined) return message.text.slice(3);
  return TEXTS[id].text(a, b, c, d, e, f);
}

export function messageLevel(message: Message): MessageText['level'] {
  return TEXTS[message.id].level;
}

// Every printk() asks: a few names are looked up faster than the whole catalogue.
const PRINTED_ONCE: ReadonlySet<string> = new Set(
  Object.entries(TEXTS).flatMap(([id, { once }]: [string, MessageText]) => (once ? [id] : [])),
);

/** Printed at most once per boot (pr_err_once and its kin). */
export function isPrintedOnce(id: MessageId): boolean {
  return PRINTED_ONCE.has(id);
}
