import { spawnSync } from 'node:child_process';

/** Where the paths of the tree's own code begin, wherever the tree lies. */
const ARCH = 'arch/x86/';

/** By program and addresses: a campaign meets the same few crashes again and again. */
const known = new Map<string, string | null>();

/**
 * The line of the tree's own code that a compiled kernel died in, or had called from: `arch/x86/virt/vmx/tdx/tdx.c:1021,
 * in config_tdx_module()`. `calls`: addresses behind the calls that led there, innermost first; 0 for one that is not in
 * the program. `null`: none of them is in the tree's code, or there is no addr2line (it comes with ld).
 */
export function crashLine(program: string, calls: Uint32Array): string | null {
  const key = `${program} ${calls.join()}`;
  let place = known.get(key);
  if (place === undefined) {
    place = ask(program, calls);
    known.set(key, place);
  }
  return place;
}

function ask(program: string, calls: Uint32Array): string | null {
  // A call ends in front of the address behind it.
  const addresses = Array.from(
    calls.filter((address) => address > 0),
    (address) => `0x${(address - 1).toString(16)}`,
  );
  const { stdout, status } = spawnSync('addr2line', ['-f', '-i', '-e', program, ...addresses], { encoding: 'utf8' });
  if (status !== 0) return null;
  const lines = stdout.split('\n');
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [name, place] = [lines[at] ?? '', (lines[at + 1] ?? '').replace(/ \(discriminator \d+\)$/, '')];
    const start = place.lastIndexOf(ARCH);
    if (start !== -1 && /:\d+$/.test(place)) return `${place.slice(start)}, in ${name}()`;
  }
  return null;
}
