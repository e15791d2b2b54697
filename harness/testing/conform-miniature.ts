import { fileURLToPath } from 'node:url';
import { RELEASES } from '../../model/module/release.ts';
import { readSuite } from '../cli/conform-module.ts';
import { conformModule } from '../implementations/module/conform.ts';
import type { ModuleCaseText } from '../implementations/protocol/messages.ts';
import type { Miniature } from '../implementations/miniatures/miniature.ts';
import type { ImplementationReport } from '../implementations/module/report.ts';
import { openStdioRunner } from '../implementations/module/stdio-runner.ts';

const MAIN = fileURLToPath(new URL('../implementations/miniatures/main.js', import.meta.url));
const SUITE = fileURLToPath(new URL('../../../corpus/conformance', import.meta.url));
/** Milliseconds. */
export const TIMEOUTS = { start: 20_000, step: 200, case: 400, idle: 6_000, shutdown: 100 };
export const suite = await readSuite(SUITE);

/** A part of the suite with every leaf that a miniature gets wrong: it shows the same defects as the whole suite. */
const part = suite.filter(({ id }, index) => index % 8 === 0 || /RDALL|UPDATE|SYS\.RD |KEY\.CONFIG|fatal/.test(id));

/** A smaller part for miniatures that crash, hang or break the protocol: each such defect costs a process. */
export const fewer = suite.filter(({ id }, index) => index % 32 === 0 || /RDALL|UPDATE/.test(id));

/** The command of a miniature. */
export const miniature = (name: string): string => `exec '${process.execPath}' '${MAIN}' ${name}`;

/** The report of `conform` for a command, with a part of the suite and a few generated cases. */
export async function conform(
  command: string,
  {
    level = 'registers',
    restartsMax = 40,
    runs = 60,
  }: Pick<Miniature, 'level'> & { restartsMax?: number; runs?: number } = {},
  cases: readonly ModuleCaseText[] = part,
): Promise<ImplementationReport> {
  const runner = await openStdioRunner(command, {
    timeouts: TIMEOUTS,
    version: 'test',
    now: () => performance.now(),
    validate: 'sampled',
    profile: { module: '1.5.01' },
    withState: level === 'state',
    restartsMax,
  });
  try {
    return await conformModule('it', runner, {
      release: RELEASES['1.5.01'],
      level,
      suite: cases,
      seed: 'test',
      budget: { runs },
      now: () => 0,
      interrupted: () => false,
      bail: false,
      tell: () => undefined,
    });
  } finally {
    await runner.close();
  }
}
