import { Command, Option } from 'commander';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import { modelImplementation } from '../implementations/model.ts';
import { serve } from '../implementations/server.ts';
import type { Context } from './context.ts';

interface Options {
  readonly module: ReleaseName;
}

/** `seamstress serve`: our own model behind the protocol, for every other tool. */
export function serveCommand({ terminal, version }: Context): Command {
  return new Command('serve')
    .summary('answer SEAMCALLs over stdin and stdout (seam-stdio/1)')
    .description(
      'Puts the model of a TDX module behind seam-stdio/1 (harness/implementations/protocol/README.md): JSON Lines on stdin\n' +
        'and stdout, until `stop` or the end of the input.',
    )
    .addOption(new Option('--module <release>', 'TDX module release').choices(Object.keys(RELEASES)).default('1.5.01'))
    .action(async ({ module }: Options) => {
      await serve(modelImplementation(RELEASES[module], version), {
        chunks: process.stdin as AsyncIterable<Buffer>,
        write: (line) => terminal.out(`${line}\n`),
      });
      process.stdin.destroy();
    });
}
