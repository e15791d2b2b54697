import { Command } from 'commander';
import type { Context } from './screen/context.ts';
import { fuzzCommand } from './fuzz.ts';

/** Where a value comes from, as people call it. */
const ORIGINS: Readonly<Record<string, string>> = { default: 'default', env: 'environment', cli: 'command line' };

export interface Setting {
  readonly value: unknown;
  readonly origin: string;
  /** Environment variable that sets it. */
  readonly variable: string | null;
}

export function configCommand(context: Context): Command {
  const command = new Command('config').description('what holds without being said');
  const print = new Command('print')
    .description('the settings `fuzz` would run with, and where each comes from')
    .argument('[fuzz-options...]', 'options as they would follow `fuzz`')
    .allowUnknownOption()
    .passThroughOptions()
    .option('--json', 'print JSON')
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
