import type { Release } from '../../../model/module/release.ts';
import { type draft, healthyPlatform, step, wayTo } from './suite/draft.ts';
import { FAULT_TABLES } from './suite/faults/index.ts';
import { compareAnswers } from './compare-answers.ts';
import { ImplementationFailure } from '../process/failure.ts';
import { type Climber, climbLadder, type RungPlan, Slip, type SmokeReport } from '../protocol/ladder.ts';
import { STEP_INPUTS } from '../../transcript/module-case.ts';
import type { CaseAnswer, ModuleCaseText, ModuleStepText } from '../protocol/messages.ts';
import { prepare } from './prepare.ts';
import { raxText } from './requirement.ts';
import type { Prepared } from './runner.ts';
import { type Asked, moduleCapabilities, openSession, type Session, type SessionOptions } from './session.ts';

interface Climb extends Climber {
  readonly command: string;
  readonly options: SessionOptions;
  readonly release: Release;
  session: Session;
}

const PAGE = 'docs/implementing.md, section';

const LADDER: readonly RungPlan<Climb>[] = [
  ['hello', hello, `${PAGE} 1`],
  ['schema', schema, `${PAGE} 2`],
  ['reset', reset, `${PAGE} 3`],
  ['known answers', knownAnswers, `${PAGE} 3`],
  ['determinism', determinism, `${PAGE} 3`],
  ['bad input', badInput, `${PAGE} 1`],
  ['kill and recover', recover],
];

/** Climbs the ladder up to the first rung that does not hold. `options.validate` is taken as `always`. */
export function smoke(command: string, options: SessionOptions, release: Release): Promise<SmokeReport> {
  return climbLadder(command, LADDER, 'response.schema.json', async () => {
    const climb: Climb = {
      command,
      options,
      release,
      session: await openSession(command, { ...options, validate: 'always' }),
      stderr: () => climb.session.stderr(),
      close: () => climb.session.close(),
    };
    return climb;
  });
}

async function hello({ session }: Climb): Promise<string> {
  const { implementation, protocol, capabilities } = session.hello;
  if (capabilities.role !== 'module')
    throw new Slip(`it plays the ${capabilities.role}`, 'answer `role: "module"`: smoke climbs with modules only');
  return `${implementation.name} ${implementation.version}, seam-stdio/${protocol.major}.${protocol.minor}`;
}

/** Every kind of message once, each checked against its schema by the session. */
async function schema(climb: Climb): Promise<string> {
  const { session, release } = climb;
  await session.ping();
  const refusal = await session.configure({ module: release.name }, healthyPlatform());
  if (refusal !== null)
    throw new Slip(
      `it refuses module ${release.name}: ${refusal.reason}`,
      'answer configure with outcome "ok" for the releases in `modules`; smoke takes the one --module names',
    );
  const first = prepared('schema', wayTo('READY'), release);
  const [answer] = await play(climb, [first]);
  if (answer?.outcome !== 'observed')
    throw new Slip(`the whole case is '${answer?.outcome}'`, 'play this one: it is the way of every host');
  return 'hello, configure, run and ping are answered as their schemas say';
}

async function reset(climb: Climb): Promise<string> {
  const once = prepared('reset', [step('TDH.SYS.INIT')], climb.release);
  for (const answer of await play(climb, [once, once])) {
    const { difference } = compareAnswers(once.expected, answer, 'status');
    if (difference !== null)
      throw new Slip(
        `TDH.SYS.INIT as the only call of a case, after other cases: expected ${raxText(difference.expected)}, got ${raxText(difference.got)}`,
        'begin every case with a module just loaded and memory all zero',
      );
  }
  return 'a case twice, and as if nothing had been before';
}

/** What every module answers, from the recordings: the way to READY, and the commonest refusals. */
function known({ release, session }: Climb): readonly (readonly [string, Prepared])[] {
  const { leaves, inputs } = moduleCapabilities(session.hello);
  const has = ({ seamcall, ...around }: ModuleStepText): boolean =>
    (leaves === undefined || leaves.includes(seamcall.rax)) &&
    (inputs === undefined || STEP_INPUTS.every((name) => around[name] === undefined || inputs.includes(name)));
  const line = (
    name: string,
    before: Parameters<typeof draft>[0],
    call: Parameters<typeof draft>[1],
  ): readonly [string, Prepared] => [name, prepared(name, [...before, call], release)];
  return [
    line('TDH.SYS.INIT on a healthy machine', [], step('TDH.SYS.INIT')),
    line('TDH.SYS.INIT a second time', [step('TDH.SYS.INIT')], step('TDH.SYS.INIT')),
    line('TDH.SYS.LP.INIT before TDH.SYS.INIT', [], step('TDH.SYS.LP.INIT')),
    line('TDH.SYS.LP.INIT twice on one LP', [step('TDH.SYS.INIT'), step('TDH.SYS.LP.INIT')], step('TDH.SYS.LP.INIT')),
    line('a leaf that needs a READY module', [], step('TDH.SYS.TDMR.INIT')),
    line('TDH.SYS.CONFIG before every LP is initialised', [step('TDH.SYS.INIT')], step('TDH.SYS.CONFIG')),
    line('the way to READY', wayTo('CONFIGURED'), step('TDH.SYS.KEY.CONFIG')),
    ...FAULT_TABLES.map(({ leaf, base }) => {
      const { before, call } = base();
      return line(`${leaf}, a success`, before, call);
    }).filter(([, { question }]) => question.steps.every(has)),
  ];
}

