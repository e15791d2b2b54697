import { describe, expect, test } from '@jest/globals';
import { installedCompiler } from '../implementations/linux/build.ts';
import { installedDebianArchive } from '../implementations/linux/tree.ts';

/** The programs and packages that this machine lacks to compile the tdx.c of a Linux release. */
function missingForLinux(release: string): readonly string[] {
  return [
    ...(installedCompiler() === undefined ? ['a C compiler (gcc or clang)'] : []),
    ...(installedDebianArchive(release) === undefined ? [`the package linux-source-${release}`] : []),
  ];
}

/** Tests of Linux's own code, by default of 6.12; on a machine without it, a single test names what is missing. */
export function describeLinux(name: string, body: () => void, release = '6.12'): void {
  const missing = missingForLinux(release);
  if (missing.length === 0) describe(name, body);
  else test(`${name}: not tested here without ${missing.join(' and ')}`, () => expect(missing).not.toEqual([]));
}
