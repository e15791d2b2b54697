import type { Platform } from '../../model/platform/platform.ts';
import type { Event } from '../../model/world/event.ts';
import { drawWildCondition } from './condition.ts';
import type { Drawn, Random, Temperament } from './draw.ts';
import { chance, NOTHING, pick, weighted, WILD } from './draw.ts';
import * as memory from './memory-event.ts';
import { BREAKING, HARMLESS, PERTURBATIONS } from './perturbation.ts';
import type { Perturbation, Phase } from './perturbation.ts';
import type { Plan } from './plan.ts';
import { anyLP, anyOnlineLP, cpuEnable, startPlan, vmxOn } from './plan.ts';
import { drawRawSEAMCALL } from './raw-seamcall.ts';
import { EVERYTHING, type Swarm } from './swarm.ts';

/**
 * The events on a platform. The script is tdx_cpu_enable on every online CPU, then tdx_enable. `legal` adds harmless
 * perturbations only; `broken` adds exactly one breaking perturbation; `wild` adds several, or replaces the script by
 * random events.
 */
export function drawEvents(random: Random, temperament: Temperament, platform: Platform, swarm: Swarm): Drawn<Event[]> {
  const plan = startPlan(random, platform);
  if (temperament === 'wild' && chance(random, 35)) {
    if (chance(random, 50)) runScript(plan, []);
    drawSoup(plan);
    return { value: plan.events, broken: WILD };
  }
  const chosen: Perturbation[] = [];
  for (let left = weighted(random, [40, 40, 20]); left > 0; left -= 1) choose(random, HARMLESS, swarm, chosen);
  const breaking = temperament === 'legal' ? 0 : temperament === 'broken' ? 1 : random.nextInt(2, 4);
  for (let left = breaking; left > 0; left -= 1) choose(random, BREAKING, swarm, chosen);
  // Few machines have a hot-addable LP; most cases with such a machine plug it in.
  if (breaking > 0 && hasHotAddable(platform) && chance(random, 60)) {
    const added = pick(random, ACPI_CPU_ADD);
    if (!chosen.includes(added)) {
      if (chosen.at(-1)?.breaks === true) chosen.pop();
      chosen.push(added);
    }
  }
  // Kernels that may hibernate are rare, too.
  if (breaking > 0 && platform.hibernation && chance(random, 40) && !chosen.includes(SUSPEND)) chosen.push(SUSPEND);
  // And so is memory of two adjacent blocks that returns as one.
  if (hasTouchingBlocks(platform) && chance(random, 40) && !chosen.includes(MEMORY_REONLINE))
    chosen.push(MEMORY_REONLINE);
  // The swarm may have switched off every perturbation that was drawn; a broken case must still break something.
  if (temperament === 'broken' && !chosen.some(({ breaks }) => breaks)) choose(random, BREAKING, EVERYTHING, chosen);
  runScript(plan, chosen);
  return { value: plan.events, broken: temperament === 'legal' ? NOTHING : namesOf(chosen) };
}

/** After enable (twice as likely), before it, and before the CPUs are enabled. */
const ACPI_CPU_ADD = ['acpi-cpu-add', 'acpi-cpu-add', 'acpi-cpu-add-between', 'acpi-cpu-add-before-enable'].map(named);
const SUSPEND = named('suspend');
const MEMORY_REONLINE = named('memory-reonline');

function named(name: string): Perturbation {
  const found = PERTURBATIONS.find((perturbation) => perturbation.name === name);
  if (found === undefined) throw new Error(`no perturbation is called ${name}`);
  return found;
}

function hasHotAddable({ lps }: Platform): boolean {
  for (const lp of lps) if (!lp.bios) return true;
  return false;
}

function hasTouchingBlocks({ memory }: Platform): boolean {
  let end = -1;
  for (const { base, size } of memory) {
    if (base === end) return true;
    end = base + size;
  }
  return false;
}

/** Adds a perturbation that the swarm leaves on and that is not chosen yet, if one is found within six tries. */
function choose(random: Random, from: readonly number[], swarm: Swarm, chosen: Perturbation[]): void {
  for (let tries = 0; tries < 6; tries += 1) {
    const index = random.nextInt(0, from.length - 1);
    const perturbation = PERTURBATIONS[from[index] ?? 0];
    if (perturbation === undefined || (swarm.perturbations & (1 << (index % 31))) === 0) continue;
    if (chosen.includes(perturbation)) continue;
    chosen.push(perturbation);
    return;
  }
}

