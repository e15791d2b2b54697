import type { Platform } from '../../model/platform/platform.ts';
import { bootLP, mayComeOnline, onlineAtBoot } from '../../model/platform/topology.ts';
import type { Event } from '../../model/world/event.ts';
import type { Random } from './draw.ts';

/** An event sequence under construction, and the generator's view of the machine at its end. */
export interface Plan {
  readonly random: Random;
  readonly platform: Platform;
  readonly events: Event[];
  readonly online: boolean[];
  readonly vmx: boolean[];
  /** The LP that runs tdx_enable: the boot LP. */
  readonly boot: number;
  /** LPs that get no cpu-enable. */
  readonly skipped: boolean[];
}

export function startPlan(random: Random, platform: Platform): Plan {
  const vmx: boolean[] = [];
  const skipped: boolean[] = [];
  for (const lp of platform.lps) {
    vmx.push(lp.vmx);
    skipped.push(false);
  }
  const boot = bootLP(platform.lps);
  return { random, platform, events: [], online: onlineAtBoot(platform), vmx, boot: boot === -1 ? 0 : boot, skipped };
}

/** Any LP of the machine. */
export function anyLP({ random, platform }: Plan): number {
  return random.nextInt(0, platform.lps.length - 1);
}

/** An online LP; the boot LP if the LP drawn is offline. */
export function anyOnlineLP(plan: Plan): number {
  const lp = anyLP(plan);
  return plan.online[lp] === true ? lp : plan.boot;
}

/** An online LP that can go offline; -1 if the LP drawn cannot. */
export function anyRemovableLP(plan: Plan): number {
  const lp = anyLP(plan);
  return plan.online[lp] === true && lp !== plan.boot ? lp : -1;
}

/** An offline LP that can come online; -1 if there is none. */
export function anyOfflineLP(plan: Plan): number {
  const { lps, commandLine } = plan.platform;
  const start = anyLP(plan);
  for (let step = 0; step < lps.length; step += 1) {
    const index = (start + step) % lps.length;
    const lp = lps[index];
    if (lp !== undefined && plan.online[index] === false && mayComeOnline(lp, commandLine)) return index;
  }
  return -1;
}

export function vmxOff(plan: Plan, lp: number): void {
  plan.vmx[lp] = false;
  plan.events.push({ kind: 'vmxoff', lp });
}

/** No event if the LP is in VMX operation already. */
export function vmxOn(plan: Plan, lp: number): void {
  if (plan.vmx[lp] === true) return;
  plan.vmx[lp] = true;
  plan.events.push({ kind: 'vmxon', lp });
}

export function cpuEnable(plan: Plan, lp: number): void {
  plan.events.push({ kind: 'cpu-enable', lp });
}

/** No event for -1. An LP that goes offline leaves VMX operation. */
export function cpuOffline(plan: Plan, lp: number): void {
  if (lp === -1) return;
  plan.online[lp] = false;
  plan.vmx[lp] = false;
  plan.events.push({ kind: 'cpu-offline', lp });
}

/** No event for -1. Brings the LP online, into VMX operation and, as a hotplug callback does, into TDX. */
export function cpuOnlineAndEnable(plan: Plan, lp: number): void {
  if (lp === -1) return;
  plan.online[lp] = true;
  plan.events.push({ kind: 'cpu-online', lp });
  vmxOn(plan, lp);
  cpuEnable(plan, lp);
}
