import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import { STATUS } from '../../model/abi/status.ts';
import { parseU64 } from '../../model/abi/u64.ts';
import { SOMETIMES } from '../../model/invariants/sometimes.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { MOOD_NAMES } from '../generate/mood.ts';
import { KERNEL_NAMES, MODULE_NAMES } from '../profile.ts';
import type { Entry, EntryKind, Evidence } from './entry.ts';
import { findFlaw, flawEntry, flawName } from './flaws.ts';
import { findLeaf, leafEntry } from './leaves.ts';
import { kernelEntry, moduleEntry, moodEntry } from './profiles.ts';
import { ALL_RULES, bucketEntry, ruleEntry } from './rules.ts';
import { SOFTWARE_STATUS } from './software-status.ts';
import { findStatus, statusEntry } from './statuses.ts';

/** Every name that `explain` knows, by kind; buckets are those of known deviations. */
export function catalogueNames(evidence: Evidence): Readonly<Record<EntryKind, readonly string[]>> {
  return {
    rule: [...ALL_RULES.keys(), ...SOMETIMES.map(({ id }) => id)],
    flaw: FLAWS.map(flawName),
    kernel: KERNEL_NAMES,
    module: MODULE_NAMES,
    mood: MOOD_NAMES,
    leaf: Object.keys(LEAF_NUMBER),
    status: [...Object.keys(STATUS), ...SOFTWARE_STATUS.map(({ name }) => name)],
    // The only bucket of a rule is called like the rule.
    bucket: [...new Set(evidence.known.map(({ bucket }) => bucket))].filter((name) => name.includes('|')).sort(),
  };
}

/**
 * Everything that a name means: an id, a bucket, a flaw by number or name, a status by name or value, a leaf by name or
 * number (hexadecimal), a kernel, a module, a mood. Empty for a name of nothing; one name may mean several things.
 */
export function explain(text: string, evidence: Evidence): readonly Entry[] {
  const found: (Entry | undefined)[] = [
    text.includes('|') ? bucketEntry(text, evidence) : ruleEntry(text, evidence),
    kernelEntry(text, evidence),
    moduleEntry(text, evidence),
    moodEntry(text),
  ];
  const status = findStatus(text);
  if (status !== undefined)
    found.push(statusEntry(status, evidence, /^0x/i.test(text) ? parseU64(text.toLowerCase()) : undefined));
  const leaf = findLeaf(text);
  if (leaf !== undefined) found.push(leafEntry(leaf, evidence));
  const flaw = findFlaw(text);
  if (flaw !== undefined) found.push(flawEntry(flaw, evidence));
  return found.filter((entry) => entry !== undefined);
}

/** All entries of a kind, in the order of their catalogue. */
export function entriesOf(kind: EntryKind, evidence: Evidence): readonly Entry[] {
  return catalogueNames(evidence)[kind].flatMap((name) =>
    explain(name, evidence).filter((entry) => entry.kind === kind),
  );
}
