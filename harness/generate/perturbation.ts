import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import { SEAMLDR_LEAF } from '../../model/seamldr/status.ts';
import { drawFeltCondition, drawGuestCondition, drawWildCondition } from './condition.ts';
import { chance, pick } from './draw.ts';
import * as memory from './memory-event.ts';
import type { Plan } from './plan.ts';
import {
  anyLP,
  anyOfflineLP,
  anyOnlineLP,
  anyRemovableLP,
  cpuEnable,
  cpuOffline,
  cpuOnlineAndEnable,
  vmxOff,
  vmxOn,
} from './plan.ts';
import { drawRawSEAMCALL } from './raw-seamcall.ts';

/** Its place in a typical case: before the CPUs are enabled, between that and tdx_enable, or after tdx_enable. */
export type Phase = 'before' | 'between' | 'after';

/** One deviation from the script. */
export interface Perturbation {
  /** Listed in `broken` of a case that draws it, if it breaks something. */
  readonly name: string;
  readonly phase: Phase;
  /** False for ordinary operation: nothing is broken, and TDX must work as without it. */
  readonly breaks: boolean;
  readonly apply: (plan: Plan) => void;
}

const legal = (name: string, phase: Phase, apply: (plan: Plan) => void): Perturbation => ({
  name,
  phase,
  breaks: false,
  apply,
});
const broken = (name: string, phase: Phase, apply: (plan: Plan) => void): Perturbation => ({
  name,
  phase,
  breaks: true,
  apply,
});

