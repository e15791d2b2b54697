import { parseU64, type U64 } from '../../../model/abi/u64.ts';
import type { Message, MessageId } from '../../../model/kernel/message.ts';
import { readWords } from './read-words.ts';

/** How an argument is printed: 16 padded hexadecimal digits, hexadecimal, or decimal. */
const FORMS: Readonly<Record<string, { readonly pattern: string; readonly parse: (text: string) => U64 }>> = {
  H: { pattern: '([0-9a-f]{16})', parse: (text) => parseU64(`0x${text.replace(/^0+(?=.)/, '')}`) ?? 0 },
  h: { pattern: '([0-9a-f]+)', parse: (text) => parseU64(`0x${text}`) ?? 0 },
  d: { pattern: '(-?[0-9]+)', parse: Number },
};

/** Lines whose arguments matter to an invariant, in the order of a, b, c ... Texts: arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12. */
const LINES: readonly (readonly [id: MessageId, text: string])[] = [
  ['bios-enabled', 'BIOS enabled: private KeyID range [%d, %d)'],
  ['too-few-keyids', 'initialization failed: too few private KeyIDs available.'],
  ['hibernation', 'initialization failed: Hibernation support is enabled'],
  ['notifier-failed', 'initialization failed: register_memory_notifier() failed (%d)'],
  ['s3-disabled', 'Disable ACPI S3. Turn off TDX in the BIOS to use ACPI S3.'],
  ['seamcall-failed', 'SEAMCALL (0x%H) failed: 0x%H'],
  ['seamcall-outputs-low', 'RCX 0x%H RDX 0x%H R08 0x%H'],
  ['seamcall-outputs-high', 'R09 0x%H R10 0x%H R11 0x%H'],
  ['module-not-loaded', 'module not loaded'],
  ['tdmrs-exhausted', 'initialization failed: TDMRs exhausted.'],
  ['tdmrs-reaching-limit', 'consumed TDMRs reaching limit: %d used out of %d'],
  ['reserved-areas-exhausted', 'initialization failed: TDMR [0x%h, 0x%h): reserved areas exhausted.'],
  ['no-local-node', 'TDMR [0x%h, 0x%h): unable to find local NUMA node for PAMT allocation, fallback to use node 0.'],
  ['pamt-allocated', '%d KB allocated for PAMT'],
  ['module-initialised', 'module initialized'],
  ['module-initialisation-failed', 'module initialization failed (%d)'],
  ['rbp-clobber', 'frame pointer (RBP) clobber bug present, upgrade TDX module'],
];

const PATTERNS = LINES.map(([id, text]) => {
  const forms = [...text.matchAll(/%([Hhd])/g)].map(([, form]) => FORMS[form ?? 'd']);
  const literal = text.split(/%[Hhd]/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return {
    id,
    forms,
    pattern: new RegExp(`^virt/tdx: ${literal.map((part, index) => part + (forms[index]?.pattern ?? '')).join('')}$`),
  };
});

/** A line that a host printed, as the message of the catalogue that it is; any other line as `verbatim`. */
export function readLine(level: number, line: string): Message {
  const text = `<${level}>${line}`;
  for (const { id, forms, pattern } of PATTERNS) {
    const match = pattern.exec(line);
    if (match === null) continue;
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = forms.map(
      (form, index) => form?.parse(match[index + 1] ?? '0') ?? 0,
    );
    return { id, a, b, c, d, e, f, text };
  }
  return { id: 'verbatim', a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, text, names: readWords(text) };
}
