import { Command } from 'commander';
import type { Context } from './screen/context.ts';
import { fuzzCommand } from './fuzz.ts';

/** Where a value comes from: commander's name and the printed one. */
const ORIGINS: Readonly<Record<string, string>> = { default: 'default', env: 'environment', cli: 'command line' };

export interface Setting {
  readonly value: unknown;
  readonly origin: string;
  /** Environment variable that sets it. */
  readonly variable: string | null;
}

export function configCommand(context: Context): Command {
  const command = new Command('config')
    .summary('print the effective configuration and where each value comes from')
    .description('Prints the effective configuration and where each value comes from.');
  const print = new Command('print')
    .summary('print the settings of `fuzz` and where each comes from')
    .description(
      'Prints each setting that `fuzz` would use, and its origin: the default, an environment variable (with its name),\n' +
        'or the command line.',
    )
    .argument('[fuzz-options...]', 'options of `fuzz`')
    .allowUnknownOption()
    .passThroughOptions()
    .option('--json', 'print the settings as JSON')
    .action((args: readonly string[], { json }: { json?: boolean }) => {
      const settings = settingsOf(context, args);
      const lines = Object.entries(settings).map(([name, { value, origin, variable }]) => {
        return `${name.padEnd(10)} ${(JSON.stringify(value) ?? '(not set)').padEnd(24)} ${origin}${variable === null ? '' : ` (${variable})`}`;
      });
      context.terminal.out(json === true ? `${JSON.stringify(settings, null, 2)}\n` : `${lines.join('\n')}\n`);
    });
  command.enablePositionalOptions();
  return command.addCommand(print);
}

function settingsOf(context: Context, args: readonly string[]): Readonly<Record<string, Setting>> {
  const fuzz = fuzzCommand(context).action(() => undefined);
  fuzz.exitOverride().configureOutput({ writeErr: context.terminal.err });
  fuzz.parse([...args], { from: 'user' });
  return Object.fromEntries(
    fuzz.options.map((option) => {
      const name = option.attributeName();
      const origin = fuzz.getOptionValueSource(name);
      const value: unknown = fuzz.getOptionValue(name) ?? null;
      return [name, { value, origin: ORIGINS[origin ?? 'default'] ?? 'default', variable: option.envVar ?? null }];
    }),
  );
}
