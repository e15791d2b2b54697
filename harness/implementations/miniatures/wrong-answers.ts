import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { OPERAND } from '../../../model/abi/operand-id.ts';
import { STATUS, withDetails } from '../../../model/abi/status.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import { randomInt } from 'node:crypto';
import type { CaseAnswer, ModuleCaseText } from '../protocol/messages.ts';
import { calls, changed, type Miniature, refused } from './miniature.ts';

const LEAF = {
  MNG_CREATE: formatU64(LEAF_NUMBER['TDH.MNG.CREATE']),
  RDALL: formatU64(LEAF_NUMBER['TDH.SYS.RDALL']),
  INFO: formatU64(LEAF_NUMBER['TDH.SYS.INFO']),
  INIT: formatU64(LEAF_NUMBER['TDH.SYS.INIT']),
  RD: formatU64(LEAF_NUMBER['TDH.SYS.RD']),
  TDMR_INIT: formatU64(LEAF_NUMBER['TDH.SYS.TDMR.INIT']),
  SHUTDOWN: formatU64(LEAF_NUMBER['TDH.SYS.SHUTDOWN']),
};
const KEY_CONFIGURED = formatU64(STATUS.TDX_KEY_CONFIGURED);
const SYS_BUSY = formatU64(STATUS.TDX_SYS_BUSY);
const RAX_INVALID = formatU64(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RAX));
const RCX_INVALID = formatU64(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX));
const NO_INJECT = { unsupported: 'no inject' };
const LINK = 'https://example.org/issues/1';

let leaked = false;
let previous: ModuleCaseText | undefined;

