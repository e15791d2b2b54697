import { MIB } from '../../model/abi/size.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildHardware } from '../../model/platform/build-hardware.ts';
import { brokenCMRRule, isConvertible } from '../../model/platform/cmr.ts';
import { keyidsFit } from '../../model/platform/keyid.ts';
import { runMCHECK } from '../../model/platform/mcheck.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { createSEAMLDR } from '../../model/seamldr/seamldr.ts';
import { bootLP } from '../../model/platform/topology.ts';
import { platformArbitrary } from './arbitraries.ts';
import { SEAM_BREAKS } from './bios.ts';
import { CMR_BREAKS } from './cmr.ts';
import { KEYID_BREAKS } from './keyid.ts';
import { MSR_BREAKS } from './msr.ts';
import { TOPOLOGY_BREAKS } from './topology.ts';

const SEED = 20221122;
const RUNS = { seed: SEED, numRuns: 2000 };

/** Number of memory blocks from 1 MiB up that no CMR covers, rounded to pages as the kernel does. */
function outside({ memory, cmrs }: Platform): number {
  return memory.filter(({ base, size }) => {
    const start = Math.max(Math.ceil(base / 4096) * 4096, MIB);
    const end = Math.floor((base + size) / 4096) * 4096;
    return start < end && !isConvertible(cmrs, start, end);
  }).length;
}

describe('a legal platform', () => {
  test('passes MCHECK, keeps its memory inside its CMRs and its KeyIDs inside their bits', () => {
    fc.assert(
      fc.property(platformArbitrary('legal'), ({ value: platform, broken }) => {
        expect(broken).toEqual([]);
        expect(runMCHECK(platform)).toMatchObject({ verdict: 'published', rule: null });
        expect(outside(platform)).toBe(0);
        expect(keyidsFit(platform.keyids, platform.keyidBits)).toBe(true);
        expect(platform.keyids.tdx).toBeGreaterThanOrEqual(2);
      }),
      RUNS,
    );
  });

  test('has 1 to 9 LPs, ascending disjoint memory, and a SEAMRR apart from memory and CMRs', () => {
    fc.assert(
      fc.property(platformArbitrary('legal'), ({ value: { lps, memory, cmrs, seamrr } }) => {
        expect(lps.length).toBeGreaterThanOrEqual(1);
        expect(lps.length).toBeLessThanOrEqual(9);
        memory.forEach(({ base, size }, index) => {
          expect(size).toBeGreaterThan(0);
          const before = memory[index - 1];
          if (before !== undefined) expect(base).toBeGreaterThanOrEqual(before.base + before.size);
        });
        for (const range of [...memory, ...cmrs]) {
          if (seamrr !== null)
            expect(
              range.base >= seamrr.base + seamrr.size || seamrr.base >= range.base + range.size || range.size === 0,
            ).toBe(true);
        }
      }),
      RUNS,
    );
  });
});

/** The rule that a platform breaks, derived from its data: MCHECK's result, else what only kernel or module check. */
function foundBroken(platform: Platform): string {
  const { rule } = runMCHECK(platform);
  if (rule !== null) return rule;
  if (outside(platform) > 0) return 'memory-outside-cmrs';
  const { mktme, tdx } = platform.keyids;
  if (mktme === 0xffffffff) return 'keyid-wrap';
  if (tdx < 2) return 'keyid-too-few';
  if (mktme + tdx >= 2048) return 'keyid-too-many';
  if (!keyidsFit(platform.keyids, platform.keyidBits)) return 'keyid-beyond-bits';
  return platform.msr.length > 0 ? 'msr' : 'nothing';
}

describe('a broken platform', () => {
  const seen = new Set<string>();

  test('breaks exactly the rule it names', () => {
    fc.assert(
      fc.property(platformArbitrary('broken'), ({ value: platform, broken }) => {
        expect(broken).toHaveLength(1);
        const name = broken[0] ?? '';
        seen.add(name);
        expect(foundBroken(platform)).toBe(name.startsWith('msr-') ? 'msr' : name);
        if (name.startsWith('cmr-'))
          expect(runMCHECK({ ...platform, cmrs: [{ base: MIB, size: MIB }] }).rule).toBeNull();
        else expect(brokenCMRRule(platform.cmrs)).toBeNull();
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test('occurs with every rule name', () => {
    const names = [
      ...CMR_BREAKS,
      ...SEAM_BREAKS,
      ...KEYID_BREAKS,
      ...MSR_BREAKS,
      ...TOPOLOGY_BREAKS,
      'fms-differs',
      'keyid-differs',
      'memory-outside-cmrs',
    ];
    expect([...seen].sort()).toEqual([...new Set(names)].sort());
  });
});

describe('a wild platform', () => {
  test('never crashes MCHECK, the hardware or the loaders', () => {
    fc.assert(
      fc.property(platformArbitrary('wild'), ({ value: platform, broken }) => {
        expect(broken).toEqual(['wild']);
        const hardware = buildHardware(platform, runMCHECK(platform));
        expect(hardware.lps).toHaveLength(platform.lps.length);
        createSEAMLDR(hardware, platform.moduleImage, bootLP(platform.lps));
      }),
      RUNS,
    );
  });
});

describe('every arbitrary', () => {
  test.each(['legal', 'broken', 'wild'] as const)('%s: the same seed gives the same platforms', (temperament) => {
    const sample = () => fc.sample(platformArbitrary(temperament), { seed: SEED, numRuns: 50 });
    expect(sample()).toEqual(sample());
  });
});