/** Their order determines what a seed generates. Each has a bit in the swarm; from the 32nd on they share bits. */
export const PERTURBATIONS: readonly Perturbation[] = [
  broken('vmx-off-at-first-cpu-enable', 'before', vmxOffAtFirst),
  broken('vmx-off-at-cpu-enable', 'before', (plan) => vmxOff(plan, anyOnlineLP(plan))),
  broken('init-disturbed', 'before', (plan) => plan.events.push(drawFeltCondition(plan.random, 'init'))),
  broken('lp-init-disturbed', 'before', (plan) => plan.events.push(drawFeltCondition(plan.random, 'lpInit'))),
  broken('lp-never-enabled', 'before', (plan) => (plan.skipped[anyLP(plan)] = true)),
  broken('cpu-offline-before-cpu-enable', 'before', (plan) => cpuOffline(plan, anyRemovableLP(plan))),
  broken('memory-outside-cmrs-before-enable', 'before', memory.addOutsideCMRs),
  broken('module-unloaded', 'before', (plan) => plan.events.push({ kind: 'module-unload' })),

  broken('vmx-off-at-enable', 'between', (plan) => vmxOff(plan, plan.boot)),
  broken('vmx-off-before-key-config', 'between', (plan) => vmxOff(plan, anyOnlineLP(plan))),
  broken('config-disturbed', 'between', (plan) => plan.events.push(drawFeltCondition(plan.random, 'config'))),
  broken('key-config-disturbed', 'between', (plan) => plan.events.push(drawFeltCondition(plan.random, 'keyConfig'))),
  broken('tdmr-init-disturbed', 'between', (plan) => plan.events.push(drawFeltCondition(plan.random, 'tdmrInit'))),
  broken('condition', 'between', (plan) => plan.events.push(drawWildCondition(plan.random))),
  broken('package-offline-before-enable', 'between', packageOffline),
  broken('allocation-failure', 'between', allocationFailure),
  broken('memory-outside-cmrs', 'between', memory.addOutsideCMRs),
  broken('seam-death-before-enable', 'between', (plan) => plan.events.push({ kind: 'seam-death' })),
  broken('tdmr-init-fails-when-ready', 'between', tdmrInitFails),

  broken('seam-death', 'after', (plan) => plan.events.push({ kind: 'seam-death' })),
  broken('kexec', 'after', kexec),
  broken('memory-outside-cmrs-after-enable', 'after', memory.addOutsideCMRs),
  broken('memory-anywhere', 'after', memory.addAnywhere),
  broken('raw-seamcall', 'after', (plan) => plan.events.push(drawRawSEAMCALL(plan))),
  broken('late-lp', 'after', (plan) => cpuOnlineAndEnable(plan, anyOfflineLP(plan))),
  broken('acpi-cpu-add', 'after', acpiAdd),
  broken('acpi-cpu-remove', 'after', (plan) => plan.events.push({ kind: 'acpi-cpu-remove', lp: anyLP(plan) })),
  broken('vmx-off-after-enable', 'after', (plan) => vmxOff(plan, anyOnlineLP(plan))),

  broken('td-disturbed', 'after', disturbedTD),
  broken('td-create-with-dark-package', 'after', (plan) => {
    packageOffline(plan);
    plan.events.push({ kind: 'td-create' });
  }),
  broken('package-offline-with-td', 'after', (plan) => {
    plan.events.push({ kind: 'td-create' });
    packageOffline(plan);
    plan.events.push({ kind: 'td-destroy', td: 0 });
  }),

  broken('vcpu-on-cpu-that-goes', 'after', vcpuOnCPUThatGoes),
  broken('suspend', 'after', suspend),
  broken('suspend-before-enable', 'between', suspend),

  legal('cpu-enable-twice', 'between', (plan) => cpuEnable(plan, anyOnlineLP(plan))),
  legal('cpu-offline-after-cpu-enable', 'between', offlineSpare),
  legal('memory-inside-cmrs', 'before', memory.addInsideCMRs),
  legal('memory-reonline-before-enable', 'between', memory.reonline),
  legal('enable-twice', 'after', (plan) => plan.events.push({ kind: 'enable' })),
  legal('machine-check', 'after', machineCheck),
  legal('machine-check-again', 'after', machineCheck),
  legal('cpu-offline-online', 'after', offlineOnline),
  legal('memory-reonline', 'after', memory.reonline),
  legal('memory-remove', 'after', memory.remove),
  legal('td-create', 'after', tds),

  broken('cmr-copy-broken', 'between', corruptCMR),
  broken('acpi-cpu-add-before-enable', 'before', acpiAdd),
  broken('module-initialised-by-another', 'before', initialiseBehindTheBack),
  broken('acpi-cpu-add-between', 'between', acpiAdd),
  broken('install-session-open', 'before', openInstallSession),
  // After enable, so that a schedule can move it into the middle of an initialisation.
  broken('install-session-opens', 'after', openInstallSession),
];

/** Indices in PERTURBATIONS of those that break something, and of those that do not. */
export const BREAKING: readonly number[] = PERTURBATIONS.flatMap(({ breaks }, index) => (breaks ? [index] : []));
export const HARMLESS: readonly number[] = PERTURBATIONS.flatMap(({ breaks }, index) => (breaks ? [] : [index]));

/** The first tdx_cpu_enable of the boot finds VMX off; then VMX is turned on and the call repeated. */
function vmxOffAtFirst(plan: Plan): void {
  const lp = chance(plan.random, 70) ? plan.boot : anyOnlineLP(plan);
  if (plan.vmx[lp] === true) vmxOff(plan, lp);
  cpuEnable(plan, lp);
  vmxOn(plan, lp);
}

/** Every LP of a package other than the boot LP's goes offline; on a machine with one package, one LP does. */
function packageOffline(plan: Plan): void {
  const { lps } = plan.platform;
  const bootPackage = lps[plan.boot]?.package;
  const target = lps[anyLP(plan)]?.package;
  let gone = 0;
  for (let lp = 0; lp < lps.length; lp += 1) {
    const pkg = lps[lp]?.package;
    if (pkg === bootPackage || plan.online[lp] !== true) continue;
    if (target !== bootPackage && pkg !== target) continue;
    cpuOffline(plan, lp);
    gone += 1;
  }
  if (gone === 0) cpuOffline(plan, anyRemovableLP(plan));
}

