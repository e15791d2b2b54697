import type { Named, NamedThing } from '../../../model/kernel/message-text.ts';

/** How English lines of dmesg name things; the first group is the number of an LP, package or KeyID, or a region's base. */
const WORDS: readonly (readonly [what: Named, words: RegExp])[] = [
  ['leaf', /SEAMCALL.*0x[0-9a-f]+|TDH\.[A-Z]+/i],
  [
    'reason',
    /#GP|#UD|general protection|invalid opcode|\bVMX|SEAMRR|BIOS|not loaded|offline|no (?:online )?CPU|\bpackages? ?\d|not (?:convertible|online|supported|enough)|unsupported|exhausted|out of\b|too (?:old|few|many|small|large)|missing|invalid|corrupt|no (?:memory|room|space|entropy)|busy|failed (?:before|earlier|previously)|previous(?:ly)?\b|reboot|hibernation|erratum/i,
  ],
  [
    'absence',
    /\bmodule\b.*\b(?:not|never|isn't) (?:been )?(?:loaded|there|present|found)|\bno (?:TDX )?module\b|\bmodule\b.*\b(?:missing|absent)\b/i,
  ],
  ['region', /0x([0-9a-f]+) ?[-,] ?0x([0-9a-f]+)/i],
  ['lp', /\b(?:CPU|LP)s?[ #]*(\d+)/i],
  ['package', /\bpackages?[ #]*(\d+)/i],
  ['keyid', /\b(?:HKID|KeyID)s?[ #]*(\d+)/i],
];

/** What a line names that is in no catalogue: at most one thing of each kind, the first. Of `<3>text` or plain text. */
export function readWords(text: string): readonly NamedThing[] {
  return WORDS.flatMap(([what, words]): readonly NamedThing[] => {
    const match = words.exec(text);
    if (match === null) return [];
    const [, value, end] = match;
    if (value === undefined) return [{ what }];
    return end === undefined
      ? [{ what, value: Number(value) }]
      : [{ what, value: parseInt(value, 16), end: parseInt(end, 16) }];
  });
}
