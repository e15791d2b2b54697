import { describe, expect, test } from '@jest/globals';
import { installedCompiler } from '../adapters/linux/build.ts';
import { installedDebianArchive } from '../adapters/linux/tree.ts';

/** What this machine lacks to compile Linux 6.12's tdx.c. */
function missingForLinux(): readonly string[] {
  return [
    ...(installedCompiler() === undefined ? ['a C compiler (gcc or clang)'] : []),
    ...(installedDebianArchive() === undefined ? ['the package linux-source-6.12'] : []),
  ];
}

/** Tests on Linux's own code; on a machine without it one line says what is missing. */
export function describeLinux(name: string, body: () => void): void {
  const missing = missingForLinux();
  if (missing.length === 0) describe(name, body);
  else test(`${name}: not tested here, for want of ${missing.join(' and ')}`, () => expect(missing).not.toEqual([]));
}
