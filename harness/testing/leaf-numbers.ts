import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';

/**
 * Finds literal numbers of SEAMCALL leaves in a source file: 0x24 and '0x24' as well as 36. Calls with `LEAF_NUMBER`
 * read like the specification and cannot have a wrong number.
 */
export function leafNumbersIn(code: string): readonly string[] {
  // CPUID has leaves, too; code that handles them also has sub-leaves.
  const kinds = /subleaf/i.test(code) ? SEAMCALL_ONLY : [...SEAMCALL_ONLY, ...ALSO_CPUID];
  return kinds.flatMap((kind) => [...code.matchAll(kind)].map(([found]) => found.replace(/\s+/g, ' ').trim()));
}

/** Leaf numbers have at most so many digits; a status or an address has more. */
const NUMBER = String.raw`(?:0x[\da-f]{1,4}\b|\d{1,5}\b|'0x[\da-f]{1,4}')(?![.\w])`;
/** Excludes 0, which is success in RAX. */
const NOT_ZERO = `(?!0\\b|'?0x0\\b)${NUMBER}`;

/** Names of a leaf as in constants, except those of one word: `TDH_SYS_LP_INIT`, `SYS_LP_INIT`, `LP_INIT`. */
const SPELLINGS = Object.keys(LEAF_NUMBER).flatMap((name) => {
  const words = name.split('.');
  return words.slice(0, -1).map((_, from) => words.slice(from).join('_'));
});

const SEAMCALL_ONLY: readonly RegExp[] = [
  // const TDMR_INIT = 36, { TDMR_INIT: 36 }
  new RegExp(`\\b(?:${[...new Set(SPELLINGS)].join('|')})\\b(?:: number)? ?[=:] ${NUMBER}`, 'g'),
  // const LEAVES: readonly number[] = [36], const LEAF = { X: 36 }, const BY_LEAF = new Map([[36
  new RegExp(
    String.raw`\bconst (?!CPUID)(?:[A-Z\d]+_)*LEA(?:F|VES)(?:_[A-Z\d]+)*(?:: [^=]+)? = (?:new \w+(?:<[^(]*>)?\((?=\[))?(?:[[{]\s*)*(?:\w+: )?${NUMBER}`,
    'g',
  ),
  // regs.rax = 36, rax === '0x24', { rax: 36 }, registers(36, case 36 of switch (rax)
  new RegExp(String.raw`\brax\)? (?:=|===|!==) ${NOT_ZERO}|\brax: ${NOT_ZERO}|\bregisters\(${NOT_ZERO}`, 'g'),
  new RegExp(String.raw`\bswitch \([^)]*\brax\) \{\s*case ${NUMBER}`, 'g'),
  new RegExp(String.raw`\[(?:${NUMBER},?\s*)+\]\.includes\([^)]*\brax\b`, 'g'),
];

const ALSO_CPUID: readonly RegExp[] = [
  // entry.leaf === 36, { leaf: 36 }, leaf = 36, case 36 of switch (leaf), [36].includes(leaf)
  new RegExp(String.raw`\bleaf\)? (?:=|===|!==) ${NUMBER}|\bleaf: ${NUMBER}`, 'g'),
  new RegExp(String.raw`\bswitch \([^)]*\bleaf\) \{\s*case ${NUMBER}`, 'g'),
  new RegExp(String.raw`\[(?:${NUMBER},?\s*)+\]\.includes\([^)]*\bleaf\b`, 'g'),
];
