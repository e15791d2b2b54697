import type { KeyIDPartition } from '../../model/platform/keyid.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/** Ways to break the KeyID partition. MCHECK accepts all of them; kernel and module must not. */
export const KEYID_BREAKS = ['keyid-too-few', 'keyid-beyond-bits', 'keyid-wrap', 'keyid-too-many'] as const;

export interface KeyIDSetting {
  readonly keyids: KeyIDPartition;
  readonly keyidBits: number;
}

/** Splits of real machines ([32,64) is the most common), and the smallest usable ones. */
const SPLITS: readonly KeyIDSetting[] = [
  { keyids: { mktme: 31, tdx: 32 }, keyidBits: 6 },
  { keyids: { mktme: 31, tdx: 32 }, keyidBits: 6 },
  { keyids: { mktme: 63, tdx: 64 }, keyidBits: 7 },
  { keyids: { mktme: 15, tdx: 48 }, keyidBits: 6 },
  { keyids: { mktme: 15, tdx: 16 }, keyidBits: 6 },
  { keyids: { mktme: 0, tdx: 63 }, keyidBits: 6 },
  { keyids: { mktme: 0, tdx: 127 }, keyidBits: 7 },
  { keyids: { mktme: 61, tdx: 2 }, keyidBits: 6 },
  { keyids: { mktme: 0, tdx: 2 }, keyidBits: 2 },
];

export function drawKeyIDs(random: Random): KeyIDSetting {
  return pick(random, SPLITS);
}

export function drawBrokenKeyIDs(random: Random): { setting: KeyIDSetting; rule: (typeof KEYID_BREAKS)[number] } {
  const rule = pick(random, KEYID_BREAKS);
  return { setting: brokenSetting(random, rule), rule };
}

function brokenSetting(random: Random, rule: (typeof KEYID_BREAKS)[number]): KeyIDSetting {
  switch (rule) {
    case 'keyid-too-few':
      return { keyids: { mktme: pick(random, [0, 31, 63]), tdx: random.nextInt(0, 1) }, keyidBits: 6 };
    case 'keyid-beyond-bits':
      return { keyids: { mktme: random.nextInt(32, 40), tdx: random.nextInt(32, 40) }, keyidBits: 6 };
    case 'keyid-wrap':
      // The low half plus one wraps to KeyID 0.
      return { keyids: { mktme: 0xffffffff, tdx: pick(random, [2, 32, 0xffffffff]) }, keyidBits: 6 };
    case 'keyid-too-many':
      // 2048 KeyIDs and more: TDH.SYS.INIT answers NUM_ACTIVATED_HKIDS_NOT_SUPPORTED.
      return { keyids: { mktme: random.nextInt(0, 4096), tdx: random.nextInt(2048, 4096) }, keyidBits: 15 };
  }
}

export function drawWildKeyIDs(random: Random): KeyIDSetting {
  return {
    keyids: { mktme: drawWildCount(random), tdx: drawWildCount(random) },
    keyidBits: chance(random, 70) ? 6 : random.nextInt(0, 15),
  };
}

function drawWildCount(random: Random): number {
  return chance(random, 70)
    ? random.nextInt(0, 80)
    : pick(random, [0, 1, 2047, 2048, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff]);
}
