import type { CommandLine } from '../../model/platform/platform.ts';
import type { PlatformFile, Say } from './platform-file.ts';

/** CPUID(1).EAX by code name; values from the module's own list of allowed parts (release 1.5.01). */
const FMS_BY_CODENAME: Readonly<Record<string, number>> = {
  'Sapphire Rapids': 0x806f8,
  'Emerald Rapids': 0xc06f2,
  'Granite Rapids': 0xa06d0,
  'Sierra Forest': 0xa06f0,
  'Clearwater Forest': 0xd06d0,
};

const hex = (value: number): string => `0x${value.toString(16)}`;

/** CPUID(1).EAX: from the reported family, model and stepping, else from the reported code name, else Sapphire Rapids. */
export function fmsRule(file: PlatformFile, say: Say): number {
  const fms = file.reported?.['fms'];
  if (typeof fms === 'object' && fms !== null) {
    const family = numberIn(fms, 'family');
    const model = numberIn(fms, 'model');
    const stepping = numberIn(fms, 'stepping');
    if (
      family !== undefined &&
      family < 16 &&
      model !== undefined &&
      model < 256 &&
      stepping !== undefined &&
      stepping < 16
    ) {
      return (model >>> 4) * 0x10000 + family * 0x100 + (model & 0xf) * 0x10 + stepping;
    }
  }
  const codename = file.reported?.['codename'];
  const listed = typeof codename === 'string' ? FMS_BY_CODENAME[codename] : undefined;
  if (listed !== undefined) {
    say(`CPUID(1).EAX not known: assuming ${hex(listed)}, the ${String(codename)} value.`);
    return listed;
  }
  say('CPUID(1).EAX not known: assuming 0x806f8, the Sapphire Rapids value.');
  return 0x806f8;
}

function numberIn(record: object, key: string): number | undefined {
  const value = (record as Readonly<Record<string, unknown>>)[key];
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** `nosmt`, `maxcpus=` and `nohibernate` of a reported kernel command line; without one, none of them. */
export function commandLineRule(file: PlatformFile, say: Say): { commandLine: CommandLine; nohibernate: boolean } {
  const text = file.reported?.['kernelCmdline'];
  if (typeof text !== 'string') {
    say('Kernel command line not known: assuming neither nosmt nor maxcpus.');
    return { commandLine: { nosmt: false, maxcpus: null }, nohibernate: false };
  }
  const words = text.split(/\s+/);
  const maxcpus = words.map((word) => /^maxcpus=(\d{1,5})$/.exec(word)?.[1]).findLast((value) => value !== undefined);
  return {
    commandLine: {
      nosmt: words.some((word) => word === 'nosmt' || word === 'nosmt=force'),
      maxcpus: maxcpus === undefined ? null : Number(maxcpus),
    },
    nohibernate: words.includes('nohibernate'),
  };
}