/** An LP goes offline while another LP of its package stays online: harmless once it has been initialised. */
function offlineSpare(plan: Plan): void {
  const lp = anyRemovableLP(plan);
  if (lp === -1) return;
  const { lps } = plan.platform;
  const pkg = lps[lp]?.package;
  for (let other = 0; other < lps.length; other += 1) {
    if (other === lp || plan.online[other] !== true || lps[other]?.package !== pkg) continue;
    cpuOffline(plan, lp);
    return;
  }
}

function allocationFailure(plan: Plan): void {
  const { random } = plan;
  plan.events.push({
    kind: 'allocation-failure',
    nth: chance(random, 90) ? random.nextInt(1, 12) : random.nextInt(13, 40),
  });
}

function tdmrInitFails(plan: Plan): void {
  plan.events.push({
    kind: 'condition',
    condition: 'tdmr-lock-busy',
    leaf: LEAF_NUMBER['TDH.SYS.TDMR.INIT'],
    count: 1,
  });
}

/** One guest or two; half of the cases also destroy as many. */
function tds(plan: Plan): void {
  const { random, events } = plan;
  let count = chance(random, 75) ? 1 : 2;
  for (let left = count; left > 0; left -= 1) events.push({ kind: 'td-create' });
  if (chance(random, 40)) events.push({ kind: 'td-run', td: random.nextInt(0, 1), lp: anyOnlineLP(plan) });
  if (chance(random, 50)) for (; count > 0; count -= 1) events.push({ kind: 'td-destroy', td: random.nextInt(0, 1) });
}

/** A guest runs on a CPU that then goes offline, and is destroyed; in some cases TDH.VP.FLUSH fails first. */
function vcpuOnCPUThatGoes(plan: Plan): void {
  const { random, events } = plan;
  const lp = anyRemovableLP(plan);
  if (lp === -1) return;
  events.push({ kind: 'td-create' }, { kind: 'td-run', td: 0, lp });
  if (chance(random, 30)) events.push({ kind: 'td-run', td: 0, lp: anyOnlineLP(plan) });
  if (chance(random, 50))
    events.push({ kind: 'condition', condition: 'pamt-lock-busy', leaf: LEAF_NUMBER['TDH.VP.FLUSH'], count: 1 });
  if (chance(random, 15)) vmxOff(plan, lp);
  cpuOffline(plan, lp);
  events.push({ kind: 'td-destroy', td: 0 });
}

/** The system suspends, and TDX may be enabled again afterwards. */
function suspend({ random, events, boot, platform }: Plan): void {
  // S4 is refused where hibernation is turned off, so it is drawn mostly where it is possible.
  const likely = platform.hibernation && chance(random, 50);
  events.push({ kind: 'suspend', state: likely || chance(random, 10) ? 'hibernation' : 's3' });
  if (chance(random, 50)) events.push({ kind: 'cpu-enable', lp: boot });
  if (chance(random, 50)) events.push({ kind: 'enable' });
}

/** A guest is created and destroyed while a condition disturbs one of the leaves; then perhaps another guest. */
function disturbedTD({ random, events }: Plan): void {
  const early = chance(random, 40);
  if (early) events.push(drawGuestCondition(random));
  events.push({ kind: 'td-create' });
  if (!early) events.push(drawGuestCondition(random));
  events.push({ kind: 'td-destroy', td: 0 });
  if (chance(random, 60)) events.push({ kind: 'td-create' });
}

