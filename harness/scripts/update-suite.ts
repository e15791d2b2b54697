import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RELEASES } from '../../model/module/release.ts';
import { renderMatrix } from '../implementations/module/suite/table.ts';
import type { Reached } from '../implementations/module/suite/reach.ts';
import { keyOf, reachedBy } from '../implementations/module/suite/reach.ts';
import type { SuiteCase } from '../implementations/module/suite/suite.ts';
import { buildSuite } from '../implementations/module/suite/suite.ts';
import { readJSONLines } from '../transcript/json-lines.ts';
import { readModuleCase } from '../transcript/module-case.ts';

// Rewrites corpus/conformance/ and the matrix in corpus/README.md: `npm run conformance`.

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = `${ROOT}corpus/conformance/`;
const README = `${ROOT}corpus/README.md`;
const BEGIN = '<!-- conformance matrix: written by `npm run conformance` -->\n';
const END = '<!-- end of the conformance matrix -->\n';

const INTRODUCTION = `\`conformance/\` has a minimal set of cases. It reaches every (leaf, status, details) that the recordings, the faults of
\`harness/implementations/module/suite/faults/\` and the awkward configurations reach; without any one of its cases some
answer would not be reached. There is one file per leaf, with one case per line in the shape of \`transcripts/module.md\`; the
\`id\` of a case names the answer that it shows. \`npx seamstress check-trace corpus/conformance/*.jsonl\` runs the suite.
`;

const recorded: unknown[] = [];
for await (const { value } of readJSONLines(`${ROOT}corpus/transcripts/module-1.5.01.jsonl.gz`)) recorded.push(value);
const suite = buildSuite(recorded, RELEASES['1.5.01-recorded']);

mkdirSync(FOLDER, { recursive: true });
for (const name of readdirSync(FOLDER)) if (name.endsWith('.jsonl')) rmSync(FOLDER + name);
const byLeaf = new Map<string, SuiteCase[]>();
for (const one of suite) byLeaf.set(one.leaf, [...(byLeaf.get(one.leaf) ?? []), one]);
for (const [leaf, cases] of byLeaf) {
  const lines = cases.map(({ line }) => JSON.stringify(line)).sort();
  writeFileSync(`${FOLDER}${leaf.toLowerCase().replaceAll('.', '-')}.jsonl`, `${lines.join('\n')}\n`);
}
writeFileSync(README, withMatrix(existsSync(README) ? readFileSync(README, 'utf8') : '# Corpus\n'));
process.stdout.write(
  `${suite.length} cases reach ${suite.reduce((sum, { shows }) => sum + shows.length, 0)} answers\n`,
);

function withMatrix(text: string): string {
  const reached = new Map<string, Reached>();
  for (const { line } of suite) for (const one of reachedBy(readModuleCase(line))) reached.set(keyOf(one), one);
  const matrix = `${BEGIN}\n${renderMatrix([...reached.values()])}\n${END}`;
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin >= 0 && end > begin) return text.slice(0, begin) + matrix + text.slice(end + END.length);
  return `${text}\n## Conformance suite\n\n${INTRODUCTION}\n${matrix}`;
}
