import { LEAF_NUMBER, type LeafName, leafName } from '../../model/abi/leaf-number.ts';
import { LEAVES } from '../../model/module/leaves/index.ts';
import type { Entry, Evidence } from './entry.ts';
import { kernelsOf, smallestCase } from './evidence.ts';
import { LEAF_MEANING } from './leaf-meaning.ts';

/** The leaf that a name, its number in hexadecimal or a name without `TDH.` means; `undefined` for none. */
export function findLeaf(text: string): LeafName | undefined {
  const upper = text.toUpperCase();
  for (const name of [upper, `TDH.${upper}`]) if (name in LEAF_NUMBER) return name as LeafName;
  return /^0x[0-9a-f]{1,4}$/i.test(text) ? leafName(Number(text)) : undefined;
}

/** A leaf; `undefined` for a name of none. */
export function leafEntry(name: string, evidence: Evidence): Entry | undefined {
  if (!(name in LEAF_NUMBER)) return undefined;
  const { does, operands, results, when } = LEAF_MEANING[name as LeafName];
  const number = LEAF_NUMBER[name as LeafName];
  const leaf = LEAVES.find((one) => one.name === name);
  const answers = evidence.answers.filter((one) => one.leaf === name);
  const statuses = [...new Set(answers.map(({ status }) => status))].sort();
  const known = evidence.known.filter(({ bucket }) => bucket.split('|').includes(name));
  const [shortest] = [...answers].sort((a, b) => a.steps - b.steps);
  return {
    kind: 'leaf',
    name,
    what: does,
    why: when === '' ? [] : [when],
    facts: [
      { label: 'number', text: `${number} (0x${number.toString(16)})` },
      ...operands.map(({ register, holds }) => ({ label: register, text: holds })),
      ...results.map(({ register, holds }) => ({ label: `${register} out`, text: holds })),
      ...(statuses.length === 0 ? [] : [{ label: 'answers', text: statuses.join(', ') }]),
      ...(leaf === undefined ? [{ label: 'model', text: 'the model does not answer this leaf' }] : []),
    ],
    source: leaf?.source ?? 'TDX Module ABI specification, "Host-Side (SEAMCALL) Interface Functions"',
    brokenBy: kernelsOf(known),
    case:
      smallestCase(known, evidence) ??
      (shortest === undefined
        ? null
        : {
            file: shortest.file,
            text: `case '${shortest.id}'`,
            command: `npx seamstress check-trace ${shortest.file}`,
          }),
  };
}
