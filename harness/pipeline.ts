import { fileURLToPath } from 'node:url';
import { ALWAYS } from '../model/invariants/catalogue.ts';
import { SOMETIMES } from '../model/invariants/sometimes.ts';
import type { Platform } from '../model/platform/platform.ts';
import type { Stages } from './campaign/stages.ts';
import { FORMAT_VERSION } from './case.ts';
import { ruleOf } from './catalogue/rules.ts';
import { generateCase } from './generate/generate-case.ts';
import { MOOD_NAMES, parseMood } from './generate/mood.ts';
import { bootMachine } from './platform-file/boot-machine.ts';
import { describeCase } from './describe/describe-case.ts';
import { judgeCase } from './oracle/judge-case.ts';
import { METAMORPHIC } from './oracle/metamorphic.ts';
import { defaultModule, findProfile, KERNEL_NAMES, MODULE_NAMES } from './profile.ts';
import { readPlatforms } from './store/platform-store.ts';

const MACHINES = fileURLToPath(new URL('../../corpus/platforms', import.meta.url));
let machines: readonly Platform[] | undefined;

/** Real machines, from which some cases start. Read once per thread, by the first case: few verbs need them. */
function startingPoints(): readonly Platform[] {
  machines ??= readPlatforms(MACHINES);
  return machines;
}

/**
 * The data flow; each arrow is a function:
 *
 *     seed -> generate -> case -> judge (platform, boot, events, trace, invariants) -> verdict
 *                                 describe (the same run, for a reader)
 *
 * campaign/ finds failures with these stages, shrink/ reduces them, report/ reports them.
 */
export const stages: Stages = {
  kernels: KERNEL_NAMES,
  modules: MODULE_NAMES,
  moods: MOOD_NAMES,
  defaultKernel: '6.12',
  defaultModule,
  invariants: [...ALWAYS, ...METAMORPHIC].map(({ id }) => id),
  sometimes: (profile) => {
    const { revision } = findProfile(profile);
    return SOMETIMES.filter(({ appliesTo }) => appliesTo?.(revision) !== false);
  },
  generate: (seed, index, { profile, mood }) => {
    const { platform, events, schedule } = generateCase(seed, index, {
      mood: parseMood(mood),
      platforms: startingPoints(),
    });
    // Written out because a spread would give every case its own hidden class.
    return schedule.length === 0
      ? { formatVersion: FORMAT_VERSION, profile, platform, events }
      : { formatVersion: FORMAT_VERSION, profile, platform, events, schedule };
  },
  ruleOf,
  judge: judgeCase,
  describe: describeCase,
  boot: bootMachine,
};
