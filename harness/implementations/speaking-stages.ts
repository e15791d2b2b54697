import { openStages as openBase, type OpenStages, type Stages, type StagesSource } from '../campaign/stages.ts';
import { betweenHostsStages, hostStages, judgedHostStages, whyNot as whyNotOne } from './host/stages.ts';
import { type HostSubject, introduceHost } from './host/judge.ts';
import { type IdentifiedHost, openNamedHost } from './open.ts';
import type { ImplementationName } from './name.ts';
import type { Timeouts } from './process/timeouts.ts';
import type { Case } from '../case.ts';

/** What a thread is told so that it can start hosts of its own. */
interface RemoteInput {
  /** File URL of the module with the stages that these are made from. */
  readonly base: string;
  readonly named: readonly ImplementationName[];
  readonly timeouts: Timeouts;
  readonly version: string;
}

/** Where threads get stages over hosts from that speak seam-stdio/1, or that live in a file. */
export function remoteSource(input: RemoteInput): StagesSource {
  return { module: import.meta.url, input, waits: true };
}

/** One host to be judged, or two to be compared, started. */
export async function openStages(input: unknown): Promise<OpenStages> {
  const { base, ...rest } = input as RemoteInput;
  const { stages } = await openBase({ module: base });
  const { subjects, close } = await openSubjects(rest);
  const [first, second] = subjects as [HostSubject, HostSubject | undefined];
  return {
    stages: second === undefined ? hostStages(stages, first) : betweenHostsStages(stages, first, second),
    close,
  };
}

/** What a campaign over hosts must know of them before any thread starts its own. */
export interface Introduction {
  readonly judged: Pick<Stages, 'invariants' | 'sometimes' | 'ruleOf'>;
  /** The kernel that the first one claims to be. */
  readonly model: string | null;
  /** Why a saved case cannot be asked of all of them; null: it can. */
  readonly whyNot: (input: Case) => string | null;
}

/** `named`: the one to be judged, or the two to be compared. Throws a UserError where one claims to be an unknown kernel. */
export function introduce(base: Stages, named: readonly IdentifiedHost[]): Introduction {
  const hosts = named.flatMap(({ name, capabilities }) =>
    capabilities === null ? [] : [introduceHost(name.text, capabilities)],
  );
  const [first = null] = hosts;
  return {
    judged: judgedHostStages(base, hosts.length === 1 ? first : null),
    model: first?.model?.name ?? null,
    whyNot: (one) => hosts.map((host) => whyNotOne(host, one)).find((why) => why !== null) ?? null,
  };
}

async function openSubjects({
  named,
  timeouts,
  version,
}: Omit<RemoteInput, 'base'>): Promise<{ readonly subjects: readonly HostSubject[]; readonly close: () => void }> {
  const subjects: HostSubject[] = [];
  const close = (): void => {
    for (const subject of subjects) subject.close();
  };
  try {
    for (const name of named)
      subjects.push(await openNamedHost(name, { timeouts, version, now: () => performance.now() }));
    return { subjects, close };
  } catch (error) {
    close();
    throw error;
  }
}
