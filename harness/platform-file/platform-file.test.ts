import { GIB } from '../../model/abi/size.ts';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AddressRange } from '../../model/abi/range.ts';
import { LINUX_6_12_CMR } from '../../model/kernel/revisions/6.12-cmr.ts';
import { LINUX_6_12 } from '../../model/kernel/revisions/6.12.ts';
import { messageText } from '../../model/kernel/message.ts';
import { sizePAMT } from '../../model/kernel/pamt.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import type { SystemInfo } from '../../model/kernel/state.ts';
import { coverMemory, pamtSize } from '../../model/kernel/tdmr.ts';
import type { TDMR } from '../../model/kernel/tdmr.ts';
import type { Release } from '../../model/module/release.ts';
import { RELEASES } from '../../model/module/release.ts';
import { runMCHECK } from '../../model/platform/mcheck.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { step } from '../../model/world/step.ts';
import { UserError } from '../user-error.ts';
import { readPlatformFile, readPlatforms } from '../store/platform-store.ts';
import type { PlatformFile, PlatformFromFile } from './platform-file.ts';
import { parsePlatformFile, platformFromFile } from './platform-file.ts';

const FOLDER = new URL('../../../corpus/platforms/', import.meta.url);
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

const load = (name: string) => readPlatformFile(fileURLToPath(new URL(name, FOLDER)));

/** PAMT entry sizes and limits of TDMRs and areas that every known module reports. */
const INFO: SystemInfo = {
  maxTDMRs: 64,
  maxReserved: 16,
  entry4K: 16,
  entry2M: 16,
  entry1G: 16,
  features0: 0,
  cpuidConfigs: 0,
  tdcsBaseSize: 0,
  versionMajor: 1,
  versionMinor: 5,
  versionUpdate: 1,
};

/** PAMT size in KB of Linux's TDMRs over a memory map, as the model constructs them. */
function pamtKB(memory: readonly AddressRange[]): number {
  const regions = memory
    .map(({ base, size }) => ({
      startPfn: Math.max(Math.ceil(base / 4096), 256),
      endPfn: Math.floor((base + size) / 4096),
      node: 0,
      object: 0,
    }))
    .filter(({ startPfn, endPfn }) => startPfn < endPfn);
  const tdmrs: TDMR[] = [];
  coverMemory(regions, INFO.maxTDMRs, tdmrs);
  for (const tdmr of tdmrs) sizePAMT(tdmr, INFO);
  return tdmrs.reduce((sum, tdmr) => sum + pamtSize(tdmr), 0) / 1024;
}

/** Boots the machine, enables its CPUs one by one, then TDX; returns all dmesg lines, without level and time. */
function boot(platform: Platform, kernel: Revision, release: Release): string[] {
  const world = bootWorld(platform, kernel, release);
  for (let lp = 0; lp < platform.lps.length; lp += 1) step(world, { kind: 'cpu-enable', lp });
  step(world, { kind: 'enable' });
  return world.kernel.dmesg.map(messageText);
}

describe('the real machines', () => {
  test('are 28, and all of them are read', () => {
    expect(NAMES).toHaveLength(28);
    expect(readPlatforms(fileURLToPath(FOLDER))).toEqual(NAMES.toSorted().map((name) => load(name).platform));
  });

  test.each(NAMES)('%s is a machine that MCHECK accepts, or that has SEAM off', (name) => {
    const { platform, file } = load(name);
    expect(file.source).toBeTruthy();
    expect(runMCHECK(platform).rule).toBe(file.keyids?.tdx === 0 ? 'seamrr-absent' : null);
    expect(ascends(platform.memory)).toBe(true);
  });

  const REPORTED = NAMES.filter((name) => typeof load(name).file.pamtKbReported === 'number');

  test.each(REPORTED)('%s needs the reported PAMT size, exact to the KB', (name) => {
    const { platform, file } = load(name);
    expect(pamtKB(platform.memory)).toBe(file.pamtKbReported);
  });

  test.each(REPORTED)('%s, booted with Linux 6.12, prints the lines of its log', (name) => {
    const { platform, file } = load(name);
    const lines = boot(platform, LINUX_6_12, RELEASES['1.5.01']);
    expect(lines).toContain(`virt/tdx: ${file.pamtKbReported} KB allocated for PAMT`);
    const logged = withoutTimes(file).filter((line) =>
      /^virt\/tdx: (BIOS enabled|Disable ACPI S3|\d+ KB|module initialized)/.test(line),
    );
    // Without KeyIDs in the file, the KeyID range of the log cannot be compared.
    for (const line of file.keyids == null ? [] : logged) expect(lines).toContain(line);
  });

  test('13 files report a PAMT size, five of them with their CMR list', () => {
    expect(REPORTED).toHaveLength(13);
    expect(REPORTED.filter((name) => Array.isArray(load(name).file.cmrs))).toHaveLength(5);
  });
});

