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
  /** Cases a campaign starts with. */
  readonly cases: number;
  readonly events: number;
  /** Reached by those cases. */
  readonly edges: number;
  readonly known: readonly { readonly kernel: string; readonly count: number }[];
}

export function corpusCommand(context: Context): Command {
  const command = new Command('corpus').description('look after saved cases');
  command
    .command('stats')
    .description('what a corpus holds and reaches')
    .argument('[folder]', 'corpus (default: the one of this checkout)')
    .option('--json', 'print JSON')
    .action((folder: string | undefined, { json }: { json?: boolean }) => stats(context, folder, json === true));
  command
    .command('merge')
    .description('add the cases and known deviations of other corpora to one')
    .argument('<into>', 'corpus that is added to')
    .argument('<from...>', 'corpora, or folders of cases such as reports/findings')
    .action((into: string, from: readonly string[]) => merge(context, into, from));
  command
    .command('promote')
    .description('make known deviations of findings that reasons.json explains')
    .argument('<findings>', 'folder of findings, such as reports/findings')
    .option('--corpus <folder>', 'corpus they go to', 'corpus')
    .action((findings: string, { corpus }: { corpus: string }) => promote(context, findings, corpus));
  command
    .command('min')
    .description('remove cases that reach nothing the others do not, smaller cases preferred')
    .argument('<folder>', 'corpus')
    .option('--dry-run', 'only say what would go')
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
  terminal.out(`${into}: ${added} added, ${there} were there already\n`);
  if (added + there === 0) process.exitCode = EXIT.INCONCLUSIVE;
}

/** A corpus from elsewhere is data: the name of a kernel becomes the name of a folder only if it is a revision's. */
function requireKernel({ kernels }: Context['stages'], kernel: string, path: string): void {
  if (!kernels.includes(kernel))
    throw new UserError(`${path}: unknown kernel '${printable(kernel, 60)}': expected one of ${kernels.join(', ')}`);
}

/** Keeps a known deviation under the name of its bucket; never in place of a different case. */
function addKnown(into: string, file: CaseFile): void {
  const { kernel } = file.case.profile;
  const target = join(into, 'known', kernel, bucketFileName(file.known?.bucket ?? ''));
  if (kindOfPath(target) !== undefined)
    throw new UserError(`${target} already holds another case; move it out of the way, and merge again`);
  writeAtomic(target, encodeCaseFile(file));
}

/** Of a corpus its cases and known deviations (not its platforms and recordings); of any other folder every case. */
function casesBelow(folder: string): readonly string[] {
  if (kindOfPath(folder) !== 'folder') throw new UserError(`no folder ${folder}`);
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
  terminal.out(`${at}: ${files.length - gone.length} kept, ${gone.length} ${dryRun ? 'would go' : 'removed'}\n`);
}
