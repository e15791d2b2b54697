import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, UserError } from '../../user-error.ts';
import { cacheFolder, noteUse, sweepCache } from './cache.ts';
import { CLIMB_MAX, findHeaders } from './headers.ts';
import { areCurrent, noteInputs } from './inputs.ts';
import { TDX_C } from './tree.ts';

const SHIM = fileURLToPath(new URL('../../../../harness/implementations/linux/shim/', import.meta.url));

/** Options the kernel's own code is compiled under: those of a distribution kernel that runs TDX hosts. */
const CONFIGURATION = [
  'INTEL_TDX_HOST',
  'ACPI',
  'SUSPEND',
  'NUMA',
  'SMP',
  'X86_64',
  'CPUMASK_OFFSTACK',
  'CONTIG_ALLOC',
  'ARCH_KEEP_MEMBLOCK',
];

const KERNEL_FLAGS = [
  ...[
    '-O2',
    '-g1',
    '-std=gnu11',
    '-nostdinc',
    '-ffreestanding',
    '-fno-pie',
    '-fno-common',
    '-fno-strict-aliasing',
    '-fno-stack-protector',
  ],
  ...[
    '-Werror=implicit-function-declaration',
    '-Werror=implicit-int',
    '-Werror=int-conversion',
    '-D__KERNEL__',
    ...CONFIGURATION.map((name) => `-DCONFIG_${name}=1`),
  ],
];
/** In the folder of a build: every file that the compiler read, and its hash. */
const INPUTS = 'inputs.json';

const SHIM_SOURCES = ['commands.c', 'protocol.c', 'crash.c', 'port.c', 'probe.c', 'machine.c', 'memory.c'];
const SHIM_FLAGS = [
  '-O2',
  '-g1',
  '-std=gnu11',
  '-fno-pie',
  '-fno-strict-aliasing',
  '-Wall',
  '-Werror=implicit-function-declaration',
];

export interface BuildOptions {
  /** Compiler; missing: gcc, or clang where there is none. */
  readonly compiler?: string;
  /** A header of the developer's for what this shim does not know. */
  readonly extra?: string;
}

/**
 * Compiles the tree's TDX host code, unmodified, with the shim and returns the program's path; a second call with the
 * same sources returns at once. Throws a UserError that names what the tree needs and the shim does not have.
 */