/** A machine's own log lines, without the time in front. */
function withoutTimes(file: PlatformFile): string[] {
  return (file.dmesg ?? []).map((line) => line.replace(/^\[\s*[\d.]+\]\s*/, ''));
}

function ascends(ranges: readonly AddressRange[]): boolean {
  return ranges.every(({ base }, index) => {
    const before = ranges[index - 1];
    return before === undefined || before.base + before.size <= base;
  });
}

describe('Fox Creek Pass', () => {
  const { platform, defaults } = load('fox-creek-pass-01.02.0001.json');

  test('combines the e820 map below 0x90000000 with the CMRs above', () => {
    const low = platform.memory.filter(({ base }) => base < 4 * GIB);
    expect(low).toHaveLength(17);
    expect(low.at(-1)).toEqual({ base: 0x6f7ff000, size: 0x1000, node: 0 });
    expect(platform.memory.slice(17)).toEqual([
      { base: 0x100000000, size: 0xf7a000000, node: 0 },
      { base: 0x1080000000, size: 0xffc000000, node: 1 },
      { base: 0x2080000000, size: 0xffc000000, node: 2 },
      { base: 0x3080000000, size: 0xffc000000, node: 3 },
    ]);
  });

  test('runs out of reserved areas with Linux 6.12, but not if holes are derived from CMRs', () => {
    expect(boot(platform, LINUX_6_12, RELEASES['1.5.01'])).toEqual([
      'virt/tdx: BIOS enabled: private KeyID range [32, 64)',
      'virt/tdx: Disable ACPI S3. Turn off TDX in the BIOS to use ACPI S3.',
      'virt/tdx: initialization failed: TDMR [0x0, 0x80000000): reserved areas exhausted.',
      'virt/tdx: module initialization failed (-28)',
    ]);
    expect(boot(platform, LINUX_6_12_CMR, RELEASES['1.5.01']).slice(2)).toEqual([
      'virt/tdx: 1050644 KB allocated for PAMT',
      'virt/tdx: module initialized',
    ]);
  });

  test('has a sentence for every default', () => {
    expect(defaults).toEqual([
      'Topology not known: assuming 2 packages, 2 cores per package, 2 threads per core.',
      'KeyID bits not known: assuming 6.',
      'The e820 map ends at 0x90000000: assuming one memory block per CMR above it.',
      'NUMA nodes not known: assuming a node per CMR above 4 GiB, and node 0 for all memory below.',
      'SEAMRR not known: assuming 32 MiB at 0x107e000000.',
      'Kernel command line not known: assuming neither nosmt nor maxcpus.',
      'CPUID(1).EAX not known: assuming 0xc06f2, the Emerald Rapids value.',
      'Assuming that BIOS enabled every LP, all LPs are online and in VMX operation, and all other MSRs are healthy.',
      'Assuming that BIOS loaded the TDX module before the kernel starts.',
      'Assuming that hibernation is not available (not built in, or turned off with nohibernate).',
    ]);
  });
});

test('the machine with module 1.0 fails as its log shows, line for line', () => {
  const { platform, file } = load('unnamed-16-dimms-module-1.0.json');
  const logged = withoutTimes(file).filter((line) => /^virt\/tdx: (SEAMCALL|R|module)/.test(line));
  expect(logged).toHaveLength(4);
  expect(boot(platform, LINUX_6_12, RELEASES['1.0']).slice(2)).toEqual(logged);
});

/** A file with only these facts, as a platform. */
const from = (facts: object): { platform: Platform; defaults: readonly string[] } => platformFromFile(facts, 'test');