/** Those that speak well and say the wrong thing. */
export const WRONG_ANSWERS: Readonly<Record<string, Miniature>> = {
  right: { what: 'our model', verdict: 'none' },
  'wrong-status': {
    what: 'says TDX_SYS_BUSY where TDX_KEY_CONFIGURED belongs',
    verdict: 'wrong-status',
    module: changed((_, answer) =>
      answer.result?.['rax'] === KEY_CONFIGURED
        ? { ...answer, result: { ...answer.result, rax: SYS_BUSY } }
        : undefined,
    ),
  },
  'wrong-details': {
    what: 'forgets which operand of TDH.SYS.TDMR.INIT was invalid',
    verdict: 'wrong-details',
    module: changed((rax, answer) =>
      rax === LEAF.TDMR_INIT && answer.result?.['rax'] === RCX_INVALID
        ? { ...answer, result: { ...answer.result, rax: RAX_INVALID } }
        : undefined,
    ),
  },
  'wrong-register': {
    what: 'TDH.SYS.RD returns its value one too large',
    verdict: 'wrong-register',
    module: changed((rax, answer) =>
      rax === LEAF.RD && answer.result?.['rax'] === '0x0'
        ? {
            ...answer,
            result: { ...answer.result, r8: `0x${(BigInt(answer.result['r8'] ?? '0x0') + 1n).toString(16)}` },
          }
        : undefined,
    ),
  },
  'wrong-run': {
    what: 'TDH.SYS.TDMR.INIT says a GiB is done one call early',
    verdict: 'wrong-register',
    module: changed((rax, answer) => {
      const [first, second, ...others] = answer.runs ?? [];
      if (rax !== LEAF.TDMR_INIT || first === undefined || second === undefined || first.n < 2) return undefined;
      return { ...answer, runs: [{ ...first, n: first.n - 1 }, { ...second, n: second.n + 1 }, ...others] };
    }),
  },
  'wrong-memory': {
    what: 'TDH.SYS.RDALL and others write another word',
    verdict: 'wrong-memory',
    module: changed((_, answer) =>
      answer.resultMem === undefined
        ? undefined
        : { ...answer, resultMem: answer.resultMem.map((words) => words.map(() => '0x77')) },
    ),
  },
  'wrong-state': {
    what: 'believes itself READY after TDH.SYS.CONFIG',
    verdict: 'wrong-state',
    level: 'state',
    module: changed((_, answer) =>
      answer.state?.phase === 'CONFIG_DONE' ? { ...answer, state: { ...answer.state, phase: 'READY' } } : undefined,
    ),
  },
  'wrong-outcome': {
    what: 'answers where the module shuts itself down',
    verdict: 'wrong-outcome',
    module: changed((_, { fatal }) => (fatal === undefined ? undefined : { result: { rax: RAX_INVALID } })),
  },
  'state-leak': {
    what: 'TDH.SYS.RD is refused once any case has shut its module down',
    verdict: 'state-leak',
    module: (model) => {
      const leaky = changed((rax) => (leaked && rax === LEAF.RD ? { result: { rax: SYS_BUSY } } : undefined))(model);
      return {
        ...leaky,
        play: async (question, withState) => {
          const answer = await leaky.play(question, withState);
          leaked ||= calls(question, LEAF.SHUTDOWN);
          return answer;
        },
      };
    },
  },
  'ignores-reset': {
    what: 'begins each case where the one before ended',
    verdict: 'ignores-reset',
    module: (model) => ({
      ...model,
      play: async (question, withState) => {
        const lps = question.platform.lps.length;
        const carried = (previous?.steps ?? []).filter(({ seamcall }) => seamcall.lp < lps);
        previous = question;
        const answer = await model.play({ ...question, steps: [...carried, ...question.steps] }, withState);
        return answer.outcome === 'observed' ? { ...answer, steps: answer.steps.slice(carried.length) } : answer;
      },
    }),
  },
  'non-deterministic': {
    what: 'TDH.SYS.INFO leaves chance in R11',
    verdict: 'non-deterministic',
    module: changed((rax, answer) =>
      rax === LEAF.INFO && answer.result !== undefined
        ? { ...answer, result: { ...answer.result, r11: `0x${randomInt(1, 2 ** 40).toString(16)}` } }
        : undefined,
    ),
  },
  'lies-about-leaves': {
    what: 'names TDH.SYS.RD among its leaves and does not have it',
    verdict: 'capability-lie',
    module: changed((rax) => (rax === LEAF.RD ? { unsupported: 'not written yet' } : undefined)),
  },
  'lies-about-inputs': {
    what: 'takes no `inject`, and its capabilities promise it',
    verdict: 'capability-lie',
    module: changed((_, __, { steps }, step) => (steps[step]?.inject === undefined ? undefined : NO_INJECT)),
  },
  'honest-about-inputs': {
    what: 'takes no `inject`, and does not promise it',
    verdict: 'none',
    module: (model) => {
      const { inputs = [] } = model.capabilities;
      const honest = changed((_, __, { steps }, step) => (steps[step]?.inject === undefined ? undefined : NO_INJECT))(
        model,
      );
      return { ...honest, capabilities: { ...model.capabilities, inputs: inputs.filter((name) => name !== 'inject') } };
    },
  },
  'lies-about-modules': {
    what: 'names the release and refuses it',
    verdict: 'capability-lie',
    module: (model) => ({ ...model, configure: () => ({ reason: 'not this one' }) }),
  },
  'lies-about-state': {
    what: 'promises its state and does not say it',
    verdict: 'capability-lie',
    level: 'state',
    module: changed((_, { state: _none, ...answer }) => answer),
  },
  unsupported: {
    what: 'says honestly that it has no TDH.MNG.CREATE',
    verdict: 'none',
    module: (model) => {
      const { leaves = [] } = model.capabilities;
      const honest = changed((rax) => (rax === LEAF.MNG_CREATE ? { unsupported: 'no TDs', link: LINK } : undefined))(
        model,
      );
      return {
        ...honest,
        capabilities: { ...model.capabilities, leaves: leaves.filter((leaf) => leaf !== LEAF.MNG_CREATE) },
      };
    },
  },
  skipped: {
    what: 'skips what a known issue of its own is in the way of',
    verdict: 'none',
    module: (model) => ({
      ...model,
      play: (question: ModuleCaseText, withState: boolean): CaseAnswer | Promise<CaseAnswer> =>
        calls(question, LEAF.RDALL)
          ? refused(question, 'skipped', 'known issue', LINK)
          : model.play(question, withState),
    }),
  },
  'configured-platform': {
    what: 'takes its platform from `configure` alone',
    verdict: 'none',
    module: (model) => ({ ...model, capabilities: { ...model.capabilities, platforms: 'configured' } }),
  },
  errored: {
    what: 'fails in itself with TDH.SYS.INIT, and says so',
    verdict: 'none',
    module: (model) => ({
      ...model,
      play: (question, withState) => {
        if (calls(question, LEAF.RDALL)) throw new Error('out of memory');
        return model.play(question, withState);
      },
    }),
  },
};
