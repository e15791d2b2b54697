import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, UserError } from '../user-error.ts';
import { cannotRun } from './process/cannot-run.ts';
import { ImplementationFailure } from './process/failure.ts';
import type { HostImplementation } from './host/implementation.ts';
import { type HostProcess, type HostSubject, openHost } from './host/judge.ts';
import { openHostSession, type StdioHostOptions } from './host/process.ts';
import type { ModuleImplementation } from './module/implementation.ts';
import { openInProcessRunner } from './module/in-process-runner.ts';
import type { ImplementationName } from './name.ts';
import type { Runner } from './module/runner.ts';
import { openSession, type SessionOptions } from './module/session.ts';
import { openStdioRunner, type StdioOptions } from './module/stdio-runner.ts';

/** Starts a module-side implementation by its name. Throws a UserError where that cannot be done. */
export async function openModule(name: ImplementationName, options: StdioOptions): Promise<Runner> {
  switch (name.kind) {
    case 'stdio':
      return openStdioRunner(name.command, options);
    case 'file':
      return openInProcessRunner(await loadModule(name), options.profile, options.withState);
    case 'linux':
      throw new UserError(`${name.text} makes SEAMCALLs; expected something that answers them`);
  }
}

/** Starts a host-side implementation by its name. Throws a UserError where that cannot be done. */
export async function openNamedHost(name: ImplementationName, options: StdioHostOptions): Promise<HostSubject> {
  switch (name.kind) {
    case 'stdio':
      try {
        return openHost({ name: name.text, start: () => openHostSession(name.command, options) });
      } catch (error) {
        throw error instanceof ImplementationFailure ? cannotRun(name.command, error) : error;
      }
    case 'file': {
      const { implementation } = await load(name);
      if (!isHost(implementation))
        throw new UserError(`${name.text} answers SEAMCALLs; expected something that makes them`);
      return openHost({ name: name.text, start: () => inThisProcess(implementation) });
    }
    case 'linux':
      throw new UserError(`${name.text} is compiled, not started`);
  }
}

/** The side of the SEAMCALL instruction that an implementation stands on. Asks it, where only it knows. */
export async function roleOf(name: ImplementationName, options: SessionOptions): Promise<'module' | 'host'> {
  switch (name.kind) {
    case 'linux':
      return 'host';
    case 'file':
      return isHost((await load(name)).implementation) ? 'host' : 'module';
    case 'stdio': {
      try {
        const session = await openSession(name.command, options);
        await session.close();
        return session.hello.capabilities.role;
      } catch (error) {
        throw error instanceof ImplementationFailure ? cannotRun(name.command, error) : error;
      }
    }
  }
}

type FileName = Extract<ImplementationName, { readonly kind: 'file' }>;

async function load({
  path,
}: FileName): Promise<{ readonly implementation: ModuleImplementation | HostImplementation }> {
  const full = resolve(path);
  if (!existsSync(full)) throw new UserError(`no such file: ${path}`);
  const loaded = /ts$/.test(full) ? await importCompiled(full) : await importFile(full);
  const { implementation } = loaded as { implementation?: unknown };
  if (isModule(implementation) || isHost(implementation)) return { implementation };
  throw new UserError(
    `${path}: expected an export named 'implementation' with identity, capabilities and play (a module, ` +
      'harness/implementations/module/implementation.ts has the type) or perform (a host, harness/implementations/host/implementation.ts)',
  );
}

async function loadModule(name: FileName): Promise<ModuleImplementation> {
  const { implementation } = await load(name);
  if (isModule(implementation)) return implementation;
  throw new UserError(`${name.text} makes SEAMCALLs; expected something that answers them`);
}

function isModule(value: unknown): value is ModuleImplementation {
  return hasIdentity(value) && typeof value['play'] === 'function';
}

function isHost(value: unknown): value is HostImplementation {
  return hasIdentity(value) && typeof value['perform'] === 'function';
}

function hasIdentity(value: unknown): value is { readonly [member: string]: unknown } {
  return typeof value === 'object' && value !== null && 'identity' in value && 'capabilities' in value;
}

/** A host that throws has crashed. Nothing protects us from one that hangs: it belongs behind `stdio:`. */
function inThisProcess(host: HostImplementation): HostProcess {
  return {
    ...host,
    perform(command, ask) {
      try {
        return host.perform(command, ask);
      } catch (error) {
        throw new ImplementationFailure(
          'exit',
          `it threw: ${error instanceof Error ? error.message : String(error)}`,
          '',
        );
      }
    },
    close: () => undefined,
  };
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
