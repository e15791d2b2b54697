import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('./fake-start.js', import.meta.url));

/** Empty, because the project's cases do not apply to the fake stages. */
const EMPTY_CORPUS = mkdtempSync(join(tmpdir(), 'seamstress-corpus-'));
process.on('exit', () => rmSync(EMPTY_CORPUS, { recursive: true, force: true }));

export interface CLIResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface TemporaryFolder {
  readonly path: string;
  readonly remove: () => void;
}

/** A new folder for the processes of a test. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'seamstress-cli-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Starts the command line with the fake stages; `whenSpawned` may kill it. */
export function runCLI(
  cwd: string,
  args: readonly string[],
  {
    env = {},
    whenSpawned,
  }: { env?: Readonly<Record<string, string>>; whenSpawned?: (child: ChildProcess) => void } = {},
): Promise<CLIResult> {
  return runNode(cwd, [START, ...args], { SEAMSTRESS_CORPUS: EMPTY_CORPUS, ...env }, whenSpawned);
}

export function runNode(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  whenSpawned?: (child: ChildProcess) => void,
): Promise<CLIResult> {
  // Removes the settings for colour and CI of the test runner's environment.
  const { FORCE_COLOR: _f, NO_COLOR: _n, CI: _c, NODE_OPTIONS: _o, ...clean } = process.env;
  const child = spawn(process.execPath, args, { cwd, env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    text.err += String(chunk);
  });
  whenSpawned?.(child);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...text })));
}
