import { hasStep } from '../kernel/flow.ts';
import type { Revision } from '../kernel/revision.ts';
import { SYS_INIT_ONCE } from '../kernel/steps/linux/lp.ts';
import { SYS_INIT } from '../kernel/steps/series/lp.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Fact } from './facts.ts';
import type { Sometimes } from './invariant.ts';
import { INIT_EVENTS, isOverlapped, leafName, packagesWithoutCPU, statusClass } from './look.ts';
import { justInitialised } from './walk.ts';

/**
 * What a campaign must reach. An `always` that is never tested holds vacuously; each family states here what tests it.
 */

const SOURCE = 'model/invariants: the rules of the same family, which would otherwise hold vacuously';

function sometimes(
  id: string,
  statement: string,
  budget: number,
  after: Sometimes['after'],
  needs: readonly Fact[],
  reached: Sometimes['reached'],
): Sometimes {
  return { holds: 'sometimes', id, statement, source: SOURCE, after, needs, budget, reached };
}

/** True if a SEAMCALL of the event ended with such a status, on such a leaf. */
function ended(world: World, record: EventRecord, how: (status: string, leaf: string) => boolean): boolean {
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && how(statusClass(entry), leafName(entry.leaf))) return true;
  }
  return false;
}

/** For revisions whose KVM creates guests. */
function ofGuests(rule: Sometimes): Sometimes {
  return { ...rule, appliesTo: ({ tdCreate }) => tdCreate !== null };
}

/** For revisions whose guests run. */
function ofVCPUs(rule: Sometimes): Sometimes {
  return { ...rule, appliesTo: ({ tdRun }) => tdRun !== null };
}

