import { Command, Option } from 'commander';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import { type ImplementationName, parseImplementation } from '../implementations/name.ts';
import type { SmokeReport } from '../implementations/protocol/ladder.ts';
import { smokeHost } from '../implementations/host/smoke.ts';
import { closeAll, identify } from '../implementations/open.ts';
import type { SessionOptions } from '../implementations/module/session.ts';
import { smoke } from '../implementations/module/smoke.ts';
import type { Timeouts } from '../implementations/process/timeouts.ts';
import type { Context } from './screen/context.ts';
import { EXIT, UserError } from '../user-error.ts';
import { timeoutOption } from './options/timeout-option.ts';

interface Options {
  readonly module?: ReleaseName;
  readonly timeout: Timeouts;
  readonly json?: boolean;
}

/** `seamstress smoke IMPL`: checks an implementation rung by rung, and prints what to fix next. */
export function smokeCommand({ terminal, version, palette }: Context): Command {
  return new Command('smoke')
    .summary('check an implementation of seam-stdio/1 step by step')
    .description(
      [
        'Checks a program that speaks seam-stdio/1 (harness/implementations/protocol/README.md), one rung after another:',
        'hello, schema, reset, known answers, determinism, bad input, kill and recover. Stops at the first rung that',
        'fails. Prints a line for each rung, what to fix, and the end of what the program wrote to stderr.',
        '',
        'Exit codes: 0 all rungs hold; 1 a rung fails; 2 usage; 4 the program cannot be started or fails at hello.',
      ].join('\n'),
    )
    .argument('<implementation>', 'stdio:COMMAND')
    .addOption(
      new Option(
        '--module <release>',
        'TDX module release (default: 1.5.01; for a host, the usual module of the kernel it claims to be)',
      ).choices(Object.keys(RELEASES)),
    )
    .addOption(timeoutOption())
    .option('--json', 'print the report as JSON (harness/implementations/protocol/smoke.schema.json)')
    .action(async (text: string, { module, timeout, json }: Options) => {
      const name = parseImplementation(text);
      if (name.kind !== 'stdio') throw new UserError(`smoke checks programs only: expected stdio:COMMAND, got ${text}`);
      const options = { timeouts: timeout, version, now: Date.now, validate: 'always' } as const;
      const report = (await isHost(name, options))
        ? await smokeHost(name.command, options, module)
        : await smoke(name.command, options, RELEASES[module ?? '1.5.01']);
      terminal.out(json === true ? `${JSON.stringify(report, null, 2)}\n` : render(report, palette()));
      const [hello] = report.rungs;
      if (hello?.result === 'failed') process.exitCode = EXIT.CANNOT_RUN;
      else process.exitCode = report.rungs.every(({ result }) => result === 'ok') ? EXIT.OK : EXIT.FINDING;
    });
}

/** A program that cannot be identified is treated as a module: the first rung then reports the error. */
async function isHost(name: ImplementationName, options: SessionOptions): Promise<boolean> {
  try {
    const identified = await identify(name, options);
    await closeAll([identified]);
    return identified.role === 'host';
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

function render({ rungs, stderr }: SmokeReport, { good, bad, dim }: ReturnType<Context['palette']>): string {
  const marks = { ok: good('ok'), failed: bad('FAILED'), 'not-reached': dim('-') };
  const lines = rungs.map(({ name, result, message }, index) =>
    `${index + 1}  ${name.padEnd(18)}${marks[result]}  ${message}`.trimEnd(),
  );
  const failed = rungs.find(({ result }) => result === 'failed');
  if (failed !== undefined) lines.push('', `to fix: ${failed.advice}`);
  if (failed !== undefined && stderr.trim() !== '')
    lines.push('', 'the end of its stderr:', ...stderr.trimEnd().split('\n').slice(-20));
  if (failed === undefined) lines.push('', "all rungs hold; next: npx seamstress conform 'stdio:...'");
  return `${lines.join('\n')}\n`;
}
