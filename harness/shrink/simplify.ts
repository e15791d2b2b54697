import { REGISTERS } from '../../model/abi/registers.ts';
import { GIB } from '../../model/abi/size.ts';
import type { U64 } from '../../model/abi/u64.ts';
import { asBigInt, u64FromBigInt } from '../../model/abi/u64.ts';
import { HEALTHY_SETTINGS, healthyMachine, lpGrid } from '../../model/platform/healthy.ts';
import type { Platform } from '../../model/platform/platform.ts';
import type { Event } from '../../model/world/event.ts';
import type { Case } from '../case.ts';
import { withoutLP, withPlatform } from './parts.ts';

/** With more LPs, trying each next to each other one costs too much; the next round has fewer. */
const MOVED_LPS_MAX = 10;

/** Replaces the machine by a simple standard one, from one LP up; events move to the LPs that exist. */
export function* simplePlatforms(input: Case): Generator<Case> {
  for (const [packages, cores] of [
    [1, 1],
    [2, 1],
    [1, 2],
    [2, 2],
  ] as const) {
    const simple = onSimplePlatform(input, packages, cores);
    if (sizeOf(simple.platform) < sizeOf(input.platform)) yield simple;
  }
}

/** Each setting of the platform as on a healthy machine: all at once, then one by one. */
export function* healthySettings(input: Case): Generator<Case> {
  const { platform } = input;
  const { lps } = platform;
  const healthy: readonly Partial<Platform>[] = [
    { lps: lps.map((lp) => ({ ...lp, bios: true, online: true, vmx: true })) },
    { keyids: HEALTHY_SETTINGS.keyids, keyidBits: HEALTHY_SETTINGS.keyidBits },
    { keyids: { ...platform.keyids, mktme: HEALTHY_SETTINGS.keyids.mktme } },
    { keyids: { ...platform.keyids, tdx: HEALTHY_SETTINGS.keyids.tdx } },
    { keyidBits: HEALTHY_SETTINGS.keyidBits },
    { mcheck: 'verify' },
    { moduleImage: 'bios' },
    { seamrr: HEALTHY_SETTINGS.seamrr },
    { fms: HEALTHY_SETTINGS.fms },
    { commandLine: { ...platform.commandLine, nosmt: false } },
    { commandLine: { ...platform.commandLine, maxcpus: null } },
    { hibernation: false },
    { memory: platform.memory.map((block) => ({ ...block, node: 0 })) },
    { lps: coresInOrder(lps) },
  ];
  yield withPlatform(
    input,
    Object.assign({}, ...healthy, { lps: coresInOrder(healthy[0]?.lps ?? lps) }) as Partial<Platform>,
  );
  for (const change of healthy) yield withPlatform(input, change);
  for (const [index, lp] of lps.entries()) {
    yield withPlatform(input, { lps: lps.with(index, { ...lp, bios: true, online: true, vmx: true }) });
    yield withPlatform(input, { lps: lps.with(index, { ...lp, bios: true }) });
    yield withPlatform(input, { lps: lps.with(index, { ...lp, online: true }) });
    yield withPlatform(input, { lps: lps.with(index, { ...lp, vmx: true }) });
  }
}

/** One LP less: removes an LP and makes another one of its package a thread of an earlier LP's core. */
export function* closerLPs(input: Case): Generator<Case> {
  const { lps } = input.platform;
  if (lps.length > MOVED_LPS_MAX) return;
  for (const [index, lp] of lps.entries()) {
    for (const beside of lps) {
      if (beside.package > lp.package || (beside.package === lp.package && beside.core >= lp.core)) continue;
      const threads = lps.filter((other) => other.package === beside.package && other.core === beside.core);
      const moved = {
        ...lp,
        package: beside.package,
        core: beside.core,
        thread: Math.max(...threads.map(({ thread }) => thread)) + 1,
      };
      const closer = withPlatform(input, { lps: lps.with(index, moved) });
      for (const [gone, other] of lps.entries()) {
        if (gone === index || other === beside || other.package !== lp.package) continue;
        const fewer = withoutLP(closer, gone);
        if (fewer !== undefined) yield fewer;
      }
    }
  }
}

/** Smaller numbers in the platform's settings. */
export function* smallerSettings(input: Case): Generator<Case> {
  const { platform } = input;
  const { keyids } = platform;
  for (const mktme of smallerThan(keyids.mktme, HEALTHY_SETTINGS.keyids.mktme))
    yield withPlatform(input, { keyids: { ...keyids, mktme } });
  for (const tdx of smallerThan(keyids.tdx, HEALTHY_SETTINGS.keyids.tdx))
    yield withPlatform(input, { keyids: { ...keyids, tdx } });
  for (const keyidBits of smallerThan(platform.keyidBits, HEALTHY_SETTINGS.keyidBits))
    yield withPlatform(input, { keyidBits });
  const { maxcpus } = platform.commandLine;
  if (maxcpus !== null) {
    for (const lower of smaller(maxcpus))
      yield withPlatform(input, { commandLine: { ...platform.commandLine, maxcpus: lower } });
  }
  for (const [index, override] of platform.msr.entries()) {
    for (const value of simplerU64(override.value))
      yield withPlatform(input, { msr: platform.msr.with(index, { ...override, value }) });
  }
}

