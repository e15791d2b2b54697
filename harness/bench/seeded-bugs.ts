import { rmSync } from 'node:fs';
import { buildKernel } from '../implementations/linux/build.ts';
import { judgeAgainstModel, startKernel } from '../implementations/linux/judge.ts';
import type { Judge } from '../oracle/judge.ts';
import { findProfile } from '../profile.ts';
import { stages } from '../pipeline.ts';
import { shrink } from '../shrink/shrink.ts';
import { listCaseFiles, readCaseFile } from '../store/case-store.ts';
import { loadKnown } from '../store/known.ts';
import { benchTree } from '../testing/bench-tree.ts';
import { SEEDED_BUGS, seedBug } from '../testing/seeded-bugs.ts';

/**
 * Cases and seconds until one-line bugs in a copy of a kernel tree are found, and the size of the shrunk cases:
 * `node ... [TREE] [CASES]`.
 */
const words = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const tree = benchTree(words);
const cases = Number(words[1] ?? 20_000);
const profile = { kernel: '6.12', module: stages.defaultModule('6.12') };
const known = new Set(
  loadKnown('corpus')
    .filter((one) => one.case.profile.kernel === profile.kernel)
    .map(({ bucket }) => bucket),
);
const host = listCaseFiles('corpus/host').map((path) => readCaseFile(path).case);
let missed = 0;
for (const bug of SEEDED_BUGS) {
  const copy = seedBug(tree, bug);
  const kernel = startKernel(buildKernel(copy), findProfile(profile).revision, bug.name);
  const judge: Judge = (one, full) => judgeAgainstModel(kernel, one, full);
  const start = performance.now();
  let line = 'MISSED';
  for (let index = 0; index < cases; index += 1) {
    const input = host[index] ?? stages.generate('seamstress', index, { profile, mood: stages.moods[0] ?? 'default' });
    const found = judge(input, false).violations.find(({ bucket }) => !known.has(bucket));
    if (found === undefined) continue;
    const at = (performance.now() - start) / 1000;
    const result = shrink(input, found.bucket, judge, { evaluations: 3000 });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    line = `case ${index}, ${at.toFixed(1)} s; shrunk to ${result?.case.events.length} events by ${seconds} s (${result?.evaluations} tries): ${found.bucket}`;
    break;
  }
  if (line === 'MISSED') missed += 1;
  process.stdout.write(`${bug.name.padEnd(42)} ${line}\n`);
  kernel.child.close();
  rmSync(copy, { recursive: true });
}
process.exitCode = missed === 0 ? 0 : 1;
