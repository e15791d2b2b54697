import { afterAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { runNode, temporaryFolder } from '../../testing/spawn-cli.ts';
import { startPiped } from './piped.ts';

const MODULE = new URL('./piped.js', import.meta.url).href;
const folder = temporaryFolder();
afterAll(() => folder.remove());

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function isGone(pid: number): Promise<boolean> {
  for (let turns = 0; turns < 500 && isAlive(pid); turns += 1) await sleep(10);
  return !isAlive(pid);
}

describe('a child process', () => {
  test('that never looks at its input does not outlive us, even if we are killed', async () => {
    // Tells its number, and is busy from then on.
    const script = `
      import { startPiped } from ${JSON.stringify(MODULE)};
      startPiped('echo $$; while :; do :; done', {
        onData(chunk) { process.stdout.write(chunk, () => process.kill(process.pid, 'SIGKILL')); },
        onEnd() {},
      });`;
    const { code, out } = await runNode(folder.path, ['--input-type=module', '-e', script]);
    const pid = Number(out.trim());
    expect([code, Number.isInteger(pid) && pid > 1]).toEqual([null, true]);
    expect(await isGone(pid)).toBe(true);
  });

  test('has no child that it did not start, and ends as it would by itself', async () => {
    let told = '';
    const how = await new Promise<string>((resolve) => {
      // `wait` without a child comes back at once; exec takes the place of the shell.
      startPiped("wait; echo waited; exec sh -c 'exit 7'", {
        onData(chunk) {
          told += chunk.toString();
        },
        onEnd: resolve,
      });
    });
    expect([told, how]).toEqual(['waited\n', 'exit code 7']);
  });
});