/** Simpler operands of each event. */
export function* simplerEvents(input: Case): Generator<Case> {
  for (const [index, event] of input.events.entries()) {
    for (const simpler of simplerForms(event)) yield { ...input, events: input.events.with(index, simpler) };
  }
}

/** Earlier preemptions, and lower numbers of the thread that runs next. */
export function* earlierPreemptions(input: Case): Generator<Case> {
  const { schedule = [] } = input;
  for (const [index, preemption] of schedule.entries()) {
    for (const after of smaller(preemption.after))
      yield { ...input, schedule: schedule.with(index, { ...preemption, after }) };
    for (const run of smaller(preemption.run))
      yield { ...input, schedule: schedule.with(index, { ...preemption, run }) };
  }
}

function* simplerForms(event: Event): Generator<Event> {
  if ('lp' in event && event.lp > 0) {
    yield { ...event, lp: 0 };
    yield { ...event, lp: event.lp - 1 };
  }
  switch (event.kind) {
    case 'allocation-failure':
      for (const nth of smaller(event.nth)) if (nth > 0) yield { ...event, nth };
      return;
    case 'suspend':
      if (event.state !== 's3') yield { ...event, state: 's3' };
      return;
    case 'td-run':
    case 'td-destroy':
      for (const td of smaller(event.td)) yield { ...event, td };
      return;
    case 'condition':
      for (const count of smaller(event.count)) if (count > 0) yield { ...event, count };
      return;
    case 'cmr-corruption':
      for (const entry of smaller(event.entry)) yield { ...event, entry };
      if (event.base > 0) yield { ...event, base: 0 };
      if (event.size > 0) yield { ...event, size: 0 };
      return;
    case 'memory-add':
      if (event.node > 0) yield { ...event, node: 0 };
      return;
    case 'machine-check':
      for (const unit of [GIB, 2 ** 21, 4096]) yield { ...event, address: Math.floor(event.address / unit) * unit };
      return;
    case 'seamcall':
      yield { ...event, rcx: 0, rdx: 0, r8: 0, r9: 0, r10: 0, r11: 0 };
      for (const name of REGISTERS) {
        for (const value of simplerU64(event[name])) yield { ...event, [name]: value };
      }
      return;
  }
}

/** 0, powers of two below the value, half of it, one less; ascending, so that the first that keeps the failure is least. */
function smaller(value: number): readonly number[] {
  const found = new Set<number>([0, 1]);
  for (let power = 2; power < value; power *= 2) found.add(power);
  if (value > 0) found.add(Math.floor(value / 2)).add(value - 1);
  return [...found].filter((one) => one < value).sort((a, b) => a - b);
}

/** A usual value is not lowered: healthySettings() would restore it, and the two would alternate. */
function smallerThan(value: number, usual: number): readonly number[] {
  return value === usual ? [] : smaller(value);
}

/** 0, 1, then the value without bits above 15, without its high half, page aligned, and without each set bit in turn. */
function simplerU64(value: U64): readonly U64[] {
  const bits = asBigInt(value);
  const found = new Set<bigint>([0n, 1n, bits & 0xffffn, bits & 0xffffffffn, bits - (bits % 4096n)]);
  for (let bit = 63n; bit >= 0n; bit--) if ((bits >> bit) & 1n) found.add(bits ^ (1n << bit));
  return [...found].filter((one) => one < bits).map(u64FromBigInt);
}

function sizeOf({ lps, memory, cmrs, msr }: Platform): number {
  return lps.length + memory.length + cmrs.length + msr.length;
}

function coresInOrder(lps: Platform['lps']): Platform['lps'] {
  const next = new Map<number, number>();
  return lps.map((lp) => {
    const core = next.get(lp.package) ?? 0;
    next.set(lp.package, core + 1);
    return { ...lp, core, thread: 0 };
  });
}

function onSimplePlatform(input: Case, packages: number, cores: number): Case {
  const count = packages * cores;
  const memory = Array.from({ length: packages }, (_, node) => ({ base: node * GIB + GIB, size: GIB, node }));
  return {
    ...withPlatform(input, healthyMachine(lpGrid(packages, cores), memory)),
    events: input.events.map((event): Event => ('lp' in event ? { ...event, lp: event.lp % count } : event)),
  };
}
