import { join } from 'node:path';
import { Command, Option } from 'commander';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import { fillSuite } from '../implementations/module/fill.ts';
import { writeAtomic } from '../store/atomic.ts';
import { readSuite } from './conform-module.ts';
import type { Context } from './screen/context.ts';

interface Options {
  readonly module: ReleaseName;
  readonly output?: string;
}

/** `seamstress fill`: the conformance suite with expected answers, as JSON that other test runners can read. */
export function fillCommand({ terminal, version, root }: Context): Command {
  return new Command('fill')
    .summary('write the conformance suite with expected answers as JSON')
    .description(
      'Writes every case of the conformance suite with the answers and the state of a TDX module release, one case per\n' +
        'line, for other test runners (harness/implementations/module/fill.schema.json).',
    )
    .addOption(new Option('--module <release>', 'TDX module release').choices(Object.keys(RELEASES)).default('1.5.01'))
    .addOption(new Option('--output <file>', 'file to write (default: stdout)'))
    .action(async ({ module, output }: Options) => {
      const { cases, ...head } = fillSuite(
        await readSuite(join(root, 'corpus/conformance')),
        RELEASES[module],
        version,
      );
      const lines = cases.map((one) => JSON.stringify(one)).join(',\n');
      const text = `${JSON.stringify(head).slice(0, -1)},"cases":[\n${lines}\n]}\n`;
      if (output === undefined) terminal.out(text);
      else {
        writeAtomic(output, text);
        terminal.err(`wrote ${cases.length} cases, ${Buffer.byteLength(text)} bytes, to ${output}\n`);
      }
    });
}
