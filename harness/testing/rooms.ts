/** A folder of the project, or a file on the top level of `harness/`, and its contents. */
export interface Room {
  /** The folder; for a file on the top level of `model/` or `harness/`, the file. Relative to the checkout. */
  readonly path: string;
  /** One sentence. */
  readonly holds: string;
}

/**
 * All rooms of `model/` and `harness/`, a floor a list, lowest first: a file imports from its own room and from the
 * floors below, never from another room of its own floor. CONTRIBUTING.md shows these lists; a test compares the two.
 */
export const FLOORS: readonly (readonly Room[])[] = [
  [
    room(
      'model/abi',
      'what crosses the SEAMCALL boundary: u64, registers, status codes, leaf numbers, metadata fields, TDMR_INFO',
    ),
    room('model/sources.ts', 'the mails that rules, steps and flaws cite, each with its Message-ID'),
  ],
  [
    room(
      'model/platform',
      'the machine: topology, CMRs, KeyIDs, SEAMRR, what MCHECK accepts, the hardware as the module sees it',
    ),
  ],
  [
    room(
      'model/module',
      'the TDX module: state, dispatcher, a file per leaf in leaves/, checks that leaves share, releases as tables',
    ),
    room('model/seamldr', 'the loaders, and the SEAMCALL instruction up to the transition into SEAM'),
  ],
  [
    room(
      'model/kernel',
      'Linux: a revision (revisions/) is a list of steps (steps/) with labels and options; locks, allocator, dmesg',
    ),
  ],
  [room('model/world', 'one machine: boot, events, which kernel threads overlap (schedule.ts), the trace')],
  [room('model/invariants', 'the rules: what must hold after an event, a file per family')],
  [
    room('harness/text.ts', 'plurals, and quoting for a shell'),
    room('harness/user-error.ts', 'exit codes, and errors that the user can correct'),
  ],
  [
    room('harness/json-text.ts', 'parses the JSON of a file that a user named'),
    room('harness/schema.ts', 'checks JSON against a published schema'),
  ],
  [room('harness/migrate.ts', 'converts case files of older formats')],
  [room('harness/case.ts', 'the case format: reading, writing, canonical text')],
  [room('harness/profile.ts', 'the kernel revision and module release that a case names')],
  [
    room('harness/generate', 'draws cases from a seed'),
    room('harness/transcript', 'replays recordings of the module and of Linux on the model'),
    room('harness/platform-file', 'reads descriptions of real machines, completes them by rule, boots them'),
    room('harness/oracle', 'judges a case: runs it and checks every rule, metamorphic ones included'),
  ],
  [
    room('harness/describe', 'prints a machine, a run, or two runs side by side'),
    room('harness/shrink', 'makes a failing case smaller'),
    room('harness/store', 'files: saved cases, known deviations, machines'),
  ],
  [room('harness/campaign', 'judges ranges of cases on any number of workers, and keeps the ledger of findings')],
  [
    room('harness/campaign/thread', 'what runs in a worker thread'),
    room('harness/report', 'makes every report from one stream of records; console.ts prints a finding'),
    room('harness/flaws', 'the flaws of kernel history as data, and their table against the revisions'),
    room(
      'harness/implementations/process',
      'child processes: pipes, lines, time-outs (timeouts.ts), how a conversation ends',
    ),
  ],
  [room('harness/implementations/protocol', 'seam-stdio/1: messages, schemas, the ladder that `smoke` climbs')],
  [
    room('harness/implementations/module/suite', 'the conformance suite: faults of every leaf, awkward configurations'),
    room('harness/implementations/host', 'host implementations: drives them, compares their runs with the model'),
  ],
  [
    room(
      'harness/implementations/module',
      'module implementations: runs cases on them, compares answers, reports defects',
    ),
    room(
      'harness/implementations/linux',
      "Linux's own tdx.c, compiled against a stand-in for the kernel (shim/) and judged",
    ),
  ],
  [room('harness/implementations', 'opens an implementation by its name')],
  [room('harness/implementations/miniatures', 'small wrong modules and hosts, which the tests must catch')],
  [room('harness/catalogue', 'what every rule, flaw, status, leaf, kernel, module and mood is, for explain and list')],
  [room('harness/pipeline.ts', 'the stages put together: generate, judge, shrink')],
  [room('harness/cli/screen', 'terminal, progress, interrupts, files written during a run')],
  [room('harness/cli/options', 'flags and arguments that several verbs share')],
  [room('harness/cli', 'the verbs: the only place that handles arguments, streams and exit codes')],
  [room('harness/testing', 'fixtures, fakes, house rules')],
  [
    room('harness/bench', 'benchmarks'),
    room('harness/kits', 'starters to copy, in C, Python and TypeScript; they import nothing of the project'),
    room('harness/scripts', 'what `npm run` calls: the build, and the writer of corpus/conformance'),
  ],
];

function room(path: string, holds: string): Room {
  return { path, holds };
}

/** Room of a file: the longest path that contains it; `undefined` for a file of no room. */
export function roomOf(file: string): Room | undefined {
  let found: Room | undefined;
  for (const one of FLOORS.flat())
    if ((file === one.path || file.startsWith(`${one.path}/`)) && one.path.length > (found?.path.length ?? 0))
      found = one;
  return found;
}

/** Index of a room's floor in `FLOORS`. */
export function floorOf(one: Room): number {
  return FLOORS.findIndex((floor) => floor.includes(one));
}