/** Another driver runs TDH.SYS.INIT, and TDH.SYS.LP.INIT on every online CPU: the calls that v8 assumes it can omit. */
function initialiseBehindTheBack(plan: Plan): void {
  const call = (lp: number, rax: number): void => {
    if (plan.vmx[lp] === true)
      plan.events.push({ kind: 'seamcall', lp, rax, rcx: 0, rdx: 0, r8: 0, r9: 0, r10: 0, r11: 0 });
  };
  call(plan.boot, LEAF_NUMBER['TDH.SYS.INIT']);
  for (let lp = 0; lp < plan.online.length; lp += 1)
    if (plan.online[lp] === true) call(lp, LEAF_NUMBER['TDH.SYS.LP.INIT']);
}

/** A driver begins to install another module and does not finish. */
function openInstallSession(plan: Plan): void {
  const lp = plan.vmx[plan.boot] === true ? plan.boot : anyOnlineLP(plan);
  plan.events.push({ kind: 'seamcall', lp, rax: SEAMLDR_LEAF.INSTALL, rcx: 0, rdx: 0, r8: 0, r9: 0, r10: 0, r11: 0 });
}

/**
 * Overwrites one entry of the CMR table that TDH.SYS.INFO returns: emptied, off its page boundary, at base 0, cut to one
 * page, or so long that all memory lies in it.
 */
function corruptCMR(plan: Plan): void {
  const { random, platform } = plan;
  const entry = random.nextInt(0, platform.cmrs.length < 31 ? platform.cmrs.length : 31);
  const there = platform.cmrs[entry] ?? { base: 0, size: 0 };
  const [base, size] = pick(random, [
    [0, 0],
    [there.base + 1, there.size],
    [0, there.size],
    [there.base, 4096],
    [there.base, memory.topOf(plan) + 64 * memory.BLOCK - there.base],
  ] as const);
  plan.events.push({ kind: 'cmr-corruption', entry, base, size });
}

/** kexec: the new kernel runs VMXON and tdx_cpu_enable on the boot CPU, and half of the time tdx_enable. */
function kexec(plan: Plan): void {
  plan.events.push({ kind: 'kexec' });
  if (chance(plan.random, 30)) return;
  plan.vmx.fill(false);
  vmxOn(plan, plan.boot);
  cpuEnable(plan, plan.boot);
  if (chance(plan.random, 50)) plan.events.push({ kind: 'enable' });
}

/** Plugs in an LP that BIOS left out and usually brings it up; without one, announces any LP again. */
function acpiAdd(plan: Plan): void {
  const { lps } = plan.platform;
  let lp = anyLP(plan);
  for (let index = 0; index < lps.length; index += 1) if (lps[index]?.bios === false) lp = index;
  // In one case in five, another LP of its package is not enabled.
  if (chance(plan.random, 20)) plan.skipped[anyLPOfPackage(plan, lps[lp]?.package ?? 0)] = true;
  plan.events.push({ kind: 'acpi-cpu-add', lp });
  if (chance(plan.random, 60) && plan.online[lp] !== true) cpuOnlineAndEnable(plan, lp);
}

function anyLPOfPackage(plan: Plan, pkg: number): number {
  const { lps } = plan.platform;
  const start = anyLP(plan);
  for (let step = 0; step < lps.length; step += 1)
    if (lps[(start + step) % lps.length]?.package === pkg) return (start + step) % lps.length;
  return start;
}

function machineCheck(plan: Plan): void {
  const plain = memory.anyAddress(plan);
  const { keyidBits, keyids } = plan.platform;
  const { random } = plan;
  // The machine-check bank reports the address with its KeyID; an error in the module's own memory has one.
  const keyid = chance(random, 20) && keyidBits > 0 ? pick(random, [keyids.mktme + 1, 1]) % 2 ** keyidBits : 0;
  plan.events.push({ kind: 'machine-check', lp: anyOnlineLP(plan), address: plain + keyid * 2 ** (52 - keyidBits) });
}

function offlineOnline(plan: Plan): void {
  const lp = anyRemovableLP(plan);
  if (lp === -1) return;
  cpuOffline(plan, lp);
  cpuOnlineAndEnable(plan, lp);
}
