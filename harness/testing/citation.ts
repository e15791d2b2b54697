import { MAILS, SERIES } from '../../model/sources.ts';

/**
 * The forms of a `source`: clauses separated by `; `, each of which names something a reader can open. Remarks follow in
 * brackets at the end of a clause, or after a colon.
 */
export type Form =
  | 'mail'
  | 'patch'
  | 'kernel'
  | 'module'
  | 'specification'
  | 'recording'
  | 'commit'
  | 'address'
  | 'here'
  | 'no-address';

/** The clauses of a source; `; ` inside quotes or brackets does not separate clauses. */
export function clausesOf(source: string): readonly string[] {
  const clauses: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let at = 0; at < source.length; at += 1) {
    const sign = source[at];
    if (sign === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (sign === '(') depth += 1;
    else if (sign === ')') depth -= 1;
    else if (depth === 0 && source.startsWith('; ', at)) {
      clauses.push(source.slice(start, at));
      start = at + 2;
    }
  }
  return [...clauses, source.slice(start)];
}

const LINUX = /\bLinux \d+\.\d+/;
const KERNEL_THING = /\w\(\)|\b[\w/.-]+\.(?:c|h|S|rst)\b|^config [A-Z]/;
const MODULE_FILE = /^(?:tdh|tdx)_\w+\.c(?: and tdh_\w+\.c)?, TDX module \d+\.\d+\.\d+/;
const SPECIFICATION = /^TDX Module (?:ABI |\d\.\d )?specification(?:, \S| \()/;
const COMMIT = /^commit [0-9a-f]{12} "[^"]+", Linux \d+\.\d+/;
const ADDRESS = /^(?:https:\/\/)?github\.com\/[\w.-]+\/[\w.-]+\/(?:issues\/\d+|releases)(?: and \/\d+)*(?: |$)/;
const HERE = /^(model\/[\w./-]+): \S/;
const NO_ADDRESS = /\(archived copy, no public address\)/;
const RECORDING = /^record(?:ing|ings|ed case|ed cases|ings of TDX module) \S/;
const ANSWER = /\bv\d+ \d{2}\/\d{2}(?: review|, [A-Z][a-z]+ [A-Z][a-z]+)/;
const PATCH = /\bv\d+ \d{2}\/\d{2}\b/;

/** The form of a clause, or its error. */
export function formOf(clause: string): Form | { readonly wrong: string } {
  if (MAILS.some((mail) => isCited(clause, mail.cite))) return 'mail';
  if (/^"|, \d{1,2} [A-Z][a-z]{2} \d{4}/.test(clause) && !clause.startsWith('commit'))
    return { wrong: 'a mail that is not in model/sources.ts' };
  if (COMMIT.test(clause)) return 'commit';
  if (MODULE_FILE.test(clause)) return 'module';
  if (SPECIFICATION.test(clause)) return 'specification';
  if (ADDRESS.test(clause)) return 'address';
  if (HERE.test(clause)) return 'here';
  if (NO_ADDRESS.test(clause)) return 'no-address';
  if (RECORDING.test(clause)) return 'recording';
  if (ANSWER.test(clause)) return { wrong: 'an answer to a patch is cited by author and date' };
  if (PATCH.test(clause)) return wrongPatch(clause) ?? 'patch';
  if (LINUX.test(clause) && KERNEL_THING.test(clause)) return 'kernel';
  return { wrong: 'none of the forms in harness/testing/citation.ts' };
}

/** True if the clause begins with the mail; `A and B` cites the mails of both. */
function isCited(clause: string, cite: string): boolean {
  const plain = clause.replace(/^(v\d+ \d{2}\/\d{2}, )[A-Z][\w ]+ and ([A-Z][\w ]+, \d)/, '$1$2');
  return plain.startsWith(cite) && (plain.length === cite.length || plain.startsWith(`${cite} (`));
}

/** The first error in the patches that a clause names: a wrong version, number or title. */
function wrongPatch(clause: string): { readonly wrong: string } | undefined {
  const titled = / "([^"]+)"/.exec(clause.replace(/, "[^"]*"|\([^)]*"[^)]*\)/g, ''))?.[1];
  for (const [patch, version, number, total] of clause.matchAll(/\b(v\d+) (\d{2})\/(\d{2})\b/g)) {
    const series = SERIES.find(({ name }) => name === version);
    if (series === undefined) return { wrong: `${patch}: no such version in model/sources.ts` };
    const title = series.titles[Number(number) - 1];
    if (series.titles.length !== Number(total) || title === undefined)
      return { wrong: `${patch}: ${version} has ${series.titles.length} patches` };
    if (titled !== undefined && titled !== title) return { wrong: `${patch} is "${title ?? 'of unknown title'}"` };
  }
  return undefined;
}
