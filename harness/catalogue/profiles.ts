import type { Revision } from '../../model/kernel/revision.ts';
import { REVISIONS } from '../../model/kernel/revisions.ts';
import type { Release } from '../../model/module/release.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { shows } from '../flaws/flaw.ts';
import { MOOD_NAMES, moodOf } from '../generate/mood.ts';
import { defaultModule, KERNEL_NAMES, MODULE_NAMES, findRelease } from '../profile.ts';
import type { KnownDeviation } from '../store/known.ts';
import { counted } from '../text.ts';
import type { Entry, Evidence, Fact } from './entry.ts';
import { smallestCase } from './evidence.ts';
import { ruleOf, RULES } from './rules.ts';

/** Entry points that a revision may lack, and what that means to a user. */
const OPTIONAL = [
  ['cpuEnable', 'brings CPUs up one by one on request of its users'],
  ['tdCreate', 'creates TDs (KVM)'],
  ['vmxGet', 'counts the users of VMX operation in the core'],
] as const satisfies readonly (readonly [keyof Revision, string])[];

/** A kernel revision; `undefined` for a name of none. */
export function kernelEntry(name: string, evidence: Evidence): Entry | undefined {
  const revision = REVISIONS.find((one) => one.name === name);
  if (revision === undefined) return undefined;
  const known = evidence.known.filter((one) => one.case.profile.kernel === name);
  const rules = new Set(known.map(({ invariant }) => invariant));
  const flaws = FLAWS.filter((flaw) => known.some(({ bucket }) => shows(flaw, bucket)));
  const worst = known.filter(({ bucket }) => /^(crash|memory)$/.test(ruleOf(bucket).severity));
  return {
    kind: 'kernel',
    name,
    what: `${capitalised(revision.title)}: how it initialises TDX.`,
    why: [
      rules.size === 0
        ? `It breaks none of the ${RULES.size} rules: it proves that all of them can be kept, and every campaign runs it as its control.`
        : `It breaks ${rules.size} of the ${RULES.size} rules in ${counted(known.length, 'known deviation')}, ${worst.length} of which crash the host or cost it memory, and has ${flaws.length} of the ${FLAWS.length} flaws.`,
    ],
    facts: [
      { label: 'module', text: `${defaultModule(name)} unless another is asked for` },
      {
        label: 'starts TDX',
        text: revision.enablesAtBoot ? 'by itself at boot, once' : 'when a user such as KVM asks for it',
      },
      ...OPTIONAL.flatMap(([point, text]): Fact[] => (revision[point] === null ? [] : [{ label: 'also', text }])),
      { label: 'retries', text: `${counted(revision.seamcall.attempts, 'attempt')} for no entropy` },
      ...(flaws.length === 0
        ? []
        : [
            {
              label: 'flaws',
              text: flaws
                .map(({ number }) => number)
                .sort((a, b) => a - b)
                .join(', '),
            },
          ]),
      { label: 'run', text: `npx seamstress fuzz --kernel ${name}` },
    ],
    source: revision.source,
    brokenBy: [],
    case: smallestCase(preferred(worst.length > 0 ? worst : known, defaultModule(name)), evidence),
  };
}

/** A module release; `undefined` for a name of none. */
export function moduleEntry(name: string, evidence: Evidence): Entry | undefined {
  if (!MODULE_NAMES.includes(name)) return undefined;
  const release: Release = findRelease(name);
  const { build, fields, absentLeaves, addedLeaves, configWaitsFor, tdmrInitPages } = release;
  const known = evidence.known.filter((one) => one.case.profile.module === name);
  const users = KERNEL_NAMES.filter((kernel) => defaultModule(kernel) === name);
  return {
    kind: 'module',
    name,
    what: `TDX module ${name}: version ${build.major}.${build.minor}.${String(build.update).padStart(2, '0')}, build ${build.num} of ${build.date}.`,
    why: users.length === 0 ? [] : [`Campaigns run kernel ${users.join(', ')} on it unless told otherwise.`],
    facts: [
      { label: 'fields', text: `${counted(fields.elements.length, 'element')} of metadata in TDH.SYS.RD` },
      {
        label: 'CONFIG',
        text:
          configWaitsFor === 'every-lp'
            ? 'TDH.SYS.CONFIG waits for TDH.SYS.LP.INIT on every LP that MCHECK counted'
            : 'TDH.SYS.CONFIG waits for TDH.SYS.LP.INIT on one LP of every package',
      },
      { label: 'TDMR.INIT', text: `${tdmrInitPages} pages of 4 KiB a call` },
      ...(absentLeaves.length === 0
        ? []
        : [{ label: 'lacks', text: counted(absentLeaves.length, 'leaf of 1.5.01').replace('leafs', 'leaves') }]),
      ...addedLeaves.map((leaf): Fact => ({ label: 'adds', text: leaf.name })),
      { label: 'run', text: `npx seamstress fuzz --module ${name}` },
    ],
    source: release.source,
    brokenBy: [],
    case: smallestCase(known, evidence),
  };
}

/** A mood of campaigns; `undefined` for a name of none. */
export function moodEntry(name: string): Entry | undefined {
  const mood = MOOD_NAMES.find((one) => one === name);
  if (mood === undefined) return undefined;
  const { platform, events, real, interleaved, swarm, description } = moodOf(mood);
  const weights = ([legal, broken, wild]: readonly [number, number, number]): string =>
    `${legal} % legal, ${broken} % with one rule broken, ${wild} % wild`;
  return {
    kind: 'mood',
    name,
    what: `${capitalised(description)}.`,
    why: [],
    facts: [
      { label: 'machines', text: weights(platform) },
      { label: 'events', text: weights(events) },
      { label: 'field', text: `${real} % of the cases start from a machine of the field` },
      { label: 'threads', text: `${interleaved} % of the cases let kernel threads overlap` },
      { label: 'swarm', text: swarm ? 'each case can do a random half of all things' : 'every case can do everything' },
      { label: 'run', text: `npx seamstress fuzz --mood ${name}` },
    ],
    source: 'harness/generate/mood.ts',
    brokenBy: [],
    case: null,
  };
}

/** Those on the kernel's usual partner, if there are any. */
function preferred(known: readonly KnownDeviation[], module: string): readonly KnownDeviation[] {
  const usual = known.filter((one) => one.case.profile.module === module);
  return usual.length > 0 ? usual : known;
}

function capitalised(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
