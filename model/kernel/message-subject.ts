import type { U64 } from '../abi/u64.ts';
import type { Message, MessageId } from './message.ts';
import type { Named, NamedThing } from './message-text.ts';

/** What a message names, and for an LP or a package which argument carries its number. */
interface Subject {
  readonly names: readonly Named[];
  readonly lp?: 'a' | 'b';
  readonly package?: 'a' | 'b';
  readonly keyid?: 'a';
}

const SUBJECTS: { readonly [Id in MessageId]?: Subject } = {
  'seamcall-failed': { names: ['leaf'] },
  // That there is no module.
  'module-not-loaded': { names: ['reason', 'absence'] },
  'tdmrs-exhausted': { names: ['reason'] },
  'reserved-areas-exhausted': { names: ['reason', 'region'] },
  'module-initialisation-failed': { names: ['verdict'] },
  'rbp-clobber': { names: ['reason'] },
  'platform-unsupported': { names: ['reason'] },
  'tdx-module-initialisation-failed': { names: ['verdict'] },
  'kexec-erratum': { names: ['reason'] },
  'sys-disable-failed': { names: ['leaf', 'reason'] },
  'v5-seamcall-failed': { names: ['leaf'] },
  'v5-cmrs-not-ascending': { names: ['reason'] },
  'v5-cmr-hole': { names: ['reason'] },
  'v5-no-cmr': { names: ['reason'] },
  'v5-not-convertible': { names: ['reason', 'region'] },
  'v5-offline-cpus': { names: ['reason'] },
  'v5-not-loaded': { names: ['reason', 'absence'] },
  'v5-acpi-cpu-ignored': { names: ['reason'] },
  // dev_err() puts the memory device in front.
  'v5-acpi-memory-ignored': { names: ['region', 'reason'] },
  'v5-memory-refused': { names: ['reason', 'region'] },
  'v7-cmrs-broken': { names: ['reason'] },
  'v7-not-convertible': { names: ['reason', 'region'] },
  'v8-seamcall-gp': { names: ['reason'] },
  'v8-seamcall-vmfail': { names: ['reason', 'absence'] },
  'v8-seamcall-ud': { names: ['reason'] },
  'v8-seamcall-failed': { names: ['leaf'] },
  'v8-disabled': { names: ['reason'] },
  'v8-failed': { names: ['verdict'] },
  // The CPU that made the call, which need not be the one in the way.
  'v11-seamcall-ud': { names: ['reason'] },
  'v11-seamcall-failed': { names: ['leaf'] },
  'v11-failed': { names: ['verdict'] },
  'strict-gp': { names: ['reason'] },
  'strict-ud': { names: ['reason'] },
  'strict-vmfail': { names: ['reason'] },
  'lp-held-offline': { names: ['lp', 'reason'], lp: 'a' },
  'lp-not-in-vmx': { names: ['lp', 'reason'], lp: 'a' },
  'lp-too-late': { names: ['lp', 'reason'], lp: 'a' },
  'package-without-cpu': { names: ['package', 'reason'], package: 'a' },
  'kvm-all-packages': { names: ['reason'] },
  'kvm-seamcall-failed': { names: ['leaf'] },
  'kvm-vpflushdone-leaked': { names: ['keyid', 'reason'], keyid: 'a' },
  'kvm-hkid-leaked': { names: ['keyid', 'reason'], keyid: 'a' },
  'kvm-last-cpu-of-package': { names: ['reason'] },
  'last-cpu-of-package': { names: ['reason'] },
  'td-package-without-cpu': { names: ['package', 'reason'], package: 'a' },
  'cpu-stays-for-tds': { names: ['lp', 'package', 'reason'], lp: 'a', package: 'b' },
  'cpu-stays-for-vcpu': { names: ['lp', 'package', 'reason'], lp: 'a', package: 'b' },
  's3-disabled': { names: ['sleep'] },
  's3-refused': { names: ['sleep', 'reason'] },
  'tdx-lost-to-s3': { names: ['reason'] },
  'memory-taken-offline': { names: ['region'] },
  'memory-in-use': { names: ['region', 'reason'] },
  'memory-refused': { names: ['region', 'reason'] },
  'module-too-old': { names: ['reason'] },
  'no-convertible-memory': { names: ['reason'] },
};

/** True if every line of this kind names such a thing. */
export function messageIdNames(id: MessageId, what: Named): boolean {
  return SUBJECTS[id]?.names.includes(what) === true;
}

/** True if the line names such a thing; with `value`, the LP or package of that number. */
export function messageNames(message: Message, what: Named, value?: U64): boolean {
  if (message.id === 'verbatim') {
    const thing = thingNamed(message, what);
    return thing !== undefined && (value === undefined || thing.value === value);
  }
  const subject = SUBJECTS[message.id];
  if (subject === undefined || !subject.names.includes(what)) return false;
  if (value === undefined) return true;
  const argument = what === 'lp' || what === 'package' || what === 'keyid' ? subject[what] : undefined;
  return argument !== undefined && message[argument] === value;
}

/** The first such thing that a `verbatim` line names. */
export function thingNamed({ names }: Message, what: Named): NamedThing | undefined {
  return names?.find((thing) => thing.what === what);
}
