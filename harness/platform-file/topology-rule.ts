import type { PlatformLP } from '../../model/platform/platform.ts';
import { UserError } from '../user-error.ts';
import type { PlatformFile, Say } from './platform-file.ts';

/** The most common TDX host has two sockets; two cores keep an unknown machine small. */
const PACKAGES = 2;
const CORES = 2;
const THREADS = 2;
const LPS_MAX = 4096;

/**
 * LPs in Linux's numbering: the first threads of package 0, of package 1 and so on, then the siblings in the same
 * order. Unknown: 2 packages, 2 threads per core, and the cores that the reported number of logical CPUs needs, else 2.
 */
export function topologyRule(file: PlatformFile, name: string, say: Say): PlatformLP[] {
  const packages = file.packages ?? PACKAGES;
  const threads = file.threadsPerCore ?? THREADS;
  const cores = file.coresPerPackage ?? coresFromReport(file, packages, threads) ?? CORES;
  const unknown = [
    ...(file.packages == null ? [`${packages} packages`] : []),
    ...(file.coresPerPackage == null ? [`${cores} cores per package`] : []),
    ...(file.threadsPerCore == null ? [`${threads} threads per core`] : []),
  ];
  if (unknown.length > 0) say(`Topology not known: assuming ${unknown.join(', ')}.`);
  if (packages * cores * threads > LPS_MAX) {
    throw new UserError(
      `${name}: ${packages} x ${cores} x ${threads} LPs are more than the ${LPS_MAX} that a machine may have here`,
    );
  }
  const lps: PlatformLP[] = [];
  for (let thread = 0; thread < threads; thread += 1) {
    for (let pkg = 0; pkg < packages; pkg += 1) {
      for (let core = 0; core < cores; core += 1) {
        lps.push({ package: pkg, core, thread, bios: true, online: true, vmx: true });
      }
    }
  }
  return lps;
}

function coresFromReport(file: PlatformFile, packages: number, threads: number): number | undefined {
  const logical = file.reported?.['logicalCpus'];
  if (typeof logical !== 'number') return undefined;
  const cores = logical / packages / threads;
  return Number.isInteger(cores) && cores > 0 ? cores : undefined;
}
