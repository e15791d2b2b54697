import { basename, join } from 'node:path';
import { Command } from 'commander';
import type { BootOutcome, Machine } from '../platform-file/boot-machine.ts';
import type { ReportedOutcome } from '../platform-file/reported-outcome.ts';
import { decodeCaseFile } from '../case.ts';
import { parseJSONText } from '../json-text.ts';
import { publishedSchema } from '../schema.ts';
import { listCaseFiles } from '../store/case-store.ts';
import { kindOfPath, readText } from '../store/read.ts';
import type { Context } from './screen/context.ts';
import { nameOf } from './options/corpus-option.ts';
import { UserError } from '../user-error.ts';
import { addProfileOptions, type ProfileOptions, profileOf } from './options/profile-options.ts';
import { didYouMean } from './options/suggest.ts';

export const BOOT_SCHEMA = publishedSchema<BootOutcome>('./report/boot.schema.json');

export function bootCommand(context: Context): Command {
  const command = new Command('boot')
    .summary('boot one machine and print what the kernel prints')
    .description(
      [
        'Takes one machine through BIOS, MCHECK and a kernel that initialises TDX. Prints dmesg, the result, the size of',
        'the PAMTs and the TDMRs; for a platform file also whether the result agrees with the one that its source',
        'reports, and every assumption made about a value that the file does not give.',
        '',
        'A failed initialisation is a result, not an error: the exit code is 0.',
      ].join('\n'),
    )
    .argument('<platform>', 'platform file, case file, or name of a machine in corpus/platforms')
    .option('--json', 'print the result as JSON (harness/report/boot.schema.json)');
  return addProfileOptions(command, context.stages).action(
    (name: string, options: ProfileOptions & { json?: boolean }) => boot(context, name, options),
  );
}

function boot(context: Context, name: string, options: ProfileOptions & { json?: boolean }): void {
  const { stages, terminal } = context;
  const outcome = stages.boot(machineAt(fileOf(context, name)), profileOf(options, stages));
  terminal.out(options.json === true ? `${JSON.stringify(outcome, null, 2)}\n` : render(outcome));
}

/** The file of a machine: `name` is its path, or its name in corpus/platforms. */
function fileOf({ root }: Context, name: string): string {
  const kind = kindOfPath(name);
  if (kind === 'file') return name;
  if (kind === 'folder') throw new UserError(`${name} is a folder: expected one platform file or case file`);
  const folder = nameOf(join(root, 'corpus', 'platforms'));
  const machines = kindOfPath(folder) === 'folder' ? listCaseFiles(folder) : [];
  const names = machines.map((path) => basename(path, '.json'));
  const found = machines[names.indexOf(name)];
  if (found !== undefined) return found;
  throw new UserError(`there is no file ${name}, and no machine of this name in ${folder}${didYouMean(name, names)}`);
}

function machineAt(path: string): Machine {
  const text = readText(path);
  const file = parseJSONText(text, path, 'a platform or a case in JSON');
  const isCase = typeof file === 'object' && file !== null && 'formatVersion' in file;
  return isCase ? { platform: decodeCaseFile(text, path).case.platform } : { file, name: path };
}

function render({
  kernel,
  module,
  errno,
  errnoName,
  initialised,
  pamtKB,
  keyids,
  tdmrs,
  dmesg,
  defaults,
  reported,
}: BootOutcome): string {
  const end = initialised
    ? `initialised, ${pamtKB} KB of PAMT`
    : `not initialised: ${errno}${errnoName === null ? '' : ` (${errnoName})`}`;
  const range = keyids === null ? 'none' : `[${keyids[0]}, ${keyids[1]})`;
  return [
    ...dmesg,
    '',
    `kernel ${kernel} on TDX module ${module}: ${end}; TDX KeyIDs ${range}`,
    ...tdmrs.map(({ base, size, reserved }) => `TDMR at ${base}, ${size} bytes, ${reserved} reserved areas`),
    ...(reported === null ? [] : reportedLines(reported)),
    ...defaults.map((sentence) => `assumed: ${sentence}`),
    '',
  ].join('\n');
}

function reportedLines({ text, difference, comparable, why }: ReportedOutcome): string[] {
  const same = comparable
    ? 'agrees: the model has the same result'
    : 'not compared: the source does not report just a success or just a failure';
  return [
    `source reports: ${text}`,
    difference === null ? same : `differs: ${difference}`,
    ...why.map((sentence) => `possible reason: ${sentence}`),
  ];
}
