import { GIB } from '../../../model/abi/size.ts';
import { healthyMachine, lpGrid } from '../../../model/platform/healthy.ts';
import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import type { Platform } from '../../../model/platform/platform.ts';
import type { Event } from '../../../model/world/event.ts';
import type { TraceEntry } from '../../../model/world/trace.ts';
import type { World } from '../../../model/world/world.ts';
import { type Case, FORMAT_VERSION } from '../../case.ts';
import { ImplementationFailure } from '../process/failure.ts';
import { type Climber, climbLadder, type RungCheck, Slip, type SmokeReport } from '../protocol/ladder.ts';
import { defaultModule } from '../../profile.ts';
import { compareWorlds } from './difference.ts';
import { type HostRun, type HostSubject, openHost } from './judge.ts';
import { type HostSession, openHostSession, type StdioHostOptions } from './process.ts';

interface Climb extends Climber {
  module: string;
  session: HostSession;
  subject: HostSubject;
}

const LADDER: readonly (readonly [string, RungCheck<Climb>])[] = [
  ['hello', hello],
  ['schema', schema],
  ['reset', reset],
  ['known answers', knownAnswers],
  ['determinism', determinism],
  ['bad input', badInput],
  ['kill and recover', recover],
];

/** Climbs the ladder with a host up to the first rung that does not hold. `module`: the release that answers it, by default the usual partner. */
export function smokeHost(command: string, options: StdioHostOptions, module?: string): Promise<SmokeReport> {
  return climbLadder(command, LADDER, 'host-response.schema.json', () => {
    const open = (): HostSession => {
      climb.session = openHostSession(command, options);
      return climb.session;
    };
    const climb = { stderr: () => climb.session.stderr(), close: () => climb.subject.close() } as Climb;
    const subject = openHost({ name: command, start: open });
    return Object.assign(climb, { subject, module: module ?? defaultModule(subject.model?.name ?? '') });
  });
}

function hello({ session: { identity, capabilities } }: Climb): string {
  const { commands, behavesLike } = capabilities;
  const claim = behavesLike === undefined ? '' : `, claims to behave like ${behavesLike}`;
  return `${identity.name} ${identity.version}, a host with ${commands.length} commands${claim}`;
}

/** Every kind of message that no host can do without, each checked against its schema by the session. */
function schema(climb: Climb): string {
  climb.session.ping();
  play(climb, 'a healthy machine that only boots', caseOf(climb, HEALTHY, []));
  play(climb, 'a healthy machine', caseOf(climb, HEALTHY, WAY_TO_READY));
  return 'hello, ping, boot and enable are answered as their schemas say';
}

function reset(climb: Climb): string {
  play(climb, 'a healthy machine', caseOf(climb, HEALTHY, WAY_TO_READY));
  const { kernel } = play(climb, 'a boot after it', caseOf(climb, HEALTHY, [])).world;
  const left = kernel.cpus.findIndex(({ lpInitialised }) => lpInitialised);
  const advice = 'forget everything when boot comes: it is a machine with its power just switched on';
  if (kernel.status !== 'uninitialised')
    throw new Slip(`after the boot of a new machine its state says tdx '${kernel.status}'`, advice);
  if (left >= 0) throw new Slip(`after the boot of a new machine its state has LP ${left} among lps`, advice);
  return 'a boot leaves nothing of the case before';
}

interface Known {
  readonly name: string;
  readonly input: Case;
  /** Throws a Slip where the host does otherwise. */
  readonly check: (world: World) => void;
}

/** What every host does, whatever it is: TDX comes up where it can, and nothing happens where it cannot. */
function known(climb: Climb): readonly Known[] {
  return [
    { name: 'a healthy machine', input: caseOf(climb, HEALTHY, WAY_TO_READY), check: comesUp },
    {
      name: 'two packages',
      input: caseOf(climb, { ...HEALTHY, lps: [...HEALTHY.lps, ...lpGrid(2, 1).slice(1)] }, enabling(2)),
      check: comesUp,
    },
    {
      name: 'a machine without private KeyIDs',
      input: caseOf(climb, { ...HEALTHY, keyids: { mktme: 0, tdx: 0 } }, WAY_TO_READY),
      check(world) {
        if (callsOf(world).length > 0)
          throw new Slip(
            'it made a SEAMCALL',
            'without KeyIDs (boot: keyids) there is no TDX: enable returns -19 (ENODEV)',
          );
        failsOn(world, 'no KeyIDs');
      },
    },
    {
      name: 'a machine whose module was never loaded',
      input: caseOf(climb, { ...HEALTHY, moduleImage: 'absent' }, WAY_TO_READY),
      check: (world) => failsOn(world, 'VMfailInvalid (trap vmfail)'),
    },
    {
      name: 'an operand that stays busy in TDH.SYS.INIT',
      input: caseOf(climb, HEALTHY, [
        { kind: 'condition', condition: 'global-lock-busy', leaf: LEAF_NUMBER['TDH.SYS.INIT'], count: 1000 },
        ...WAY_TO_READY,
      ]),
      check: (world) => failsOn(world, 'a SEAMCALL that fails'),
    },
    {
      name: 'no memory for the first object',
      input: caseOf(climb, HEALTHY, [{ kind: 'allocation-failure', nth: 1 }, ...WAY_TO_READY]),
      check(world) {
        if (world.trace.some((entry) => entry.kind === 'alloc')) failsOn(world, 'an alloc that answers null');
      },
    },
  ];
}

