import { leafOf } from './suite/reach.ts';
import { formatU64, parseU64 } from '../../../model/abi/u64.ts';
import { compareAnswers, type AnswerDifference, type Level, type Unobserved } from './compare-answers.ts';
import { STEP_INPUTS } from '../../transcript/module-case.ts';
import type { Capabilities, ModuleStepText } from '../protocol/messages.ts';
import { leafText, raxText, requirementsOf } from './requirement.ts';
import type { Failed, Observation, Prepared } from './runner.ts';
import { DEFECT_OF_DIFFERENCE, type DefectName } from './defect.ts';

/** What is to be said of one case. */
export interface Judgement {
  /** `null`: nothing wrong. */
  readonly problem: Problem | null;
  readonly unobserved: Unobserved | null;
  /** Steps that agree, from the first on. */
  readonly agreed: number;
}

export interface Problem {
  readonly verdict: DefectName;
  /** Same bucket, same finding. */
  readonly bucket: string;
  readonly message: string;
  readonly difference: AnswerDifference | null;
  readonly stderr: string;
}

/** Judges what came of a case. Only what was observed can be wrong, and the refusal of what was promised. */
export function judgeObservation(
  { question, expected }: Prepared,
  observation: Observation,
  level: Level,
  capabilities: Capabilities,
): Judgement {
  switch (observation.kind) {
    case 'not-run':
      return { problem: null, unobserved: null, agreed: 0 };
    case 'as-expected': {
      const steps = expected.outcome === 'observed' ? expected.steps : [];
      return { problem: null, unobserved: null, agreed: steps.length };
    }
    case 'failed':
      return { problem: failed(observation.failure), unobserved: null, agreed: 0 };
    case 'answered': {
      const { difference, unobserved, agreed } = compareAnswers(expected, observation.answer, level);
      if (difference !== null) {
        const lie = difference.kind === 'state' && difference.got === 'nothing' && capabilities.state;
        const [requirement = ''] = requirementsOf(question, expected)[difference.step] ?? [];
        const verdict = lie ? 'capability-lie' : DEFECT_OF_DIFFERENCE[difference.kind];
        const shown = difference.what.replace(/^call \d+: /, '').replace(/\d+/g, 'n');
        const got = difference.what.endsWith('rax') ? raxText(difference.got).split(' ')[0] : '';
        // Where the status itself is wrong, the details that belong to it say nothing about the cause.
        const about = verdict === 'wrong-status' ? requirement.split(' ').slice(0, 2).join(' ') : requirement;
        const bucket = lie ? 'capability-lie|state' : [verdict, about, shown, got].join('|');
        const message = lie
          ? 'its capabilities promise `state`, its answers have none'
          : messageOf(requirement, difference);
        return { problem: { verdict, bucket, message, difference, stderr: '' }, unobserved, agreed };
      }
      const refused = unobserved?.outcome === 'unsupported' ? question.steps[unobserved.step] : undefined;
      if (unobserved !== null && refused !== undefined && isPromised(refused, capabilities))
        return { problem: lie(refused, unobserved), unobserved, agreed };
      return { problem: null, unobserved, agreed };
    }
  }
}

function failed({ verdict, message, stderr }: Failed): Problem {
  return { verdict, bucket: verdict, message, difference: null, stderr };
}

/** A promised call that was refused. The refusal is the difference, so that it is made as small as any other. */
function lie({ seamcall: { rax } }: ModuleStepText, { step, reason }: Unobserved): Problem {
  const leaf = leafText(rax);
  return {
    verdict: 'capability-lie',
    bucket: `capability-lie|${leafOf(parseU64(rax) ?? 0)}`,
    message: `its capabilities promise ${leaf}, and it calls step ${step + 1} unsupported: ${reason}`,
    difference: { step, kind: 'outcome', what: 'outcome', expected: 'an answer', got: `unsupported: ${reason}` },
    stderr: '',
  };
}

/** A wrong RAX is told by its statuses; for anything else the requirement says which answer it is part of. */
function messageOf(requirement: string, { what, expected, got }: AnswerDifference): string {
  if (what === 'outcome') return `${requirement}: expected ${expected}, got ${got}`;
  if (!what.endsWith('rax')) return `${requirement}: ${what}: expected ${expected}, got ${got}`;
  const [leaf = ''] = requirement.split(' ');
  return `${leaf}: ${what === 'rax' ? '' : `${what}: `}expected ${raxText(expected)}, got ${raxText(got)}`;
}

/** Whether its capabilities promise the leaf and whatever else the step has. */
function isPromised(step: ModuleStepText, capabilities: Capabilities): boolean {
  const { inputs = [] } = capabilities;
  return (
    hasLeaf(capabilities, step.seamcall.rax) &&
    STEP_INPUTS.every((name) => step[name] === undefined || inputs.includes(name))
  );
}

/** Whether the capabilities name the leaf. A list that is missing names all of them. */
function hasLeaf({ leaves }: Capabilities, rax: string): boolean {
  const value = parseU64(rax);
  const number = typeof value === 'number' ? formatU64(value % 0x10000) : rax;
  return leaves === undefined || leaves.includes(number);
}