function namesOf(chosen: readonly Perturbation[]): string[] {
  const names: string[] = [];
  for (const { breaks, name } of chosen) if (breaks) names.push(name);
  return names;
}

function runScript(plan: Plan, chosen: readonly Perturbation[]): void {
  const { random, platform, events } = plan;
  if (platform.moduleImage === 'late' && chance(random, 85)) {
    for (let lp = 0; lp < platform.lps.length; lp += 1)
      if (plan.online[lp] === true && chance(random, 80)) vmxOn(plan, lp);
    events.push({ kind: 'late-load' });
  }
  applyPhase(plan, chosen, 'before');
  enableCPUs(plan);
  applyPhase(plan, chosen, 'between');
  if (chance(random, 96)) events.push({ kind: 'enable' });
  if (chosen.length > 0 && chance(random, 55)) tryAgain(plan);
  applyPhase(plan, chosen, 'after');
  // An event that reads the state left behind.
  if (chance(random, 30))
    events.push({ kind: 'machine-check', lp: anyOnlineLP(plan), address: memory.anyAddress(plan) });
}

function applyPhase(plan: Plan, chosen: readonly Perturbation[], phase: Phase): void {
  for (const perturbation of chosen) if (perturbation.phase === phase) perturbation.apply(plan);
}

function enableCPUs(plan: Plan): void {
  const { random, online, vmx, skipped } = plan;
  // The kernel's order; about one case in seven starts at a random LP.
  const start = chance(random, 85) ? 0 : anyLP(plan);
  for (let step = 0; step < online.length; step += 1) {
    const lp = (start + step) % online.length;
    if (online[lp] !== true || skipped[lp] === true) continue;
    if (vmx[lp] !== true && chance(random, 75)) vmxOn(plan, lp);
    cpuEnable(plan, lp);
  }
}

/** What a driver does after a failure: enters VMX operation where it is off, and calls again. */
function tryAgain(plan: Plan): void {
  const lp = anyOnlineLP(plan);
  if (chance(plan.random, 80)) {
    vmxOn(plan, plan.boot);
    vmxOn(plan, lp);
  }
  cpuEnable(plan, lp);
  plan.events.push({ kind: 'enable' });
}

/** Four to twelve events of any kind, in any order. */
function drawSoup(plan: Plan): void {
  for (let left = plan.random.nextInt(4, 12); left > 0; left -= 1) drawAny(plan);
}

function drawAny(plan: Plan): void {
  const { random, events } = plan;
  switch (random.nextInt(0, 22)) {
    case 0:
      events.push({ kind: 'vmxon', lp: anyLP(plan) });
      return;
    case 1:
      events.push({ kind: 'vmxoff', lp: anyLP(plan) });
      return;
    case 2:
      events.push({ kind: 'cpu-online', lp: anyLP(plan) });
      return;
    case 3:
      events.push({ kind: 'cpu-offline', lp: anyLP(plan) });
      return;
    case 4:
    case 5:
      events.push({ kind: 'cpu-enable', lp: anyLP(plan) });
      return;
    case 6:
      events.push({ kind: 'enable' });
      return;
    case 7:
      events.push({ kind: chance(random, 60) ? 'acpi-cpu-add' : 'acpi-cpu-remove', lp: anyLP(plan) });
      return;
    case 8:
      memory.addAnywhere(plan);
      return;
    case 9:
      memory.addInsideCMRs(plan);
      return;
    case 10:
      memory.remove(plan);
      return;
    case 11:
    case 12:
      events.push({ kind: 'machine-check', lp: anyLP(plan), address: memory.anyAddress(plan) });
      return;
    case 13:
      events.push({ kind: 'allocation-failure', nth: random.nextInt(1, 16) });
      return;
    case 14:
      events.push(drawWildCondition(random));
      return;
    case 15:
    case 16:
    case 17:
      events.push(drawRawSEAMCALL(plan));
      return;
    case 18:
      events.push({ kind: 'late-load' });
      return;
    case 19:
      events.push({ kind: 'td-create' });
      return;
    case 20:
      events.push({ kind: 'td-destroy', td: random.nextInt(0, 2) });
      return;
    case 21:
      events.push({ kind: 'td-run', td: random.nextInt(0, 2), lp: anyLP(plan) });
      return;
    default:
      if (chance(random, 20)) events.push({ kind: 'suspend', state: chance(random, 60) ? 's3' : 'hibernation' });
      else events.push({ kind: pick(random, ['kexec', 'module-unload', 'seam-death', 'late-load']) });
  }
}
