import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { identify, openNamedHost } from './open.ts';
import { DEFAULT_TIMEOUTS } from './process/timeouts.ts';

const OPTIONS = { timeouts: DEFAULT_TIMEOUTS, version: 'test', now: () => 0, validate: 'always' as const };

const HOST = `
interface State { readonly offered: boolean; readonly tdx: 'uninitialised'; readonly lps: readonly number[] }
const state: State = { offered: false, tdx: 'uninitialised', lps: [] };
export const implementation = {
  identity: { name: 'typed', version: '1' },
  capabilities: { role: 'host', commands: ['boot', 'enable'], deterministic: true },
  perform: (command: { readonly type: string }) => ({ ret: command.type === 'boot' ? 0 : -19, state }),
};
`;

test('a host written in TypeScript is compiled and opened in this process', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'seamstress-'));
  try {
    const path = join(folder, 'host.ts');
    writeFileSync(path, HOST);
    const name = { kind: 'file', text: path, path } as const;
    expect(await identify(name, OPTIONS)).toMatchObject({ role: 'host', capabilities: { role: 'host' } });
    const host = await openNamedHost(name, OPTIONS);
    expect(host.model).toBe(null);
    host.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
