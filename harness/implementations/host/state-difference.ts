import type { KernelState } from '../../../model/kernel/state.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import type { World } from '../../../model/world/world.ts';
import type { RunDifference } from './difference.ts';

/** Parts of the state that a host need not report at the end of a run. Parts that it does not report are not compared. */
export type Untold =
  | ('erratum' | 'S3' | 'TDX memory' | 'locks' | 'walks freed TDMRs')
  | ('users of VMX operation' | 'CPUs with dirty caches' | 'next bring-up of an LP');

/** Compares the state at the end of a run. A kernel that crashed has none. */
export function compareStates(expected: World, got: World, untold: ReadonlySet<string>): RunDifference | null {
  if (expected.kernel.crash !== null || got.kernel.crash !== null) return null;
  const [one, other] = [stateOf(expected), stateOf(got)];
  for (const [what, before] of Object.entries(one)) {
    const after = other[what as keyof typeof other];
    if (before === after || untold.has(what)) continue;
    const text = TEXT[what] ?? ((): null => null);
    return {
      event: expected.records.length - 2,
      what: `at the end: ${what}`,
      where: `${what} at the end`,
      expected: `"${text(expected.kernel) ?? before}"`,
      got: `"${text(got.kernel) ?? after}"`,
    };
  }
  return null;
}

function stateOf({
  kernel,
}: World): Readonly<Record<Untold | 'TDX is offered' | 'initialised LPs' | 'live objects', string>> {
  return {
    'TDX is offered': String(kernel.platformEnabled),
    erratum: String(kernel.partialWriteErratum),
    S3: String(kernel.s3Available),
    'next bring-up of an LP': nextBringUp(kernel),
    'initialised LPs': kernel.cpus.map((cpu) => (cpu.lpInitialised ? 1 : 0)).join(''),
    'users of VMX operation': kernel.cpus.map(({ vmxReferences }) => vmxReferences).join(),
    'CPUs with dirty caches': kernel.cpus.map((cpu) => (cpu.cacheDirty ? 1 : 0)).join(''),
    'live objects': String(kernel.live),
    'TDX memory': kernel.tdxMemory.map(({ startPfn, endPfn, node }) => `${startPfn}-${endPfn}@${node}`).join(),
    locks: Object.values(kernel.locks)
      .map(({ owner, readers }) => `${owner === -1 ? 0 : 1}${readers}`)
      .join(),
    'walks freed TDMRs': String(kernel.platformEnabled && !kernel.tdmrArrayLive && kernel.tdmrCount > 0),
  };
}

const PAGE = 4096;

/** Parts of the state whose compared form is not for readers, as text: LPs by number, byte ranges, locks by name. */
const TEXT: Readonly<Record<string, (kernel: KernelState) => string>> = {
  'initialised LPs': ({ cpus }) => lpsWhere(cpus.map(({ lpInitialised }) => lpInitialised)),
  'users of VMX operation': ({ cpus }) => cpus.map(({ vmxReferences }, lp) => `LP ${lp}: ${vmxReferences}`).join(', '),
  'CPUs with dirty caches': ({ cpus }) => lpsWhere(cpus.map(({ cacheDirty }) => cacheDirty)),
  'TDX memory': ({ tdxMemory }) =>
    listed(
      tdxMemory.map(
        ({ startPfn, endPfn, node }) => `[${formatU64(startPfn * PAGE)}, ${formatU64(endPfn * PAGE)}) node ${node}`,
      ),
    ),
  locks: ({ locks }) =>
    listed(
      Object.entries(locks).flatMap(([name, { owner, readers }]) => [
        ...(owner === -1 ? [] : [`${name} held`]),
        ...(readers === 0 ? [] : [`${name} held by ${readers} reader${readers === 1 ? '' : 's'}`]),
      ]),
    ),
};

function lpsWhere(flags: readonly boolean[]): string {
  return listed(flags.flatMap((flag, lp) => (flag ? [`LP ${lp}`] : [])));
}

function listed(parts: readonly string[]): string {
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** How the next CPU without TDH.SYS.LP.INIT would fare. */
function nextBringUp({ platformEnabled, sysinitDone, sysinitError, cpus }: KernelState): string {
  if (!platformEnabled || cpus.every(({ lpInitialised }) => lpInitialised)) return 'none';
  if (!sysinitDone) return 'TDH.SYS.INIT first';
  return sysinitError === 0 ? 'TDH.SYS.LP.INIT' : `refused at once, -${sysinitError}`;
}
