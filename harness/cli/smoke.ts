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

/** `seamstress smoke IMPL`: how far an implementation has come, rung by rung, and what is to be done next. */
export function smokeCommand({ terminal, version, palette }: Context): Command {
  return new Command('smoke')
    .summary('how far an implementation of the protocol has come, and what is next')
    .description(
      [
        'Climbs a ladder with a program that speaks seam-stdio/1: hello, schema, reset, known answers, determinism, bad input,',
        'kill and recover. The first rung that does not hold says what is to be mended.',
        '',
        'Exit codes: 0 all rungs hold, 1 one does not, 2 usage, 4 it could not be started.',
      ].join('\n'),
    )
    .argument('<implementation>', 'stdio:COMMAND')
    .addOption(
      new Option(
        '--module <release>',
        'TDX module release (default: 1.5.01, or the partner of the kernel a host claims to be)',
      ).choices(Object.keys(RELEASES)),
    )
    .addOption(timeoutOption())
    .option('--json', 'print the report as JSON (harness/implementations/protocol/smoke.schema.json)')
    .action(async (text: string, { module, timeout, json }: Options) => {
      const name = parseImplementation(text);
      if (name.kind !== 'stdio') throw new UserError(`smoke climbs with programs: expected stdio:COMMAND, got ${text}`);
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

/** What does not even say hello is a module until it says otherwise: the first rung tells what is wrong. */
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
  if (failed !== undefined) lines.push('', `to mend: ${failed.advice}`);
  if (failed !== undefined && stderr.trim() !== '')
    lines.push('', 'the end of its stderr:', ...stderr.trimEnd().split('\n').slice(-20));
  if (failed === undefined) lines.push('', "all rungs hold; next: npx seamstress conform 'stdio:...'");
  return `${lines.join('\n')}\n`;
}