export function buildKernel(tree: string, { compiler = findCompiler(), extra }: BuildOptions = {}): string {
  const headers = findHeaders(tree);
  const key = digest([
    compilerVersion(compiler),
    [...KERNEL_FLAGS, ...SHIM_FLAGS].join(' '),
    extra ?? '',
    ...headers.sources,
    ...(extra === undefined ? [] : [extra]),
    ...readdirSync(SHIM).map((name) => join(SHIM, name)),
  ]);
  const folder = join(cacheFolder(), `kernel-${key}`);
  const program = join(folder, 'kernel');
  if (existsSync(program) && areCurrent(join(folder, INPUTS))) {
    noteUse(folder);
    return program;
  }
  sweepCache();
  const work = `${folder}.${process.pid}`;
  // So deep that `#include <../x.h>` of a tree still names a file below `work`.
  const generated = join(work, 'include', ...Array.from({ length: CLIMB_MAX }, (_, at) => String(at)));
  rmSync(work, { recursive: true, force: true });
  try {
    for (const [name, target] of headers.generated) {
      mkdirSync(dirname(join(generated, name)), { recursive: true });
      writeFileSync(join(generated, name), `#include "${target ?? join(SHIM, 'kernel.h')}"\n`);
    }
    const flags = [
      ...KERNEL_FLAGS,
      `-I${generated}`,
      `-I${dirname(join(tree, TDX_C))}`,
      ...(extra === undefined ? [] : [`-DSEAMSTRESS_EXTRA="${extra}"`]),
    ];
    const object = (name: string): string => join(work, name);
    const noting = (name: string): readonly string[] => ['-MD', '-MF', object(`${name}.d`)];
    run(compiler, [...flags, ...noting('tdx'), '-c', join(tree, TDX_C), '-o', object('tdx.o')], tree);
    requireEntryPoints(object('tdx.o'), tree);
    run(compiler, [...flags, ...noting('glue'), '-c', join(SHIM, 'glue.c'), '-o', object('glue.o')], tree);
    run('ld', ['-r', '-T', join(SHIM, 'kernel.ld'), object('tdx.o'), '-o', object('data.o')], tree);
    run(
      compiler,
      [
        ...SHIM_FLAGS,
        '-no-pie',
        ...SHIM_SOURCES.map((name) => join(SHIM, name)),
        object('glue.o'),
        object('data.o'),
        '-o',
        object('kernel'),
      ],
      tree,
    );
    noteInputs(join(work, INPUTS), [object('tdx.d'), object('glue.d')], work);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return program;
}

/** Does the program that `buildKernel` made initialise TDX by itself at boot, instead of being asked to? */
export function enablesAtBoot(program: string): boolean {
  return definedNames(program).has('shim_initcall');
}

/** The tree must have a way to start the initialisation: functions for callers, or an initcall. */
function requireEntryPoints(object: string, tree: string): void {
  const names = definedNames(object);
  if (names.has('shim_initcall') || (names.has('tdx_enable') && names.has('tdx_cpu_enable'))) return;
  throw new UserError(
    `the kernel tree ${tree} builds, but has no way to start TDX: expected tdx_cpu_enable() and tdx_enable() for ` +
      `callers, or an initcall, in ${TDX_C}`,
    EXIT.CANNOT_RUN,
  );
}

function definedNames(file: string): ReadonlySet<string> {
  const { stdout, error } = spawnSync('nm', ['-g', '--defined-only', file], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error !== undefined) throw new UserError(`cannot run nm: ${error.message}`, EXIT.CANNOT_RUN);
  return new Set(stdout.split('\n').map((line) => line.split(' ').at(-1) ?? ''));
}

/** An upgrade of the compiler makes another program. */
function compilerVersion(compiler: string): string {
  const { stdout } = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  return `${compiler} ${stdout ?? ''}`;
}

/** `undefined`: there is no C compiler on this machine. */
export function installedCompiler(): string | undefined {
  return ['gcc', 'clang'].find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
}

function findCompiler(): string {
  const compiler = installedCompiler();
  if (compiler === undefined)
    throw new UserError(
      "a C compiler is needed: install gcc (Debian: 'apt-get install gcc') or clang",
      EXIT.CANNOT_RUN,
    );
  return compiler;
}

function run(command: string, options: readonly string[], tree: string): void {
  const { status, stderr, error } = spawnSync(command, [...options], { encoding: 'utf8' });
  if (error !== undefined) throw new UserError(`cannot run ${command}: ${error.message}`, EXIT.CANNOT_RUN);
  if (status === 0) return;
  const missing = missingNames(stderr);
  const what =
    missing.length === 0
      ? stderr.trim().split('\n').slice(0, 20).join('\n')
      : `it needs what the shim does not have: ${missing.join(', ')}\n` +
        '(declare what is missing in a header of yours and pass it with --extra)';
  throw new UserError(`the kernel tree ${tree} does not build: ${what}`, EXIT.CANNOT_RUN);
}

/** Names a compiler or linker complains about, in the order it does. */
function missingNames(output: string): readonly string[] {
  const patterns = [
    /implicit declaration of function ['‘`](\w+)['’]/g,
    /['‘`](\w+)['’] undeclared/g,
    /use of undeclared identifier '(\w+)'/g,
    /type defaults to ['‘]int['’] in declaration of ['‘](\w+)['’]/g,
    /no member named ['‘](\w+)['’]/g,
    /undefined type ['‘`](?:struct )?(\w+)['’]/g,
    /unknown type name ['‘`](\w+)['’]/g,
    /call to undeclared function '(\w+)'/g,
    /undefined reference to [`'‘](\w+)['’]/g,
    /fatal error: ([\w./-]+): No such file/g,
  ];
  return [...new Set(patterns.flatMap((pattern) => [...output.matchAll(pattern)].map(([, name]) => name ?? '')))];
}

function digest(files: readonly string[]): string {
  const hash = createHash('sha256');
  // Contents, not places: the same code in another tree is the same program.
  for (const file of files) hash.update(existsSync(file) ? readFileSync(file) : file).update('\n');
  return hash.digest('hex').slice(0, 16);
}
