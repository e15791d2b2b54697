import { OUTPUT_REGISTERS } from '../../../model/abi/registers.ts';
import { healthyPlatform } from './suite/draft.ts';
import type { ModuleCaseText, ModuleStepText } from '../protocol/messages.ts';

/** Whether a smaller case still shows the same. */
export type StillShows = (question: ModuleCaseText) => Promise<boolean>;

/** Asking costs a round trip; what a person reads needs no more. */
const EVALUATIONS_MAX = 600;

/**
 * Makes a case smaller as long as it shows the same: fewer steps, then less around each, then a machine more like a healthy one. `shown`
 * is the step at which it shows. The result is minimal (no single simplification keeps what it shows) unless the number
 * of evaluations ran out.
 */
export async function shrinkModuleCase(
  question: ModuleCaseText,
  shown: number,
  stillShows: StillShows,
): Promise<{ readonly question: ModuleCaseText; readonly minimal: boolean }> {
  let best: ModuleCaseText = question;
  let left = EVALUATIONS_MAX;
  const attempt = async (candidate: ModuleCaseText): Promise<boolean> => {
    if (left <= 0) return false;
    left -= 1;
    if (!(await stillShows(candidate))) return false;
    best = candidate;
    return true;
  };
  // All at once, if that will do; the LPs stay, for the steps name them.
  await attempt({ ...question, platform: { ...healthyPlatform(), lps: question.platform.lps } });
  if (shown + 1 < question.steps.length) await attempt({ ...question, steps: question.steps.slice(0, shown + 1) });
  for (let changed = true; changed && left > 0; ) {
    changed = false;
    for (const candidates of [withoutSteps, withPlainerSteps, withPlainerPlatform]) {
      for (let again = true; again && left > 0; ) {
        again = false;
        for (const candidate of candidates(best)) {
          if (!(await attempt(candidate))) continue;
          again = true;
          changed = true;
          break;
        }
      }
    }
  }
  return { question: best, minimal: left > 0 };
}

/** From the last step to the first: what comes late depends on what comes early. */
function* withoutSteps(question: ModuleCaseText): Generator<ModuleCaseText> {
  const { steps } = question;
  if (steps.length < 2) return;
  for (let at = steps.length - 1; at >= 0; at -= 1)
    yield { ...question, steps: steps.filter((_, index) => index !== at) };
}

const AROUND = [
  'inject',
  'injectArg',
  'reload',
  'msr',
  'lpMsr',
  'cpuid',
  'seamopsCaps',
  'read',
  'mem',
  'repeat',
] as const;

function* withPlainerSteps(question: ModuleCaseText): Generator<ModuleCaseText> {
  const { steps } = question;
  const replaced = (at: number, step: ModuleStepText): ModuleCaseText => ({
    ...question,
    steps: steps.map((one, index) => (index === at ? step : one)),
  });
  for (const [at, one] of steps.entries()) {
    for (const name of AROUND) {
      if (one[name] === undefined) continue;
      const { [name]: _gone, ...rest } = one;
      yield replaced(at, rest);
    }
    if (one.repeat !== undefined && one.repeat > 2) yield replaced(at, { ...one, repeat: Math.ceil(one.repeat / 2) });
    for (const [index, { u64 }] of (one.mem ?? []).entries()) {
      if ((one.mem?.length ?? 0) > 1)
        yield replaced(at, { ...one, mem: (one.mem ?? []).filter((_, other) => other !== index) });
      if (u64.length > 1) yield replaced(at, withWords(one, index, u64.slice(0, -1)));
    }
    for (const register of OUTPUT_REGISTERS) {
      if (one.seamcall[register] === undefined) continue;
      const { [register]: _zero, ...seamcall } = one.seamcall;
      yield replaced(at, { ...one, seamcall: seamcall as ModuleStepText['seamcall'] });
    }
    if (one.seamcall.lp !== 0) yield replaced(at, { ...one, seamcall: { ...one.seamcall, lp: 0 } });
  }
}

function withWords(step: ModuleStepText, index: number, u64: string[]): ModuleStepText {
  return { ...step, mem: (step.mem ?? []).map((write, at) => (at === index ? { ...write, u64 } : write)) };
}

/** Member by member towards a healthy machine, so that what is left of another one is what matters. */
function* withPlainerPlatform(question: ModuleCaseText): Generator<ModuleCaseText> {
  const { platform } = question;
  const healthy = healthyPlatform();
  const odd = new Set(
    Object.entries(platform)
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(healthy[name as keyof typeof healthy]))
      .map(([name]) => name),
  );
  for (const name of odd) {
    // LPs go one by one, below: each that is left has to be initialised.
    if (name === 'lps') continue;
    const { [name as keyof typeof platform]: _gone, ...rest } = platform;
    const usual = healthy[name as keyof typeof healthy];
    yield {
      ...question,
      platform: { ...rest, ...(usual !== undefined && { [name]: usual }) } as ModuleCaseText['platform'],
    };
  }
  if (platform.lps.length > 1) {
    const last = platform.lps.length - 1;
    if (question.steps.every(({ seamcall }) => seamcall.lp < last))
      yield { ...question, platform: { ...platform, lps: platform.lps.slice(0, -1) } };
  }
  for (const list of ['cmrs', 'smrr'] as const) {
    if (!odd.has(list)) continue;
    for (let at = platform[list].length - 1; at >= 0; at -= 1)
      yield {
        ...question,
        platform: { ...platform, [list]: platform[list].filter((_: unknown, index) => index !== at) },
      };
  }
}
