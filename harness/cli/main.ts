import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import type { Stages } from '../campaign/stages.ts';
import { bootCommand } from './boot.ts';
import { checkTraceCommand } from './check-trace.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { conformCommand } from './conform.ts';
import type { Context } from './screen/context.ts';
import { corpusCommand } from './corpus.ts';
import { EXIT, UserError } from '../user-error.ts';
import { explainCommand } from './explain.ts';
import { fillCommand } from './fill.ts';
import { fuzzCommand } from './fuzz.ts';
import { listCommand } from './list.ts';
import { matrixCommand } from './matrix.ts';
import { replayCommand } from './replay.ts';
import { serveCommand } from './serve.ts';
import { shrinkCommand } from './shrink.ts';
import { smokeCommand } from './smoke.ts';
import { originalStack } from './screen/stack.ts';
import { palette, processTerminal, type Terminal } from './screen/terminal.ts';

/**
 * Runs the command line `argv` (without node and script) over these stages, which the module at `pipeline` (a file URL)
 * exports to worker threads too. Sets the exit code of the process and lets the process end by itself, so that all
 * output is written.
 */
export async function main(argv: readonly string[], stages: Stages, pipeline: string): Promise<void> {
  const terminal = processTerminal();
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
  const program = new Command('seamstress');
  const context: Context = {
    stages,
    pipeline,
    terminal,
    version,
    root,
    palette: () => palette(program.opts<{ color?: boolean }>().color),
  };
  program
    .description(
      'Fuzzes and checks Intel TDX host initialisation: kernels, TDX modules, and programs that stand in for either.',
    )
    .version(version)
    .option('--color', 'colour the output even if stdout is not a terminal')
    .option('--no-color', 'do not colour the output')
    .addHelpText('after', HELP);
  // Because of --no-color, commander gives `color` the default true, which would override NO_COLOR.
  program.setOptionValue('color', undefined);
  program.addCommand(fuzzCommand(context));
  program.addCommand(replayCommand(context));
  program.addCommand(shrinkCommand(context));
  program.addCommand(bootCommand(context));
  program.addCommand(checkTraceCommand());
  program.addCommand(conformCommand(context));
  program.addCommand(smokeCommand(context));
  program.addCommand(fillCommand(context));
  program.addCommand(serveCommand(context));
  program.addCommand(matrixCommand(context));
  program.addCommand(explainCommand(context));
  program.addCommand(listCommand(context));
  program.addCommand(corpusCommand(context));
  program.addCommand(configCommand(context));
  program.addCommand(completionCommand(context));
  inherit(program, terminal);
  endOnUncaught(terminal);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    process.exitCode = explain(error, terminal);
  }
}

const HELP = `
Examples:
  seamstress fuzz --time 30s                     fuzz the default kernel for 30 seconds
  seamstress fuzz --kernel strict --runs 100000  fuzz an ideal kernel, which satisfies every rule
  seamstress replay reports/findings             run every finding again
  seamstress boot MACHINE.json --kernel 6.12     print what Linux 6.12 prints on a machine
  seamstress conform linux:debian --known        compile Debian's tdx.c and report only new deviations
  seamstress smoke 'stdio:exec python3 mine.py'  check how much of the protocol a program implements
  seamstress explain pamt/size                   explain a name from a report

Exit codes: 0 ok, or known deviations only; 1 a finding; 2 usage or configuration; 3 inconclusive; 4 could not run;
70 an internal error of seamstress; 129, 130, 143 interrupted.`;

/** Makes every verb throw its errors, so that all of them reach `explain`. */
function inherit(command: Command, terminal: Terminal): void {
  command.exitOverride().configureOutput({ writeOut: terminal.out, writeErr: terminal.err });
  command.configureHelp({ commandDescription: (one) => reflow(one.description()) });
  command.showHelpAfterError(`(see: seamstress ${command.parent === null ? '' : `${pathOf(command)} `}--help)`);
  for (const sub of command.commands) inherit(sub, terminal);
}

/** Joins the lines of the source, so that commander wraps them to the terminal. Blank lines separate paragraphs. */
function reflow(text: string): string {
  return text.replace(/(?<!\n)\n(?!\n)/g, ' ');
}

function pathOf(command: Command): string {
  return command.parent === null || command.parent.parent === null
    ? command.name()
    : `${pathOf(command.parent)} ${command.name()}`;
}

/** Handles errors in callbacks, which reach no `catch`. Without this Node exits with 1, the code of a finding. */
function endOnUncaught(terminal: Terminal): void {
  const end = (error: unknown): void => {
    process.exitCode = explain(error, terminal);
    process.exit();
  };
  process.once('uncaughtException', end);
  process.once('unhandledRejection', end);
}

function explain(error: unknown, terminal: Terminal): number {
  if (error instanceof CommanderError) {
    // Exit code 0: --help or --version. All else is a usage error, and commander has printed its message.
    return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  }
  if (error instanceof UserError) {
    terminal.err(`seamstress: ${error.message}\n`);
    return error.exitCode;
  }
  terminal.err(`seamstress: internal error; please report this bug with the stack below\n${originalStack(error)}\n`);
  return EXIT.INTERNAL;
}
