import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import type { Release } from '../../../model/module/release.ts';
import { LEAVES } from '../../../model/module/leaves/index.ts';
import type { ModuleImplementation } from './implementation.ts';
import { STEP_INPUTS } from '../../transcript/module-case.ts';
import type { CaseAnswer } from '../protocol/messages.ts';
import { playModuleCase } from './play.ts';

/** Our own model in the place of an implementation: what `serve` exposes, and the control of everything here. */
export function modelImplementation(release: Release, version: string): ModuleImplementation {
  const identity = {
    name: `seamstress model of TDX module ${release.name}`,
    version,
    language: 'TypeScript',
  };
  return {
    identity,
    capabilities: {
      role: 'module',
      modules: [release.name],
      leaves: LEAVES.map(({ name }) => formatU64(LEAF_NUMBER[name])).sort(),
      inputs: STEP_INPUTS,
      platforms: 'any',
      batchMax: 64,
      inFlightMax: 4,
      state: true,
      deterministic: true,
    },
    play: (question, withState) => withoutGaps(playModuleCase(question, release, withState)),
  };
}

/** Words that the model keeps abstractly read as zero: over the protocol every word has a value. */
function withoutGaps(answer: CaseAnswer): CaseAnswer {
  if (answer.outcome !== 'observed' || !answer.steps.some(({ resultMem }) => resultMem !== undefined)) return answer;
  const steps = answer.steps.map((step) =>
    step.resultMem === undefined
      ? step
      : { ...step, resultMem: step.resultMem.map((words) => words.map((word) => word ?? '0x0')) },
  );
  return { ...answer, steps };
}
