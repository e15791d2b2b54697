import { leafOf } from '../conformance/reach.ts';
import { formatU64, parseU64 } from '../../model/abi/u64.ts';
import { compareAnswers, type Difference, type Level, type Unobserved } from './compare.ts';
import type { Capabilities } from './messages.ts';
import { raxText, requirementsOf } from './requirement.ts';
import type { Failed, Observation, Prepared } from './runner.ts';
import { VERDICT_OF_DIFFERENCE, type VerdictName } from './verdict.ts';

/** What is to be said of one case. */
export interface Judgement {
  /** `null`: nothing wrong. */
  readonly problem: Problem | null;
  readonly unobserved: Unobserved | null;
  /** Steps that agree, from the first on. */
  readonly agreed: number;
}

export interface Problem {
  readonly verdict: VerdictName;
  /** Same bucket, same finding. */
  readonly bucket: string;
  readonly message: string;
  readonly difference: Difference | null;
  readonly stderr: string;
}

/** Judges what came of a case. Only what was observed can be wrong; what was promised counts as observed. */
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
      const rax = question.steps[difference?.step ?? unobserved?.step ?? 0]?.seamcall.rax ?? '0x0';
      if (difference !== null) {
        const lie = difference.kind === 'state' && difference.got === 'nothing' && capabilities.state;
        const [requirement = ''] = requirementsOf(question, expected)[difference.step] ?? [];
        const verdict = lie ? 'capability-lie' : VERDICT_OF_DIFFERENCE[difference.kind];
        const shown = difference.what.replace(/^call \d+: /, '').replace(/\d+/g, 'n');
        const got = difference.what.endsWith('rax') ? raxText(difference.got).split(' ')[0] : '';
        // Where the status itself is wrong, the details that belong to it say nothing about the cause.
        const about = verdict === 'wrong-status' ? requirement.split(' ').slice(0, 2).join(' ') : requirement;
        const bucket = lie ? 'capability-lie|state' : [verdict, about, shown, got].join('|');
        const message = lie
          ? 'its capabilities promise `state`, its answers have none'
          : `${requirement}: ${difference.what} is ${named(difference, difference.got)}, expected ${named(difference, difference.expected)}`;
        return { problem: { verdict, bucket, message, difference, stderr: '' }, unobserved, agreed };
      }
      const leaf = leafOf(parseU64(rax) ?? 0);
      if (unobserved?.outcome === 'unsupported' && unobserved.step >= 0 && hasLeaf(capabilities, rax)) {
        const problem: Problem = {
          verdict: 'capability-lie',
          bucket: `capability-lie|${leaf}`,
          message: `its capabilities name ${leaf}, and it calls the leaf unsupported: ${unobserved.reason}`,
          difference: null,
          stderr: '',
        };
        return { problem, unobserved, agreed };
      }
      return { problem: null, unobserved, agreed };
    }
  }
}

function failed({ verdict, message, stderr }: Failed): Problem {
  return { verdict, bucket: verdict, message, difference: null, stderr };
}

function named({ what }: Difference, text: string): string {
  return what.endsWith('rax') ? `${text} (${raxText(text)})` : text;
}

/** Whether the capabilities name the leaf. A list that is missing names all of them. */
function hasLeaf({ leaves }: Capabilities, rax: string): boolean {
  const value = parseU64(rax);
  const number = typeof value === 'number' ? formatU64(value % 0x10000) : rax;
  return leaves === undefined || leaves.includes(number);
}
