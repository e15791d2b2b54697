import { fileURLToPath } from 'node:url';
import { INVARIANTS } from '../model/invariants/catalogue.ts';
import type { Platform } from '../model/platform/platform.ts';
import type { Stages } from './campaign/stages.ts';
import { FORMAT_VERSION } from './case.ts';
import { generateCase } from './generate/generate-case.ts';
import { MOOD_NAMES, parseMood } from './generate/mood.ts';
import { bootMachine } from './oracle/boot-machine.ts';
import { describeCase } from './oracle/describe.ts';
import { judgeCase } from './oracle/judge-case.ts';
import { METAMORPHIC } from './oracle/metamorphic.ts';
import { KERNEL_NAMES, MODULE_NAMES } from './oracle/profile.ts';
import { platformFromFile } from './platform-file/platform-file.ts';
import { kindOfPath } from './store/case-store.ts';
import { readPlatforms } from './store/platform-store.ts';

const MACHINES = fileURLToPath(new URL('../../corpus/platforms', import.meta.url));

/** Kernels that ask for metadata which 1.5.01 does not have are run with a release that has it. */
const PARTNERS: Readonly<Record<string, string>> = { '6.17': 'later', '7.3': 'later' };

let machines: readonly Platform[] | undefined;

/** Machines of the field, to start cases from now and then. Read when the first case is generated: few verbs need them. */
function startingPoints(): readonly Platform[] {
  machines ??= kindOfPath(MACHINES) === 'folder' ? readPlatforms(MACHINES) : [];
  return machines;
}

/** seed -> case -> verdict -> text: the way of the data. */
export const stages: Stages = {
  kernels: KERNEL_NAMES,
  modules: MODULE_NAMES,
  moods: MOOD_NAMES,
  defaultKernel: '6.12',
  defaultModule: (kernel) => PARTNERS[kernel] ?? '1.5.01',
  invariants: [...INVARIANTS.filter(({ holds }) => holds === 'always'), ...METAMORPHIC].map(({ id }) => id),
  sometimes: () => INVARIANTS.filter((one) => one.holds === 'sometimes'),
  generate(seed, index, { profile, mood }) {
    const { platform, events } = generateCase(seed, index, { mood: parseMood(mood), platforms: startingPoints() });
    return { formatVersion: FORMAT_VERSION, profile, platform, events };
  },
  judge: judgeCase,
  describe: describeCase,
  boot(machine, profile) {
    const { platform, defaults } =
      'platform' in machine ? { ...machine, defaults: [] } : platformFromFile(machine.file, machine.name);
    return { ...bootMachine(platform, profile), defaults };
  },
};
