import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { LEVELS } from '../implementations/module/compare-answers.ts';
import { closeAll, type Identified, identifyAll } from '../implementations/open.ts';
import { type ImplementationName, parseImplementation } from '../implementations/name.ts';
import { conformHosts, type HostOptions } from './conform-host.ts';
import { conformModules, type ModuleOptions } from './conform-module.ts';
import type { Stages } from '../campaign/stages.ts';
import type { Context } from './screen/context.ts';
import { UserError } from '../user-error.ts';
import { REPORTERS, type Reporter } from './screen/fuzz-reports.ts';
import { kernelOption, moduleOption } from './options/profile-options.ts';
import { timeoutOption } from './options/timeout-option.ts';
import { duration, listOf, oneOf, positiveInteger, seed } from './options/values.ts';

type Options = Omit<HostOptions & ModuleOptions, 'reporter'> & { readonly reporter?: readonly string[] };

const DEFAULT_SEED = 'seamstress';
const DEFAULT_RESTARTS = 100;
/** All reports; html exists for modules only. */
const ALL_REPORTERS = [...REPORTERS, 'html'];

/** Options of one kind of implementation only: an error with another kind. */
const HOST_ONLY = ['between', 'known', 'workers', 'mood', 'corpus', 'kernel', 'extra', 'cc', 'timings'];
const MODULE_ONLY = ['compare', 'restarts'];
const LINUX_ONLY = ['extra', 'cc'];

const DESCRIPTION = [
  'Compares an implementation with the model, and checks it against the rules. Prints the findings, each with a minimal',
  'case and the command that runs it again, and saves the cases in the output folder.',
  '',
  'linux:TREE is a kernel tree: its arch/x86/virt/vmx/tdx/tdx.c is compiled, unmodified, as a user-space program (gcc or',
  'clang) and runs on generated machines, where the model of the TDX module answers its SEAMCALLs. It is compared with the',
  "model of --kernel. TREE is an unpacked tree, an archive of one, 'debian' for the package linux-source-6.12, or",
  "'debian-RELEASE' for that of another release; apt-get installs a missing package.",
  '',
  'stdio:COMMAND is a program that speaks seam-stdio/1 (harness/implementations/protocol/README.md), FILE a TypeScript or',
  'JavaScript file that runs in this process. Each reports which side it is. A module answers SEAMCALLs: it runs the',
  'conformance suite and generated cases, and every answer is compared with that of the model; several modules can be',
  'named. A host makes SEAMCALLs: it runs on generated machines, as a kernel tree does, and is compared with the model of',
  'the kernel that it claims to be.',
  '',
  'Trees and programs run with your rights, files and network; use only those that you would run yourself. A compiled tree',
  'has limits on memory, files and the time of an answer. A program that calls setsid() may outlive seamstress.',
  '',
  'Exit codes: 0 no finding, or with --known no new one; 1 a finding; 2 usage; 3 inconclusive; 4 an implementation cannot',
  'be built or run.',
].join('\n');

/** `seamstress conform IMPL...`: checks implementations against the model and the invariants. */
export function conformCommand(context: Context): Command {
  const { stages } = context;
  const command = new Command('conform')
    .summary('check a kernel tree, a host or a TDX module against the model')
    .description(DESCRIPTION)
    .argument('<implementation...>', 'linux:TREE, linux:debian, stdio:COMMAND or FILE')
    .optionsGroup('Options:');
  addCommonOptions(command);
  command.addOption(moduleOption(stages, '1.5.01; for a host, the usual module of its kernel'));
  command.optionsGroup('Module options (implementations that answer SEAMCALLs):');
  addModuleOptions(command);
  command.optionsGroup('Host options (implementations that make SEAMCALLs):');
  addHostOptions(command, stages);
  command.optionsGroup('Linux options (linux:TREE):');
  addLinuxOptions(command);
  // The group of --help, which commander adds last.
  command.optionsGroup('Options:');
  return command.action((names: readonly string[], options: Options) =>
    conform(context, command, names.map(parseImplementation), options),
  );
}

