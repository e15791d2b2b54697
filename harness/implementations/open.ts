import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, UserError } from '../cli/exit.ts';
import type { ModuleUnderTest } from './implementation.ts';
import { openInProcessRunner } from './in-process-runner.ts';
import type { ImplementationName } from './registry.ts';
import type { Runner } from './runner.ts';
import { openStdioRunner, type StdioOptions } from './stdio-runner.ts';

/** Starts a module-side implementation by its name. Throws a UserError where that cannot be done. */
export async function openModule(name: ImplementationName, options: StdioOptions): Promise<Runner> {
  switch (name.kind) {
    case 'stdio':
      return openStdioRunner(name.command, options);
    case 'file':
      return openInProcessRunner(await loadModule(name.path), options.profile, options.withState);
    case 'linux':
      throw new UserError(`${name.text} makes SEAMCALLs; expected something that answers them`);
  }
}

async function loadModule(path: string): Promise<ModuleUnderTest> {
  const full = resolve(path);
  if (!existsSync(full)) throw new UserError(`no such file: ${path}`);
  const loaded = /ts$/.test(full) ? await importCompiled(full) : await importFile(full);
  const { implementation } = loaded as { implementation?: unknown };
  if (isModuleUnderTest(implementation)) return implementation;
  throw new UserError(
    `${path}: expected an export named 'implementation' with identity, capabilities and play ` +
      '(harness/implementations/implementation.ts has the type)',
  );
}

function isModuleUnderTest(value: unknown): value is ModuleUnderTest {
  return (
    typeof value === 'object' &&
    value !== null &&
    'identity' in value &&
    'capabilities' in value &&
    'play' in value &&
    typeof value.play === 'function'
  );
}

/** Node 20 does not read TypeScript: compiled with our own compiler, types left to their author. */
async function importCompiled(file: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'seamstress-module-'));
  try {
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const flags =
      '--noCheck --module esnext --moduleResolution bundler --target es2023 --rewriteRelativeImportExtensions --skipLibCheck'.split(
        ' ',
      );
    const { status, stdout } = spawnSync(
      process.execPath,
      [tsc, file, '--ignoreConfig', ...flags, '--outDir', folder],
      { encoding: 'utf8' },
    );
    // The folder is in no package: without this Node would take the output for CommonJS.
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const output = join(folder, `${basename(file).replace(/ts$/, 'js')}`);
    if (!existsSync(output))
      throw new UserError(`${file} cannot be compiled (tsc: ${status}): ${stdout.trim()}`, EXIT.CANNOT_RUN);
    return await importFile(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function importFile(file: string): Promise<unknown> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw new UserError(
      `${file} cannot be imported: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.CANNOT_RUN,
    );
  }
}
