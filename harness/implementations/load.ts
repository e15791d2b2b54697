import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, UserError } from '../user-error.ts';
import type { HostImplementation } from './host/implementation.ts';
import type { ModuleImplementation } from './module/implementation.ts';

/** Loads a TypeScript or JavaScript module and returns its `implementation`. Throws a UserError for anything else. */
export async function loadFile(path: string): Promise<ModuleImplementation | HostImplementation> {
  const full = resolve(path);
  if (!existsSync(full)) throw new UserError(`no such file: ${path}`);
  const loaded = /ts$/.test(full) ? await importCompiled(full) : await importFile(full);
  const { implementation } = loaded as { implementation?: unknown };
  if (isModule(implementation) || isHost(implementation)) return implementation;
  throw new UserError(
    `${path}: expected an export named 'implementation' with identity, capabilities and play (a module, ` +
      'harness/implementations/module/implementation.ts has the type) or perform (a host, harness/implementations/host/implementation.ts)',
  );
}

export function isHost(value: unknown): value is HostImplementation {
  return hasIdentity(value) && typeof value['perform'] === 'function';
}

function isModule(value: unknown): value is ModuleImplementation {
  return hasIdentity(value) && typeof value['play'] === 'function';
}

function hasIdentity(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && 'identity' in value && 'capabilities' in value;
}

/** Node 20 does not read TypeScript: compiled with our own compiler, types left to their author. */
async function importCompiled(file: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'seamstress-module-'));
  try {
    // The package exports neither its command nor a compiler to call.
    const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
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