const RULES: readonly Sometimes[] = [
  sometimes(
    'threads/some-events-overlap',
    'Kernel threads of two events overlap.',
    4_000,
    'all',
    ['traced', 'overlapped'],
    isOverlapped,
  ),
  sometimes(
    'threads/some-init-is-overlapped',
    'Another event runs while the module is being initialised.',
    8_000,
    ['enable'],
    ['traced', 'overlapped'],
    isOverlapped,
  ),
  ofGuests(
    sometimes(
      'td/some-td-is-created',
      'A guest is created.',
      8_000,
      ['td-create'],
      ['done'],
      (_, record) => record.outcome === 'done',
    ),
  ),
  ofGuests(
    sometimes(
      'td/some-td-ends',
      'A guest is torn down and leaves nothing behind.',
      8_000,
      ['td-destroy'],
      ['done'],
      (world, record) =>
        record.outcome === 'done' && world.module.tds.size === 0 && world.kernel.guestKeyids.length === 0,
    ),
  ),
  ofGuests(
    sometimes(
      'td/some-package-is-dark',
      'A guest is refused while a counted package has no online CPU.',
      20_000,
      ['td-create'],
      ['said-no'],
      (world, record) => record.outcome === 'refused' && packagesWithoutCPU(world).length > 0,
    ),
  ),
  ofGuests(
    sometimes(
      'td/some-cpu-must-stay',
      'A CPU stays online because of a guest.',
      20_000,
      ['cpu-offline'],
      ['said-no', 'printed'],
      (world, record) =>
        record.outcome === 'refused' && record.dmesgTo > record.dmesgFrom && world.kernel.guestKeyids.length > 0,
    ),
  ),
  ofGuests(
    sometimes(
      'keyid/some-keyid-is-lost',
      'A KeyID is leaked because the module does not free it.',
      20_000,
      ['td-create', 'td-destroy'],
      [],
      (world) => world.kernel.tds.some(({ alive, hkid }) => !alive && hkid !== -1),
    ),
  ),
  ofVCPUs(
    sometimes(
      'td/some-cpu-goes-that-had-a-vcpu',
      'A CPU on which a vCPU last ran goes offline.',
      20_000,
      ['cpu-offline'],
      ['called', 'done'],
      (world, record) => ended(world, record, (_, leaf) => leaf === 'TDH.VP.FLUSH'),
    ),
  ),
  sometimes(
    'suspend/some-module-is-lost',
    'The machine sleeps, and the TDX module is lost.',
    8_000,
    ['suspend'],
    ['done'],
    (_, { outcome, phaseBefore }) => outcome === 'done' && phaseBefore !== 'ABSENT' && phaseBefore !== 'DEAD',
  ),
  sometimes(
    'suspend/some-sleep-is-refused',
    'A sleep state is refused.',
    4_000,
    ['suspend'],
    ['said-no'],
    (_, { outcome }) => outcome === 'refused',
  ),
  sometimes(
    'flow/some-initialisation-succeeds',
    'An initialisation succeeds.',
    2_000,
    ['enable'],
    ['became-initialised'],
    (_, record) => justInitialised(record),
  ),
  sometimes(
    'flow/some-initialisation-is-repeated',
    'TDX is enabled again after it is initialised.',
    4_000,
    ['enable'],
    ['was-initialised'],
    (_, record) => record.statusBefore === 'initialised',
  ),
  sometimes(
    'flow/some-initialisation-fails',
    'An initialisation fails after its first SEAMCALL or allocation.',
    2_000,
    ['enable'],
    ['errno', 'traced'],
    (_, record) => record.errno !== 0 && record.to > record.from,
  ),
  sometimes(
    'lp/some-lp-is-offline-at-enable',
    'A counted LP is offline when TDX is enabled.',
    2_000,
    ['enable'],
    [],
    (world) => world.kernel.cpus.some((cpu, lp) => !cpu.online && world.platform.lps[lp]?.bios === true),
  ),
  sometimes(
    'lp/some-package-is-dark-at-enable',
    'A counted package has no online CPU when TDX is enabled.',
    4_000,
    ['enable'],
    [],
    (world) => packagesWithoutCPU(world).length > 0,
  ),
  sometimes('sw-error/some-call-meets-gp', 'A SEAMCALL ends in #GP.', 8_000, 'all', ['trapped'], (world, record) =>
    ended(world, record, (status) => status === '#GP'),
  ),
  sometimes('sw-error/some-call-meets-ud', 'A SEAMCALL ends in #UD.', 4_000, 'all', ['trapped'], (world, record) =>
    ended(world, record, (status) => status === '#UD'),
  ),
  sometimes(
    'sw-error/some-call-meets-vmfail',
    'A SEAMCALL ends in VMfailInvalid.',
    4_000,
    'all',
    ['trapped'],
    (world, record) => ended(world, record, (status) => status === 'VMfailInvalid'),
  ),
  sometimes(
    'retry/some-call-is-busy',
    'The module returns a busy status to the kernel.',
    4_000,
    INIT_EVENTS,
    ['refused'],
    (world, record) => ended(world, record, (status) => status === 'TDX_SYS_BUSY' || status === 'TDX_OPERAND_BUSY'),
  ),
  sometimes(
    'retry/some-call-has-no-entropy',
    'The module has no entropy.',
    4_000,
    INIT_EVENTS,
    ['refused'],
    (world, record) => ended(world, record, (status) => status === 'TDX_RND_NO_ENTROPY'),
  ),
  sometimes(
    'pamt/some-init-fails-when-ready',
    'An initialisation fails once the module is READY.',
    8_000,
    ['enable'],
    ['errno'],
    (_, record) => record.errno !== 0 && record.phaseAfter === 'READY',
  ),
  sometimes(
    'pamt/some-allocation-fails',
    'An allocation of the init flow fails.',
    4_000,
    ['enable'],
    ['failed-allocation'],
    (world, record) => {
      for (let index = record.from; index < record.to; index += 1) {
        const entry = world.trace[index];
        if (entry?.kind === 'alloc' && entry.address === -1) return true;
      }
      return false;
    },
  ),
  sometimes(
    'tdmr/some-init-has-two-tdmrs',
    'An initialisation with two TDMRs or more succeeds.',
    4_000,
    ['enable'],
    ['became-initialised'],
    (world, record) => justInitialised(record) && world.kernel.tdmrCount > 1,
  ),
  sometimes(
    'memory/some-memory-is-outside-the-cmrs',
    'There is memory outside the CMRs when TDX is enabled.',
    4_000,
    ['enable'],
    [],
    (world) =>
      world.kernel.memblock.some(
        ({ base, size }) => !world.platform.cmrs.some((cmr) => cmr.base < base + size && base < cmr.base + cmr.size),
      ),
  ),
  sometimes(
    'hotplug/some-memory-is-added-after-init',
    'Memory is hot-added to a machine that runs TDX.',
    4_000,
    ['memory-add'],
    ['was-initialised'],
    (_, record) => record.statusBefore === 'initialised' && record.outcome !== 'ignored',
  ),
  sometimes(
    'hotplug/some-cpu-is-added',
    'A CPU is hot-added.',
    8_000,
    ['acpi-cpu-add'],
    [],
    (_, record) => record.outcome !== 'ignored',
  ),
  sometimes(
    'machine-check/some-page-is-asked-about',
    'The machine check handler reads the type of a page from the module.',
    8_000,
    ['machine-check'],
    ['leaf-rdmd'],
    (world, record) => ended(world, record, (_, leaf) => leaf === 'TDH.PHYMEM.PAGE.RDMD'),
  ),
  sometimes(
    'keyid/some-bios-lies',
    'BIOS announces KeyIDs while SEAM is off.',
    8_000,
    ['boot'],
    [],
    (world) => world.platform.keyids.tdx > 1 && world.hardware.lps.every((lp) => !lp.seamrrValid),
  ),
  sometimes(
    'module/some-raw-call-is-refused',
    'A raw SEAMCALL is refused by the module.',
    8_000,
    ['seamcall'],
    ['refused'],
    (world, record) => {
      const entry = world.trace[record.from];
      return entry?.kind === 'seamcall' && entry.raw && entry.trap === 'none' && entry.rax !== 0;
    },
  ),
  sometimes(
    'mcheck/some-bios-is-refused',
    'MCHECK refuses what BIOS proposes.',
    4_000,
    ['boot'],
    [],
    (world) => world.mcheck.verdict === 'refused',
  ),
  sometimes(
    'mcheck/some-bios-is-bypassed',
    'The CMR table of a broken BIOS is published although MCHECK would refuse it.',
    8_000,
    ['boot'],
    [],
    (world) => world.mcheck.verdict === 'bypassed',
  ),
  {
    ...sometimes(
      'ledger/some-failure-is-mended',
      'An initialisation succeeds after an earlier one has failed.',
      20_000,
      ['enable'],
      ['became-initialised'],
      (world, record) =>
        justInitialised(record) &&
        world.records.some((earlier) => earlier !== record && earlier.kind === 'enable' && earlier.errno !== 0),
    ),
    appliesTo: ({ failureIsFinal }) => !failureIsFinal,
  },
];