function addCommonOptions(command: Command): void {
  command
    .option('--case <files...>', 'run these saved cases only')
    .addOption(new Option('--seed <text>', 'seed of the generated cases').argParser(seed).default(DEFAULT_SEED))
    .addOption(new Option('--runs <n>', 'number of cases to generate').argParser(positiveInteger))
    .addOption(
      new Option('--time <t>', 'run for this long instead, such as 30s or 10m (default: hosts 60s, modules 30s)')
        .argParser(duration)
        .conflicts('runs'),
    )
    .addOption(timeoutOption())
    .option('--output <folder>', 'folder for findings and reports', 'reports')
    .addOption(
      new Option('--reporter <names>', `reports to write: ${ALL_REPORTERS.join(', ')} (html: modules only)`).argParser(
        listOf(ALL_REPORTERS, 'reporter'),
      ),
    )
    .option('--bail', 'stop at the first finding')
    .option(
      '--json',
      'print the result as JSON (harness/report/summary.schema.json; harness/implementations/module/conform.schema.json for modules)',
    )
    .option('-q, --quiet', 'do not print progress');
}

function addModuleOptions(command: Command): void {
  command
    .addOption(
      new Option('--compare <level>', `what to compare: ${LEVELS.join(', ')}`)
        .argParser(oneOf(LEVELS, 'level'))
        .default('registers'),
    )
    .addOption(
      new Option('--restarts <n>', 'maximum number of restarts after a failure, per 1000 cases')
        .argParser(positiveInteger)
        .default(DEFAULT_RESTARTS),
    );
}

function addHostOptions(command: Command, stages: Stages): void {
  const [mood = ''] = stages.moods;
  command
    .addOption(kernelOption(stages, `${stages.defaultKernel}, or the kernel that the host claims to be`))
    .option('--known', 'list known deviations of the modelled kernel apart; only new ones fail')
    .option('--between', 'compare two hosts with each other: any difference is a finding')
    .addOption(
      new Option('--workers <n>', 'number of threads, each with its own host; changes only the speed')
        .env('SEAMSTRESS_WORKERS')
        .argParser(positiveInteger)
        .default(availableParallelism(), 'all cores'),
    )
    .addOption(
      new Option('--mood <name>', `kind of cases: ${stages.moods.join(', ')}`)
        .argParser(oneOf(stages.moods, 'mood'))
        .default(mood),
    )
    .option(
      '--corpus <folder>',
      'folder of known deviations and of cases to start with (default: the corpus of this checkout)',
    )
    .option('--no-timings', 'leave out values that depend on the clock');
}

function addLinuxOptions(command: Command): void {
  command
    .option('--extra <header>', 'C header with declarations that the tree needs and the stand-in for the kernel lacks')
    .option('--cc <compiler>', 'C compiler (default: gcc, else clang)');
}

async function conform(
  context: Context,
  command: Command,
  names: readonly ImplementationName[],
  options: Options,
): Promise<void> {
  const { timeout: timeouts } = options;
  const { version } = context;
  const all = await identifyAll(names, { timeouts, version, now: Date.now, validate: 'sampled' });
  try {
    await conformIdentified(context, command, all, options);
  } finally {
    await closeAll(all);
  }
}

async function conformIdentified(
  context: Context,
  command: Command,
  all: readonly Identified[],
  options: Options,
): Promise<void> {
  const modules = all.filter((one) => one.role === 'module');
  if (modules.length === all.length) {
    refuse(command, HOST_ONLY, 'hosts (implementations that make SEAMCALLs)');
    return conformModules(context, modules, options);
  }
  const hosts = all.filter((one) => one.role === 'host');
  if (hosts.length !== all.length)
    throw new UserError(
      'some of these implementations make SEAMCALLs, the others answer them: name implementations of one kind',
    );
  refuse(command, MODULE_ONLY, 'modules (implementations that answer SEAMCALLs)');
  const linux = hosts.every(({ name }) => name.kind === 'linux');
  if (linux) refuse(command, ['timeout'], 'programs that speak seam-stdio/1');
  else refuse(command, LINUX_ONLY, 'kernel trees (linux:TREE)');
  const { reporter = [], ...rest } = options;
  const reporters = reporter.filter((name): name is Reporter => name !== 'html');
  if (reporters.length !== reporter.length)
    throw new UserError('--reporter html is only for modules (implementations that answer SEAMCALLs)');
  return conformHosts(context, hosts, { ...rest, reporter: reporters });
}

/** Throws a UserError for options of another kind of implementation, if they are on the command line. */
function refuse(command: Command, options: readonly string[], kind: string): void {
  for (const name of options) {
    if (command.getOptionValueSource(name) === 'cli')
      throw new UserError(`--${name === 'timings' ? 'no-timings' : name} is only for ${kind}`);
  }
}
