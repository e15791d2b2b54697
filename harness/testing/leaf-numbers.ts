import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';

/**
 * Places of a source file where the number of a SEAMCALL leaf stands as a literal, 0x24 and '0x24' as well as 36.
 * Calls that are written with `LEAF_NUMBER` read like the specification, and none of them can be the wrong number.
 */
export function leafNumbersIn(code: string): readonly string[] {
  // CPUID has leaves too, and whoever handles those has sub-leaves beside them.
  const kinds = /subleaf/i.test(code) ? SEAMCALL_ONLY : [...SEAMCALL_ONLY, ...ALSO_CPUID];
  return kinds.flatMap((kind) => [...code.matchAll(kind)].map(([found]) => found.replace(/\s+/g, ' ').trim()));
}

/** No leaf number has more digits; a status or an address has. */
const NUMBER = String.raw`(?:0x[\da-f]{1,4}\b|\d{1,5}\b|'0x[\da-f]{1,4}')(?![.\w])`;
/** In RAX, 0 is success. */
const NOT_ZERO = `(?!0\\b|'?0x0\\b)${NUMBER}`;

/** `TDH_SYS_LP_INIT`, `SYS_LP_INIT`, `LP_INIT`: the leaf's names as constants have them, those of one word left out. */
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
