/**
 * What TDH.SYS.INIT demands of CPUID and what TDH.SYS.LP.INIT compares, in the module's order, [EAX, EBX, ECX, EDX] a
 * time: INIT wants (register & mask) === value, LP.INIT wants the bits of `same` as they were when INIT ran.
 * Source: public source of TDX module 1.5.01; recorded cases 00938 to 01107 and 01313 to 01600.
 */
// biome-ignore format: a table, one row a line
export const CPUID_RULES = [
  { leaf: 0x1, subleaf: null, mask: [0, 0xff00, 0x47faa217, 0x1fa9fbff], value: [0, 0x800, 0x47faa217, 0x1fa9fbff], same: [0xf000c000, 0xffff, 0xf7ffff9f, 0xffffffff] },
  { leaf: 0x4, subleaf: 0x0, mask: [0, 0xfff, 0, 0], value: [0, 0x3f, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x4, subleaf: 0x1, mask: [0, 0xfff, 0, 0], value: [0, 0x3f, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x4, subleaf: 0x2, mask: [0, 0xfff, 0, 0], value: [0, 0x3f, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x4, subleaf: 0x3, mask: [0xe0, 0xfff, 0, 0x1], value: [0x60, 0x3f, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x7, subleaf: 0x0, mask: [0xffffffff, 0x219424c3, 0x99000000, 0xfc082600], value: [0x2, 0x219424c3, 0x99000000, 0xfc080400], same: [0xffffffff, 0xfffffffb, 0xbfc1ff6f, 0xffebffff] },
  { leaf: 0x7, subleaf: 0x1, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xa, subleaf: null, mask: [0xff00, 0, 0xffffff80, 0x8000], value: [0x800, 0, 0, 0x8000], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x1c, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x80000008, subleaf: null, mask: [0xff, 0x200, 0, 0], value: [0x34, 0x200, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x0, subleaf: null, mask: [0, 0xffffffff, 0xffffffff, 0xffffffff], value: [0, 0x756e6547, 0x6c65746e, 0x49656e69], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x3, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x4, subleaf: 0x4, mask: [0x1f, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x6, subleaf: null, mask: [0x800000, 0, 0, 0], value: [0, 0, 0, 0], same: [0x800000, 0, 0, 0] },
  { leaf: 0x7, subleaf: 0x2, mask: [0, 0, 0, 0x17], value: [0, 0, 0, 0x17], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x8, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0xd, subleaf: 0x0, mask: [0x3, 0, 0, 0], value: [0x3, 0, 0, 0], same: [0xffffffff, 0, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x1, mask: [0xf, 0, 0x1800, 0], value: [0xf, 0, 0x1800, 0], same: [0xffffffff, 0, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x2, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x3, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x4, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x5, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x6, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x7, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x8, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x9, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xa, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xb, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xc, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xd, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xe, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0xf, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x10, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x11, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xd, subleaf: 0x12, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0xe, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x11, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x12, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x13, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x14, subleaf: 0x0, mask: [0xffffffff, 0, 0, 0], value: [0x1, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x14, subleaf: 0x1, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x15, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x19, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xfffffffe, 0xffffffff, 0xffffffff] },
  { leaf: 0x1d, subleaf: 0x0, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x1d, subleaf: 0x1, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x1e, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x1f, subleaf: 0x0, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x1f, subleaf: 0x1, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x1f, subleaf: 0x2, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x1f, subleaf: 0x3, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x1f, subleaf: 0x4, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x1f, subleaf: 0x5, mask: [0, 0, 0xff00, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0] },
  { leaf: 0x20, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x21, subleaf: 0x0, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x80000000, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x80000001, subleaf: null, mask: [0, 0, 0x121, 0x2c100800], value: [0, 0, 0x121, 0x2c100800], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x80000006, subleaf: null, mask: [0, 0, 0xff, 0], value: [0, 0, 0x40, 0], same: [0, 0, 0xff, 0] },
  { leaf: 0x80000007, subleaf: null, mask: [0, 0, 0, 0x100], value: [0, 0, 0, 0x100], same: [0, 0, 0, 0x100] },
  { leaf: 0x22, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0, 0, 0, 0] },
  { leaf: 0x23, subleaf: 0x0, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x23, subleaf: 0x1, mask: [0xffffff00, 0xfffffff0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x23, subleaf: 0x2, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x23, subleaf: 0x3, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
  { leaf: 0x5, subleaf: null, mask: [0, 0, 0, 0], value: [0, 0, 0, 0], same: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] },
] as const satisfies readonly CPUIDRule[];

type FourRegisters = readonly [eax: number, ebx: number, ecx: number, edx: number];

interface CPUIDRule {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly mask: FourRegisters;
  readonly value: FourRegisters;
  readonly same: FourRegisters;
}

/** The same, four words a rule, for the loops. */
export const CPUID_MASK = Uint32Array.from(CPUID_RULES.flatMap((rule) => rule.mask));
export const CPUID_VALUE = Uint32Array.from(CPUID_RULES.flatMap((rule) => rule.value));
export const CPUID_SAME = Uint32Array.from(CPUID_RULES.flatMap((rule) => rule.same));
