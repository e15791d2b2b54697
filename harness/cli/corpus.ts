import { counted, printable } from '../text.ts';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Case, CaseFile } from '../case.ts';
import { addCase, bucketFileName, caseHash, listCaseFiles, readCaseFile } from '../store/case-store.ts';
import { kindOfPath } from '../store/read.ts';
import { writeAtomic } from '../store/atomic.ts';
import { encodeCaseFile } from '../case.ts';
import { minimiseCorpus } from '../store/minimise.ts';
import { loadKnown } from '../store/known.ts';
import type { Context } from './screen/context.ts';
import { promote } from './corpus-promote.ts';
import { openCorpus } from './options/corpus-option.ts';
import { EXIT, UserError } from '../user-error.ts';

/** What `corpus stats --json` prints. */
export interface CorpusStats {
  readonly path: string;
  /** Number of cases that a campaign starts with. */
  readonly cases: number;
  readonly events: number;
  /** Number of edges that those cases reach. */
  readonly edges: number;
  readonly known: readonly { readonly kernel: string; readonly count: number }[];
}

export function corpusCommand(context: Context): Command {
  const command = new Command('corpus')
    .summary('manage saved cases')
    .description('Manages a corpus: a folder with saved cases in cases/ and known deviations in known/KERNEL/.');
  command
    .command('stats')
    .summary('count the cases of a corpus, and what they reach')
    .description(
      'Prints the number of cases that a campaign starts with, their events, the edges that they reach, and the known\n' +
        'deviations of each kernel. Exit code 3 if the corpus has no case.',
    )
    .argument('[folder]', 'corpus (default: the corpus of this checkout)')
    .option('--json', 'print the numbers as JSON')
    .action((folder: string | undefined, { json }: { json?: boolean }) => stats(context, folder, json === true));
  command
    .command('merge')
    .summary('add the cases of other corpora to a corpus')
    .description(
      'Copies cases and known deviations to a corpus, except those that it already has, and prints how many were added.\n' +
        'Exit code 3 if there is nothing to copy.',
    )
    .argument('<into>', 'corpus to add to')
    .argument('<from...>', 'corpora, or folders of cases such as reports/findings')
    .action((into: string, from: readonly string[]) => merge(context, into, from));
  command
    .command('promote')
    .summary('turn explained findings into known deviations')
    .description(
      'Adds each finding that the reasons.json of a corpus explains to its known deviations. The findings stay where\n' +
        'they are. Prints those that it does not explain; if there are any, the exit code is 1.',
    )
    .argument('<findings>', 'folder of findings, such as reports/findings')
    .option('--corpus <folder>', 'corpus to add the known deviations to', 'corpus')
    .action((findings: string, { corpus }: { corpus: string }) => promote(context, findings, corpus));
  command
    .command('min')
    .summary('remove redundant cases from a corpus')
    .description(
      'Removes the cases of a corpus that reach nothing that the others do not reach. Smaller cases are kept first.',
    )
    .argument('<folder>', 'corpus')
    .option('--dry-run', 'remove nothing; only print how many cases would be removed')
    .action((folder: string, { dryRun }: { dryRun?: boolean }) => min(context, folder, dryRun === true));
  return command;
}

function stats(context: Context, folder: string | undefined, json: boolean): void {
  const { stages, terminal } = context;
  const { path, cases, known } = openCorpus(context, folder);
  const edges = new Set(cases.flatMap((one) => stages.judge(one.case).edges));
  const kernels = [...new Set(known.map((one) => one.case.profile.kernel))].sort();
  const report: CorpusStats = {
    path,
    cases: cases.length,
    events: cases.reduce((sum, one) => sum + one.case.events.length, 0),
    edges: edges.size,
    known: kernels.map((kernel) => ({
      kernel,
      count: known.filter((one) => one.case.profile.kernel === kernel).length,
    })),
  };
  const lines = [
    `${path}: ${counted(report.cases, 'case')}, ${counted(report.events, 'event')}, ${counted(report.edges, 'edge')}`,
    ...report.known.map(({ kernel, count }) => `known deviations of ${kernel}: ${count}`),
  ];
  terminal.out(json ? `${JSON.stringify(report, null, 2)}\n` : `${lines.join('\n')}\n`);
  if (cases.length + known.length === 0) process.exitCode = EXIT.INCONCLUSIVE;
}

function merge({ terminal, stages }: Context, into: string, from: readonly string[]): void {
  const known = kindOfPath(into) === undefined ? [] : loadKnown(into);
  const buckets = new Set(known.map((one) => `${one.case.profile.kernel}\n${one.bucket}`));
  const folder = join(into, 'cases');
  const hashes = new Set(
    kindOfPath(folder) === 'folder' ? listCaseFiles(folder).map((path) => caseHash(readCaseFile(path).case)) : [],
  );
  let [added, there] = [0, 0];
  for (const path of from.flatMap(casesBelow)) {
    const file = readCaseFile(path);
    requireKernel(stages, file.case.profile.kernel, path);
    const bucket = file.known === undefined ? undefined : `${file.case.profile.kernel}\n${file.known.bucket}`;
    const hash = caseHash(file.case);
    if (bucket === undefined ? hashes.has(hash) : buckets.has(bucket)) {
      there += 1;
      continue;
    }
    added += 1;
    if (bucket === undefined) addCase(folder, { case: file.case });
    else addKnown(into, file);
    if (bucket === undefined) hashes.add(hash);
    else buckets.add(bucket);
  }
  terminal.out(`${into}: ${added} added, ${there} already present\n`);
  if (added + there === 0) process.exitCode = EXIT.INCONCLUSIVE;
}

/** A corpus from elsewhere is untrusted: its kernel names a folder, so it must be one of the revisions. */
function requireKernel({ kernels }: Context['stages'], kernel: string, path: string): void {
  if (!kernels.includes(kernel))
    throw new UserError(`${path}: unknown kernel '${printable(kernel, 60)}': expected one of ${kernels.join(', ')}`);
}

/** Writes a known deviation under the name of its bucket. Throws a UserError if another case has that name. */
function addKnown(into: string, file: CaseFile): void {
  const { kernel } = file.case.profile;
  const target = join(into, 'known', kernel, bucketFileName(file.known?.bucket ?? ''));
  if (kindOfPath(target) !== undefined)
    throw new UserError(`${target} already has another case: move it to another folder, then merge again`);
  writeAtomic(target, encodeCaseFile(file));
}

/** The cases and known deviations of a corpus (not its platforms and recordings), or every case of another folder. */
function casesBelow(folder: string): readonly string[] {
  if (kindOfPath(folder) !== 'folder')
    throw new UserError(`no folder ${folder}: expected a corpus, or a folder of cases`);
  const parts = ['known', 'cases'].map((name) => join(folder, name)).filter((path) => kindOfPath(path) === 'folder');
  return parts.length === 0 ? listCaseFiles(folder) : parts.flatMap(listCaseFiles);
}

function min({ stages, terminal }: Context, folder: string, dryRun: boolean): void {
  const at = join(folder, 'cases');
  if (kindOfPath(at) !== 'folder') throw new UserError(`no cases in ${folder}: expected a folder ${at}`);
  const files = listCaseFiles(at).map((path) => ({ path, case: readCaseFile(path).case }));
  const edgesOf = (input: Case): readonly number[] => stages.judge(input).edges;
  const gone = minimiseCorpus(files, edgesOf);
  if (!dryRun) for (const { path } of gone) rmSync(path);
  terminal.out(
    `${at}: ${files.length - gone.length} kept, ${gone.length} ${dryRun ? 'would be removed' : 'removed'}\n`,
  );
}
