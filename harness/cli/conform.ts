import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { LEVELS } from '../implementations/module/compare-answers.ts';
import { closeAll, type Identified, identifyAll } from '../implementations/open.ts';
import { type ImplementationName, parseImplementation } from '../implementations/name.ts';
import { conformHosts, type HostOptions } from './conform-host.ts';
import { conformModules, type ModuleOptions } from './conform-module.ts';
import type { Context } from './screen/context.ts';
import { UserError } from '../user-error.ts';
import { REPORTERS, type Reporter } from './screen/fuzz-reports.ts';
import { addProfileOptions } from './options/profile-options.ts';
import { timeoutOption } from './options/timeout-option.ts';
import { duration, listOf, oneOf, positiveInteger, seed } from './options/values.ts';

type Options = Omit<HostOptions & ModuleOptions, 'reporter'> & { readonly reporter?: readonly string[] };

const DEFAULT_SEED = 'seamstress';
const DEFAULT_RESTARTS = 100;
/** Every report there is; the last one is of modules only. */
const ALL_REPORTERS = [...REPORTERS, 'html'];

/** Options that mean something on one side only: given for the other, they are refused and not left aside. */
const HOST_ONLY = ['between', 'known', 'workers', 'mood', 'corpus', 'kernel', 'extra', 'cc', 'timings'];
const MODULE_ONLY = ['compare', 'restarts'];
const LINUX_ONLY = ['extra', 'cc'];

const DESCRIPTION = [
  'Checks an implementation that is not ours against the model and the invariants.',
  '',
  "linux:TREE compiles a kernel tree's arch/x86/virt/vmx/tdx/tdx.c, unmodified, in user space and runs it on generated",
  'machines, its SEAMCALLs answered by the model of the TDX module. TREE is an unpacked tree, an archive of one, or',
  "'debian' (the package linux-source-6.12, installed if that is allowed). It needs gcc or clang. --kernel names the model",
  'that a later tree is compared with.',
  '',
  'stdio:COMMAND is a program that speaks seam-stdio/1 (harness/implementations/protocol/README.md), and the path of a',
  'TypeScript or JavaScript module one in our own process. It says itself which side it is on. One that answers SEAMCALLs',
  'gets the conformance suite and generated cases, every answer compared with that of the model; several may be named. One',
  'that makes them runs on generated machines, as a kernel tree does, and is compared with the kernel it claims to be.',
  '',
  'Exit codes: 0 nothing (new) was found, 1 a finding, 2 usage, 3 inconclusive, 4 it could not be built or run.',
].join('\n');

/** `seamstress conform IMPL...`: implementations that are not ours, against the model and the invariants. */
export function conformCommand(context: Context): Command {
  const { stages } = context;
  const [mood = ''] = stages.moods;
  const command = new Command('conform')
    .summary('check an implementation that is not ours')
    .description(DESCRIPTION)
    .argument('<implementation...>', 'linux:TREE, linux:debian, stdio:COMMAND or a module file')
    .option('--between', 'hosts: compare two on the same cases: what does the second do otherwise?')
    .option('--known', 'hosts: list known deviations of the modelled kernel apart; only new ones fail')
    .addOption(
      new Option('--compare <level>', `modules: how closely: ${LEVELS.join(', ')}`)
        .argParser(oneOf(LEVELS, 'level'))
        .default('registers'),
    )
    .addOption(new Option('--case <files...>', 'run these saved cases and nothing else'))
    .addOption(new Option('--seed <text>', 'what every case is generated from').argParser(seed).default(DEFAULT_SEED))
    .addOption(new Option('--runs <n>', 'number of generated cases').argParser(positiveInteger))
    .addOption(
      new Option('--time <t>', 'for this long, such as 30s or 10m (default: hosts 60s, modules 30s)')
        .argParser(duration)
        .conflicts('runs'),
    )
    .addOption(
      new Option('--workers <n>', 'hosts: threads, each with a host of its own; changes nothing but the speed')
        .env('SEAMSTRESS_WORKERS')
        .argParser(positiveInteger)
        .default(availableParallelism(), 'all cores'),
    )
    .addOption(
      new Option('--mood <name>', `hosts: what cases are made of: ${stages.moods.join(', ')}`)
        .argParser(oneOf(stages.moods, 'mood'))
        .default(mood),
    )
    .addOption(new Option('--corpus <folder>', 'hosts: known deviations and cases to start with'))
    .addOption(timeoutOption())
    .addOption(
      new Option('--restarts <n>', 'modules: failures to start again after, for each 1000 cases')
        .argParser(positiveInteger)
        .default(DEFAULT_RESTARTS),
    )
    .addOption(new Option('--output <folder>', 'where findings and reports go').default('reports'))
    .addOption(
      new Option('--reporter <names>', `reports to write: ${ALL_REPORTERS.join(', ')} (modules)`).argParser(
        listOf(ALL_REPORTERS, 'reporter'),
      ),
    )
    .option('--extra <header>', 'linux: a C header with declarations that the tree needs and the adapter lacks')
    .option('--cc <compiler>', 'linux: C compiler (default: gcc, or else clang)')
    .option('--bail', 'stop at the first finding')
    .option('--json', 'print a JSON summary instead of the last screen')
    .option('--no-timings', 'hosts: leave out what depends on the clock')
    .option('-q, --quiet', 'no progress');
  return addProfileOptions(command, stages).action((names: readonly string[], options: Options) =>
    conform(context, command, names.map(parseImplementation), options),
  );
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
    refuse(command, HOST_ONLY, 'implementations that make SEAMCALLs');
    return conformModules(context, modules, options);
  }
  const hosts = all.filter((one) => one.role === 'host');
  if (hosts.length !== all.length)
    throw new UserError('some of these make SEAMCALLs, the others answer them: name one kind at a time');
  refuse(command, MODULE_ONLY, 'implementations that answer SEAMCALLs');
  const linux = hosts.every(({ name }) => name.kind === 'linux');
  if (linux) refuse(command, ['timeout'], 'programs that speak seam-stdio/1');
  else refuse(command, LINUX_ONLY, 'linux: implementations');
  const { reporter = [], ...rest } = options;
  const reporters = reporter.filter((name): name is Reporter => name !== 'html');
  if (reporters.length !== reporter.length)
    throw new UserError('--reporter html is for implementations that answer SEAMCALLs');
  return conformHosts(context, hosts, { ...rest, reporter: reporters });
}

/** Refuses options of the other side that were given on purpose. */
function refuse(command: Command, options: readonly string[], whose: string): void {
  for (const name of options) {
    if (command.getOptionValueSource(name) === 'cli')
      throw new UserError(`--${name === 'timings' ? 'no-timings' : name} is for ${whose}`);
  }
}