async function knownAnswers(climb: Climb): Promise<string> {
  const cases = known(climb);
  const answers = await play(
    climb,
    cases.map(([, one]) => one),
  );
  for (const [index, [name, { expected }]] of cases.entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    const { difference, unobserved } = compareAnswers(expected, answer, 'status');
    if (unobserved !== null)
      throw new Slip(
        `${name}: step ${unobserved.step + 1} is ${unobserved.outcome}: ${unobserved.reason}`,
        'smoke needs this much',
      );
    if (difference !== null)
      throw new Slip(
        `${name}: step ${difference.step + 1} should answer ${raxText(difference.expected)}, it answers ${raxText(difference.got)}`,
        'answer as the model does: the TDX Module ABI specification has the leaf, `npx seamstress serve` plays it',
      );
  }
  return `${cases.length} cases, ${cases.map(([, { question }]) => question.steps.length).reduce((a, b) => a + b)} calls`;
}

async function determinism(climb: Climb): Promise<string> {
  const cases = known(climb).map(([, one]) => one);
  const first = await play(climb, cases);
  const again = [...(await play(climb, [...cases].reverse()))].reverse();
  for (const [index, one] of first.entries()) {
    const other = again[index];
    const difference = other === undefined ? null : compareAnswers(one, other, 'registers').difference;
    if (difference !== null)
      throw new Slip(
        `case '${cases[index]?.question.id}', asked again in another order: ${difference.what} was ${difference.expected}, now ${difference.got}`,
        'the same case has the same answer, whatever was asked before: keep nothing, draw nothing at random',
      );
  }
  return `${cases.length} cases again in the opposite order`;
}

async function badInput({ session }: Climb): Promise<string> {
  const lines = [
    'this is not JSON',
    '{"type":"run"',
    '[]',
    '{"type":"unheard-of","id":7001}',
    '{"type":"run","id":7002,"cases":"none"}',
  ];
  for (const line of lines) {
    const said = await session.provoke(line).catch((error: unknown) => {
      if (!(error instanceof ImplementationFailure)) throw error;
      throw new Slip(
        `to the line ${line}: ${error.message}`,
        'answer {"type":"error","id":null,"message":...} and read on',
      );
    });
    if (said === '')
      throw new Slip(
        `to the line ${line}: no answer of type error`,
        'answer {"type":"error","id":null,"message":...} and read on',
      );
  }
  await session.ping();
  return `${lines.length} bad lines, each answered with an error; it lives on`;
}

async function recover(climb: Climb): Promise<string> {
  climb.session.kill();
  await climb.session.close();
  climb.session = await openSession(climb.command, { ...climb.options, validate: 'always' });
  await climb.session.configure({ module: climb.release.name }, healthyPlatform());
  const [answer] = await play(climb, [prepared('again', [step('TDH.SYS.INIT')], climb.release)]);
  if (answer?.outcome !== 'observed')
    throw new Slip('after a kill it does not play', 'keep nothing on disk that a kill could leave half written');
  return 'killed, started again, playing';
}

function prepared(id: string, steps: ReturnType<typeof wayTo>, release: Release): Prepared {
  const bare = steps.map(({ label: _label, ...inputs }) => inputs);
  const question: ModuleCaseText = { id, platform: healthyPlatform(), steps: bare };
  return prepare(question, release, 'registers');
}

/** Plays cases in one message, or as few as its batchMax allows. */
async function play({ session }: Climb, cases: readonly Prepared[]): Promise<readonly CaseAnswer[]> {
  const { batchMax, platforms } = moduleCapabilities(session.hello);
  const answers: CaseAnswer[] = [];
  for (let from = 0; from < cases.length; from += batchMax) {
    const asked = cases.slice(from, from + batchMax).map(
      ({ question, text }): Asked => ({
        id: question.id,
        text: platforms === 'configured' ? JSON.stringify({ id: question.id, steps: question.steps }) : text,
        steps: question.steps.length,
        expected: null,
      }),
    );
    const { answers: some } = await session.run(asked, false, 1);
    answers.push(...(some ?? []));
  }
  return answers;
}