/** v8 leaves TDH.SYS.INIT out, as a future module was expected not to need it: with an existing module it gets no further. */
function initialisesTheModule({ cpuEnable, enable }: Revision): boolean {
  return cpuEnable !== null || hasStep(enable, SYS_INIT) || hasStep(enable, SYS_INIT_ONCE);
}

const APPLIES_TO: ReadonlyMap<string, (revision: Revision) => boolean> = new Map([
  ['flow/some-initialisation-succeeds', initialisesTheModule],
  ['flow/some-initialisation-is-repeated', initialisesTheModule],
  ['retry/some-call-is-busy', initialisesTheModule],
  ['retry/some-call-has-no-entropy', initialisesTheModule],
  ['pamt/some-init-fails-when-ready', initialisesTheModule],
  ['pamt/some-allocation-fails', initialisesTheModule],
  ['tdmr/some-init-has-two-tdmrs', initialisesTheModule],
  ['hotplug/some-memory-is-added-after-init', initialisesTheModule],
  ['machine-check/some-page-is-asked-about', ({ machineCheck }) => machineCheck !== null],
]);

export const SOMETIMES: readonly Sometimes[] = RULES.map((rule) => {
  const appliesTo = APPLIES_TO.get(rule.id);
  return appliesTo === undefined ? rule : { ...rule, appliesTo };
});
