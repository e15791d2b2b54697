import { Command, Option } from 'commander';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import { findRevision } from '../../model/kernel/revisions.ts';
import { serveHost } from '../implementations/host/server.ts';
import { modelHost } from '../implementations/host/model.ts';
import { modelImplementation } from '../implementations/module/model.ts';
import { serve } from '../implementations/module/server.ts';
import { KERNEL_NAMES } from '../profile.ts';
import type { Context } from './screen/context.ts';
import { blockingLines } from '../implementations/host/blocking-lines.ts';

interface Options {
  readonly module: ReleaseName;
  readonly kernel?: string;
}

/** `seamstress serve`: the model behind the protocol, for other tools. */
export function serveCommand({ terminal, version }: Context): Command {
  return new Command('serve')
    .summary('serve the model of a module or host on stdin and stdout')
    .description(
      'Serves the model of a TDX module, or with --kernel the model of a host, over seam-stdio/1\n' +
        '(harness/implementations/protocol/README.md): JSON Lines on stdin and stdout, until `stop` or the end of the\n' +
        'input. For example:\n\n' +
        `  echo '{"type":"ping","id":1}' | npx seamstress serve\n\n` +
        'corpus/protocol/ has complete conversations.',
    )
    .addOption(new Option('--module <release>', 'TDX module release').choices(Object.keys(RELEASES)).default('1.5.01'))
    .addOption(
      new Option('--kernel <revision>', 'serve a host that behaves like this kernel revision')
        .choices(KERNEL_NAMES)
        .conflicts('module'),
    )
    .action(async ({ module, kernel }: Options) => {
      const revision = kernel === undefined ? undefined : findRevision(kernel);
      if (revision !== undefined) {
        serveHost(modelHost(revision, version), blockingLines());
        return;
      }
      await serve(modelImplementation(RELEASES[module], version), {
        chunks: process.stdin as AsyncIterable<Buffer>,
        write: (line) => terminal.out(`${line}\n`),
      });
      process.stdin.destroy();
    });
}
