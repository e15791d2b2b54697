import { GIB } from '../../../../model/abi/size.ts';
import { LEAF_NUMBER } from '../../../../model/abi/leaf-number.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { CONDITION_NAMES } from '../../../../model/module/conditions.ts';
import { LEAVES } from '../../../../model/module/leaves/index.ts';
import { chance, pick, type Random, weighted } from '../../../generate/draw.ts';
import { randomFor } from '../../../generate/seed.ts';
import { awkwardConfig, awkwardDraft } from './awkward.ts';
import type { PlatformText, StepText } from '../../../transcript/module-text.ts';
import type { Draft, DraftStep } from './draft.ts';
import {
  ARRAY,
  draft,
  hex,
  INFO,
  KEYID,
  KEYID_BIT,
  MILESTONES,
  RESERVED_PAGE,
  step,
  TD_KEYID,
  TDCX,
  TDMR_BASE,
  TDR,
  wayTo,
} from './draft.ts';
import { FAULT_TABLES } from './faults/index.ts';

/** A generated case of the module side, in the shape of a recording, without answers. */
export interface ModuleLine {
  readonly id: string;
  readonly platform: PlatformText;
  readonly steps: readonly StepText[];
}

type Steps = StepText[];

/**
 * Case `index` of a seed: faults alone and combined, TDMR lists where regions meet, wandering calls in every state, and
 * cases of `corpus` bent. The same for ever for the same corpus.
 */
export function generateModuleCase(seed: string, index: number, corpus: readonly ModuleLine[]): ModuleLine {
  const random = randomFor(`${seed}/module`, index);
  const id = `${seed}:${index}`;
  switch (weighted(random, [3, 2, 4, corpus.length === 0 ? 0 : 3])) {
    case 0:
      return asLine(id, faulty(random));
    case 1:
      return asLine(id, awkwardDraft(awkwardConfig.generate(random, undefined).value));
    case 2:
      return asLine(id, wandering(random));
    default:
      return { ...bent(random, pick(random, corpus)), id };
  }
}

function asLine(id: string, { platform, before, call }: Draft): ModuleLine {
  return { id, platform, steps: [...before, call].map(({ label: _label, ...inputs }) => inputs) };
}

/** One to three faults of a leaf at once, as far as they can be combined. */
function faulty(random: Random): Draft {
  const { base, faults } = pick(random, FAULT_TABLES);
  const one = base();
  const touched = new Set<string>();
  for (let left = random.nextInt(1, 3); left > 0; left -= 1) {
    const { touches, apply } = pick(random, faults);
    if (touches.some((name) => touched.has(name))) continue;
    for (const name of touches) touched.add(name);
    apply(one);
  }
  return one;
}

/** Goes some way towards a TD and then makes calls at random, with operands that mean something and others that do not. */
function wandering(random: Random): Draft {
  const before = wayTo(pick(random, MILESTONES));
  for (let left = random.nextInt(0, 7); left > 0; left -= 1) before.push(anyStep(random));
  // The way there is not always kept.
  if (before.length > 2 && chance(random, 30)) before.splice(random.nextInt(0, before.length - 1), 1);
  return draft(before, anyStep(random));
}

const OPERANDS: readonly U64[] = [
  0,
  1,
  ARRAY,
  INFO,
  KEYID,
  TD_KEYID,
  TD_KEYID + 1,
  TDR,
  TDCX,
  TDMR_BASE,
  TDMR_BASE + GIB,
  RESERVED_PAGE,
  TDR + KEYID_BIT,
  INFO + 8,
  0x400000,
  2 ** 52,
  2 ** 52 - 4096,
  2n ** 63n,
  2n ** 64n - 1n,
];
const NUMBERS = LEAVES.map(({ name }) => LEAF_NUMBER[name]);

function anyStep(random: Random): DraftStep {
  const leaf = chance(random, 4) ? pick(random, [99, 0x10021, 0x210000, 0xffff]) : pick(random, NUMBERS);
  const operands: { [register: string]: U64 } = {};
  for (const register of ['rcx', 'rdx', 'r8'] as const)
    if (chance(random, register === 'rcx' ? 80 : 40)) operands[register] = pick(random, OPERANDS);
  const made = step(leaf, operands, random.nextInt(0, 1));
  surround(random, made);
  return made;
}

/** What may happen around a call. */
function surround(random: Random, made: StepText): void {
  if (chance(random, 8)) {
    made.inject = pick(random, CONDITION_NAMES);
    if (made.inject.startsWith('pamt-lock')) made.injectArg = hex(pick(random, [TDR, TDCX, TDMR_BASE]));
  }
  if (chance(random, 3)) made.reload = true;
  if (chance(random, 5)) made.repeat = random.nextInt(2, 300);
  if (chance(random, 5)) made.read = [{ pa: hex(INFO), u64: 8 }];
  if (chance(random, 5)) made.mem = [{ pa: hex(ARRAY), u64: [hex(pick(random, OPERANDS))] }];
}

/** A case with one to three changes: steps dropped, doubled, swapped, made by another LP or with another operand. */
function bent(random: Random, { id, platform, steps }: ModuleLine): ModuleLine {
  const changed: Steps = steps.map((one) => ({ ...one, seamcall: { ...one.seamcall } }));
  for (let left = random.nextInt(1, 3); left > 0; left -= 1) {
    const at = random.nextInt(0, changed.length - 1);
    const one = changed[at];
    if (one === undefined) break;
    switch (random.nextInt(0, 5)) {
      case 0:
        if (changed.length > 1) changed.splice(at, 1);
        break;
      case 1:
        changed.splice(at, 0, { ...one, seamcall: { ...one.seamcall } });
        break;
      case 2:
        changed.push(...changed.splice(at, 1));
        break;
      case 3:
        one.seamcall.lp = random.nextInt(0, platform.lps.length - 1);
        break;
      case 4:
        one.seamcall[pick(random, ['rcx', 'rdx', 'r8'])] = hex(pick(random, OPERANDS));
        break;
      default:
        surround(random, one);
    }
  }
  return { id, platform, steps: changed };
}
