import { describe, expect, test } from '@jest/globals';
import { installedCompiler } from '../implementations/linux/build.ts';
import { installedDebianArchive } from '../implementations/linux/tree.ts';

/** What this machine lacks to compile the tdx.c of a release of Linux. */
function missingForLinux(release: string): readonly string[] {
  return [
    ...(installedCompiler() === undefined ? ['a C compiler (gcc or clang)'] : []),
    ...(installedDebianArchive(release) === undefined ? [`the package linux-source-${release}`] : []),
  ];
}

/** Tests on Linux's own code, of 6.12 unless told otherwise; on a machine without it one line says what is missing. */
export function describeLinux(name: string, body: () => void, release = '6.12'): void {
  const missing = missingForLinux(release);
  if (missing.length === 0) describe(name, body);
  else test(`${name}: not tested here, for want of ${missing.join(' and ')}`, () => expect(missing).not.toEqual([]));
}