function comesUp(world: World): void {
  const { errno } = lastEnable(world);
  const failed = callsOf(world).find(({ trap, rax }) => trap !== 'none' || rax !== 0);
  if (errno !== 0)
    throw new Slip(
      `enable returned ${errno}; ${whyOf(world, failed)}`,
      'TDH.SYS.INIT, TDH.SYS.LP.INIT on every CPU, TDH.SYS.CONFIG, WBINVD, TDH.SYS.KEY.CONFIG on every package, TDH.SYS.TDMR.INIT',
    );
  if (world.module.phase !== 'READY')
    throw new Slip(
      `enable returned 0 and the module is ${world.module.phase}, not READY`,
      failed === undefined ? 'make the calls that are still missing' : `look at the status: ${textOf(failed)}`,
    );
  if (world.kernel.status !== 'initialised')
    throw new Slip(
      `enable returned 0 and its state says tdx '${world.kernel.status}'`,
      "say tdx 'initialised' from then on",
    );
  const short = [...world.module.tdmrs.values()].find(({ size, initialised }) => initialised < size);
  if (short !== undefined)
    throw new Slip(
      `the TDMR at 0x${short.base.toString(16)} is not initialised to its end`,
      'repeat TDH.SYS.TDMR.INIT until RDX is the end of the TDMR; `until` does it in one question',
    );
}

function whyOf(world: World, failed: Call | undefined): string {
  if (failed !== undefined) return `its first SEAMCALL that failed: ${textOf(failed)}`;
  return callsOf(world).length === 0 ? 'no SEAMCALL was made' : 'none of its SEAMCALLs failed';
}

function failsOn(world: World, what: string): void {
  const { errno } = lastEnable(world);
  if (errno === 0) throw new Slip(`enable returned 0 after ${what}`, 'a failure is a negative errno');
  if (world.kernel.status === 'initialised')
    throw new Slip(`its state says tdx 'initialised' after ${what}`, "say 'uninitialised' or 'error' after a failure");
}

function knownAnswers(climb: Climb): string {
  const all = known(climb);
  for (const { name, input, check } of all) {
    const { world } = play(climb, name, input);
    try {
      check(world);
    } catch (error) {
      if (error instanceof Slip) throw new Slip(`${name}: ${error.message}`, error.advice);
      throw error;
    }
  }
  return `${all.length} machines, ${all.filter(({ check }) => check === comesUp).length} of them to READY`;
}

function determinism(climb: Climb): string {
  const all = known(climb);
  const first = all.map(({ name, input }) => play(climb, name, input));
  for (let index = all.length - 1; index >= 0; index -= 1) {
    const [one, before] = [all[index], first[index]];
    if (one === undefined || before === undefined) continue;
    const difference = compareWorlds(before.world, play(climb, one.name, one.input).world, before.untold);
    if (difference !== null)
      throw new Slip(
        `${one.name}, again in another order: ${difference.where} was ${difference.expected}, now ${difference.got}`,
        'the same machine has the same answers, whatever was before: keep nothing, draw nothing at random',
      );
  }
  return `${all.length} machines again in the opposite order`;
}

const BAD_LINES = [
  'this is not JSON',
  '{"type":"enable"',
  '[]',
  '{"type":"unheard-of","id":7001}',
  '{"type":"boot","id":7002}',
];

function badInput({ session }: Climb): string {
  const advice = 'answer {"type":"error","id":null,"message":...} and read on';
  for (const line of BAD_LINES) {
    let said: string;
    try {
      said = session.provoke(line);
    } catch (error) {
      if (!(error instanceof ImplementationFailure)) throw error;
      throw new Slip(`to the line ${line}: ${error.message}`, advice);
    }
    if (said === '') throw new Slip(`to the line ${line}: no answer of type error`, advice);
  }
  session.ping();
  return `${BAD_LINES.length} bad lines, each answered with an error; it lives on`;
}

function recover(climb: Climb): string {
  climb.session.kill();
  climb.subject.close();
  const { world } = play(climb, 'a healthy machine', caseOf(climb, HEALTHY, WAY_TO_READY));
  if (world.module.phase !== 'READY')
    throw new Slip('after a kill it does not get there', 'keep nothing on disk that a kill could leave half written');
  return 'killed, started again, READY';
}

/** Runs a case to its end, or says how the conversation broke off. */
function play({ subject }: Climb, name: string, input: Case): HostRun {
  const played = subject.play(input);
  if (played.run !== null) return played.run;
  const { kind, message, stderr } = played.cause;
  throw new ImplementationFailure(kind, `${name}: ${message}`, stderr);
}

type Call = Extract<TraceEntry, { readonly kind: 'seamcall' }>;

function callsOf({ trace }: World): readonly Call[] {
  return trace.flatMap((entry) => (entry.kind === 'seamcall' ? [entry] : []));
}

function lastEnable({ records }: World): { readonly errno: number } {
  return records.findLast(({ event }) => event.kind === 'enable') ?? { errno: 0 };
}

function textOf({ leaf, trap, rax, lp }: Call): string {
  const outcome = trap === 'none' ? `0x${rax.toString(16)}` : trap;
  return `leaf 0x${leaf.toString(16)} on LP ${lp} -> ${outcome}`;
}

/** Two LPs in one package, 1 GiB and a hole in it. */
const HEALTHY: Platform = healthyMachine(lpGrid(1, 2), [{ base: 0, size: GIB, node: 0 }]);

/** The events of a machine with so many LPs whose kernel brings TDX up; hosts without a per-CPU part pass those over. */
function enabling(lps: number): readonly Event[] {
  return [...Array.from({ length: lps + 1 }, (_, lp): Event => ({ kind: 'cpu-enable', lp })), { kind: 'enable' }];
}

const WAY_TO_READY: readonly Event[] = enabling(1);

function caseOf({ module }: Climb, platform: Platform, events: readonly Event[]): Case {
  return { formatVersion: FORMAT_VERSION, profile: { kernel: '6.12', module }, platform, events };
}