describe('default rules', () => {
  test('an empty file boots, with a sentence for each assumption', () => {
    const { platform, defaults } = from({});
    expect(runMCHECK(platform).verdict).toBe('published');
    expect(platform.lps).toHaveLength(8);
    expect(pamtKB(platform.memory)).toBe(64 * 4104 + 8);
    expect(defaults).toContain(
      'Memory map and CMRs not known: assuming 64 GiB, 2 GiB of it below 4 GiB and one block above.',
    );
  });

  test('null for every property is the same as an empty file', () => {
    const nulls = Object.fromEntries(
      [
        'packages',
        'coresPerPackage',
        'threadsPerCore',
        'keyids',
        'maxPaBits',
        'cmrs',
        'e820',
        'e820Complete',
        'reported',
        'pamtKbReported',
      ].map((key) => [key, null]),
    );
    expect(from(nulls)).toMatchObject({ platform: from({}).platform, defaults: from({}).defaults });
  });

  test('a known topology is used unchanged, in Linux order', () => {
    const { platform, defaults } = from({ packages: 2, coresPerPackage: 48, threadsPerCore: 2 });
    expect(platform.lps).toHaveLength(192);
    expect(platform.lps[96]).toMatchObject({ package: 0, core: 0, thread: 1 });
    expect(defaults.some((sentence) => sentence.startsWith('Topology'))).toBe(false);
  });

  test('the reported number of logical CPUs determines the cores', () => {
    expect(from({ packages: 2, reported: { logicalCpus: 224 } }).platform.lps).toHaveLength(224);
  });

  test('half a KeyID split is completed to 63', () => {
    expect(from({ keyids: { mktme: null, tdx: 32 } }).platform.keyids).toEqual({ mktme: 31, tdx: 32 });
    expect(from({ keyids: { mktme: 15, tdx: null } }).platform.keyids).toEqual({ mktme: 15, tdx: 48 });
  });

  test('more KeyIDs need more bits; a reported width below 52 determines their number', () => {
    expect(from({ keyids: { mktme: 0, tdx: 127 } }).platform.keyidBits).toBe(7);
    expect(from({ maxPaBits: 46 }).platform.keyidBits).toBe(6);
  });

  test('no TDX KeyIDs, or MSR 0x1401 bit 11 clear, mean SEAM is off', () => {
    expect(from({ keyids: { mktme: 63, tdx: 0 } }).platform.seamrr).toBeNull();
    expect(from({ reported: { msr: { '0x1401[11]': 0 } } }).platform.seamrr).toBeNull();
  });

  test('unknown CMRs are derived from the map: one below 4 GiB, one per block above', () => {
    const e820 = [
      { base: '0x0', size: '0x9f000', type: 'usable' },
      { base: '0x100000', size: '0x1000000', type: 'usable' },
      { base: '0x2000000', size: '0x1000800', type: 'usable' },
      { base: '0x100000000', size: '0x80000000', type: 'System RAM' },
    ];
    const { platform } = from({ e820 });
    expect(platform.cmrs).toEqual([
      { base: 0x100000, size: 0x2f01000 },
      { base: 0x100000000, size: 0x80000000 },
    ]);
    expect(platform.memory).toHaveLength(4);
  });

  test('a map of 200 pieces above 4 GiB is covered by 32 CMRs', () => {
    const e820 = Array.from({ length: 200 }, (_, index) => ({
      base: 4 * GIB + index * 0x300000,
      size: 0x100000 + (index % 7) * 0x1000,
      type: 'usable',
    }));
    const { platform } = from({ e820 });
    expect(platform.cmrs).toHaveLength(32);
    expect(runMCHECK(platform).rule).toBeNull();
    expect(
      platform.memory.every((block) =>
        platform.cmrs.some((cmr) => cmr.base <= block.base && block.base + block.size <= cmr.base + cmr.size),
      ),
    ).toBe(true);
  });

  test('a range with another type in another entry is not memory, and neighbours are joined', () => {
    const e820 = [
      { base: '0x100000', size: '0x100000', type: 'usable' },
      { base: '0x200000', size: '0x300000', type: 'usable' },
      { base: '0x300000', size: '0x1000', type: 'reserved' },
    ];
    expect(from({ e820, e820Complete: true }).platform.memory).toEqual([
      { base: 0x100000, size: 0x200000, node: 0 },
      { base: 0x301000, size: 0x1ff000, node: 0 },
    ]);
  });

  test('a block on two nodes is split at their boundary', () => {
    const cmrs = [
      { base: '0x100000000', size: '0x40000000' },
      { base: '0x140000000', size: '0x40000000' },
    ];
    const e820 = [{ base: '0x100000000', size: '0x80000000', type: 'usable' }];
    expect(from({ cmrs, e820 }).platform.memory).toEqual([
      { base: 0x100000000, size: 0x40000000, node: 0 },
      { base: 0x140000000, size: 0x40000000, node: 1 },
    ]);
  });

  test('a broken CMR list is kept unchanged, for MCHECK to judge', () => {
    const cmrs = [
      { base: '0x200000', size: '0x100000' },
      { base: '0x100000', size: '0x180000' },
    ];
    const { platform } = from({ cmrs });
    expect(platform.cmrs.map(({ base }) => base)).toEqual([0x200000, 0x100000]);
    expect(runMCHECK(platform).rule).toBe('cmr-order');
    expect(ascends(platform.memory)).toBe(true);
  });

  test('a reported kernel command line is read', () => {
    const { platform } = from({ reported: { kernelCmdline: 'ro nosmt maxcpus=6 nohibernate' } });
    expect(platform.commandLine).toEqual({ nosmt: true, maxcpus: 6 });
  });

  test('a property that is not part of the schema is reported', () => {
    expect(from({ cmr: [] }).defaults[0]).toBe('The property cmr is not part of a platform file and was not read.');
  });
});

describe('bad input', () => {
  test.each<[string, string, RegExp]>([
    ['nothing', '', /the file is empty/],
    ['half a file', '{"name": "x", "cmrs": [', /the file is truncated/],
    ['a list', '[]', /: expected an object/],
    [
      'nothing of a machine',
      '{"name": "x", "version": "1"}',
      /nothing in it describes a machine; .* at least one of packages,/,
    ],
    ['a CMR without size', '{"cmrs": [{"base": "0x0"}]}', /\/cmrs\/0/],
    ['text where a list belongs', '{"cmrs": "none"}', /\/cmrs/],
    ['a decimal address', '{"cmrs": [{"base": "4096", "size": "0x1000"}]}', /\/cmrs\/0\/base/],
    ['an address beyond 52 bits', '{"cmrs": [{"base": "0x20000000000000", "size": "0x1000"}]}', /beyond the 52-bit/],
    [
      'a range that ends beyond 52 bits',
      '{"cmrs": [{"base": "0xffffffffff000", "size": "0x2000"}]}',
      /the end of cmrs\[0\]/,
    ],
    ['a negative KeyID count', '{"keyids": {"mktme": -1, "tdx": 4}}', /\/keyids/],
    ['three quarters of a package', '{"packages": 0.75}', /\/packages/],
    [
      'more LPs than a machine has',
      '{"packages": 64, "coresPerPackage": 512, "threadsPerCore": 8}',
      /more than the 4096/,
    ],
  ])('%s produces one message', (_, text, message) => {
    const read = () => parsePlatformFile(text, 'machine.json');
    expect(read).toThrow(UserError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^machine\.json: /);
  });
});

/** Addresses in all written forms, sensible and not. */
const address = fc.oneof(
  fc.nat({ max: 64 }).map((gib) => `0x${(gib * GIB).toString(16)}`),
  fc.nat({ max: 2 ** 31 - 1 }).map((value) => `0x${value.toString(16).toUpperCase()}`),
  fc.nat(),
  fc.constantFrom('0x0', '0x10000000000000', '0xffffffffffffffff'),
);
const range = fc.record({ base: address, size: address });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 3 });
const anyFile = fc.record(
  {
    packages: maybe(fc.integer({ min: 1, max: 9 })),
    coresPerPackage: maybe(fc.integer({ min: 1, max: 64 })),
    threadsPerCore: maybe(fc.integer({ min: 1, max: 2 })),
    keyids: maybe(
      fc.record(
        { mktme: maybe(fc.nat({ max: 2 ** 32 - 1 })), tdx: maybe(fc.nat({ max: 4096 })) },
        { requiredKeys: [] },
      ),
    ),
    maxPaBits: maybe(fc.integer({ min: 37, max: 52 })),
    cmrs: maybe(fc.array(range, { maxLength: 40 })),
    e820: maybe(
      fc.array(
        range.chain((entry) =>
          fc.constantFrom('usable', 'reserved', 'ACPI NVS', 'System RAM').map((type) => ({ ...entry, type })),
        ),
        { maxLength: 12 },
      ),
    ),
    e820Complete: maybe(fc.boolean()),
    pamtKbReported: maybe(fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    reported: maybe(
      fc.dictionary(
        fc.constantFrom('fms', 'logicalCpus', 'memoryTB', 'kernelCmdline', 'codename', 'msr'),
        fc.jsonValue(),
      ),
    ),
  },
  { requiredKeys: [] },
);

test('any file becomes either a machine that boots or a message', () => {
  let machines = 0;
  fc.assert(
    fc.property(anyFile, (file) => {
      let read: PlatformFromFile;
      try {
        read = platformFromFile(JSON.parse(JSON.stringify(file)), 'any.json');
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
        return;
      }
      machines += 1;
      expect(ascends(read.platform.memory)).toBe(true);
      expect(read.platform.memory.every(({ size }) => size > 0)).toBe(true);
      boot(read.platform, LINUX_6_12, RELEASES['1.5.01']);
    }),
    { seed: 415, numRuns: 400 },
  );
  expect(machines).toBeGreaterThan(40);
});
