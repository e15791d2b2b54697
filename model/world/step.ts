import { isAligned } from '../abi/align.ts';
import { EBUSY, EPERM } from '../kernel/errno.ts';
import type { Flow } from '../kernel/flow.ts';
import { machineCheck } from '../kernel/machine-check.ts';
import type { MemoryRegion } from '../kernel/state.ts';
import { createThread, runThread, type Thread } from '../kernel/thread.ts';
import { modelledLeaf } from '../module/leaves/index.ts';
import { createModule } from '../module/state.ts';
import { isHotAddable, mayComeOnline } from '../platform/topology.ts';
import { lateLoad } from '../seamldr/late-load.ts';
import { unloadModule } from '../seamldr/seamldr.ts';
import { bootNextKernel } from './boot.ts';
import type { Event, SleepState } from './event.ts';
import { performSeamcall } from './seamcall.ts';
import { losePower } from './suspend.ts';
import type { EventRecord, Outcome } from './trace.ts';
import { modulePhase, type World } from './world.ts';

const PAGE = 4096;

/** Lets one event happen and records what it came to; returns the record. Nothing happens to a kernel that has crashed. */
export function step(world: World, event: Event): EventRecord {
  const { kernel } = world;
  const record = openRecord(world, event);
  if (kernel.crash === null) record.outcome = perform(world, record, event);
  if (kernel.crash !== null && record.outcome !== 'ignored') record.outcome = 'crashed';
  if (world.kernel !== kernel) return record;
  finish(world, record);
  return record;
}

/**
 * Lets one event begin. A thread that is not null has yet to be run, and `endEvent` to be called when it has ended;
 * otherwise the event is over.
 */
export function beginEvent(world: World, event: Event): { record: EventRecord; thread: Thread | null } {
  world.defers = true;
  world.started = null;
  const record = step(world, event);
  world.defers = false;
  return { record, thread: world.started };
}

/**
 * Records what an event came to whose thread has ended or has crashed the kernel. `null`: it never came to run, or the
 * kernel died of another one first.
 */
export function endEvent(world: World, record: EventRecord, thread: Thread | null): void {
  if (thread === null) record.outcome = 'ignored';
  else {
    record.errno = thread.status === 'done' ? thread.error : 0;
    if (world.kernel.crash !== null) record.outcome = 'crashed';
    else if (record.errno !== 0 && !ENABLING.includes(record.kind)) record.outcome = 'refused';
  }
  finish(world, record);
}

/** Events whose failure is no refusal: they were carried out, and failed. */
const ENABLING: readonly EventRecord['kind'][] = ['enable', 'cpu-enable'];

function openRecord(world: World, event: Event): EventRecord {
  const { kernel } = world;
  const record: EventRecord = {
    event,
    kind: event.kind,
    kernel,
    from: world.trace.length,
    to: world.trace.length,
    dmesgFrom: kernel.dmesg.length,
    dmesgTo: kernel.dmesg.length,
    statusBefore: kernel.status,
    statusAfter: kernel.status,
    phaseBefore: modulePhase(world),
    phaseAfter: 'ABSENT',
    outcome: 'ignored',
    errno: 0,
    hint: false,
  };
  world.records.push(record);
  world.foldFrom = record.from;
  world.imbalancesBefore = kernel.lockImbalances.length;
  return record;
}

/** Fills in what the event came to. */
function finish(world: World, record: EventRecord): void {
  const { kernel } = record;
  record.to = world.trace.length;
  record.dmesgTo = kernel.dmesg.length;
  record.statusAfter = kernel.status;
  record.phaseAfter = modulePhase(world);
}

/** The old kernel's part, and if it lets go, a new kernel's boot in a record of its own. */
function kexec(world: World, record: EventRecord): Outcome {
  runFlow(world, record, world.kernel.revision.kexec, firstOnline(world), firstOnline(world));
  if (record.errno !== 0) return 'refused';
  if (world.kernel.crash !== null) return 'crashed';
  record.outcome = 'done';
  finish(world, record);
  if (hasTalked(world)) world.disturbed = true;
  bootNextKernel(world);
  return 'done';
}

/** The way in; the machine loses power unless something stood in the way; the way back. */
function suspend(world: World, record: EventRecord, state: SleepState): Outcome {
  const { kernel, hardware } = world;
  const cpu = firstOnline(world);
  const inVMX = hardware.lps.map(({ vmx }) => vmx);
  runFlow(world, record, kernel.revision.suspend[state], cpu, cpu);
  const { errno } = record;
  if (kernel.crash !== null) return 'crashed';
  if (errno === 0) {
    if (hasTalked(world)) world.disturbed = true;
    losePower(world, state);
  }
  // Who kept a CPU in VMX operation brings it back there: kvm_resume() and kvm_online_cpu(), Linux 6.12.
  if (kernel.revision.vmxGet === null)
    for (const [lp, processor] of hardware.lps.entries()) processor.vmx = inVMX[lp] === true;
  runFlow(world, record, kernel.revision.resume[state], cpu, cpu);
  record.errno = errno;
  return errno === 0 ? 'done' : 'refused';
}

function perform(world: World, record: EventRecord, event: Event): Outcome {
  switch (event.kind) {
    case 'vmxon':
      return setVMX(world, event.lp, true);
    case 'vmxoff':
      return setVMX(world, event.lp, false);
    case 'cpu-online':
      return onlineCPU(world, record, event.lp);
    case 'cpu-offline':
      return offlineCPU(world, record, event.lp);
    case 'cpu-enable':
      return enableCPU(world, record, event.lp);
    case 'enable':
      if (world.kernel.revision.enablesAtBoot && hasEnabled(world, record)) return 'ignored';
      return runFlow(world, record, world.kernel.revision.enable, firstOnline(world), firstOnline(world));
    case 'acpi-cpu-add':
      return addCPU(world, record, event.lp);
    case 'acpi-cpu-remove':
      return removeCPU(world, record, event.lp);
    case 'memory-add':
      return addMemory(world, record, event);
    case 'memory-remove':
      return removeMemory(world, record, event);
    case 'td-create':
      return createTD(world, record);
    case 'td-run':
      return runTD(world, record, event.td, event.lp);
    case 'td-destroy':
      return destroyTD(world, record, event.td);
    case 'machine-check':
      return checkMachine(world, record, event.lp, event.address);
    case 'allocation-failure':
      world.failingAllocations.push(event.nth);
      return 'done';
    case 'condition':
      world.pending.push({ condition: event.condition, leaf: event.leaf, left: event.count });
      return 'done';
    case 'cmr-corruption':
      world.pendingCMREntries.push(event);
      return 'done';
    case 'late-load':
      return loadModule(world);
    case 'module-unload':
      if (modulePhase(world) === 'ABSENT') return 'ignored';
      unloadModule(world.seamldr);
      if (hasTalked(world)) world.disturbed = true;
      return 'done';
    case 'seam-death':
      if (modulePhase(world) === 'ABSENT' || modulePhase(world) === 'DEAD') return 'ignored';
      world.module.phase = 'DEAD';
      world.module.lastReason = 'the module shut itself down';
      world.disturbed = true;
      return 'done';
    case 'seamcall':
      return callRaw(world, event);
    case 'kexec':
      return kexec(world, record);
    case 'suspend':
      return suspend(world, record, event.state);
  }
}

/** True if an earlier event of this boot was the one attempt that there is. */
function hasEnabled({ records }: World, now: EventRecord): boolean {
  for (const record of records) if (record !== now && record.kind === 'enable') return true;
  return false;
}

/** The CPU that a call with no CPU of its own runs on: the boot CPU, or the lowest online one. */
export function firstOnline({ kernel, bootLP }: World): number {
  const { cpus } = kernel;
  // Linux counts from the boot CPU, wherever the case has it.
  if (bootLP !== -1 && cpus[bootLP]?.online === true) return bootLP;
  for (let cpu = 0; cpu < cpus.length; cpu += 1) if (cpus[cpu]?.online === true) return cpu;
  return 0;
}

function runFlow(
  world: World,
  record: EventRecord,
  flow: Flow,
  cpu: number,
  target: number,
  region: MemoryRegion | null = null,
  td = -1,
): Outcome {
  const thread = createThread(world.records.length, flow, cpu, target, region, td);
  if (world.defers) {
    world.started = thread;
    return 'done';
  }
  const status = runThread(world.kernel, thread, world.port);
  // Nobody else runs, so a lock that cannot be had will never be: the kernel hangs for good.
  if (status === 'blocked') world.kernel.crash = `deadlock in ${flow.name}: ${flow.steps[thread.pc]?.name ?? 'end'}`;
  record.errno = thread.error;
  return 'done';
}

function setVMX(world: World, lp: number, on: boolean): Outcome {
  const cpu = world.kernel.cpus[lp];
  const processor = world.hardware.lps[lp];
  if (cpu === undefined || processor === undefined || !cpu.present) return 'ignored';
  if (world.kernel.revision.vmxGet !== null) {
    if (world.mayEnterVMX[lp] === on) return 'ignored';
    world.mayEnterVMX[lp] = on;
    return 'done';
  }
  if (!cpu.online || processor.vmx === on) return 'ignored';
  processor.vmx = on;
  return 'done';
}

function onlineCPU(world: World, record: EventRecord, lp: number): Outcome {
  const { kernel, platform } = world;
  const cpu = kernel.cpus[lp];
  const processor = platform.lps[lp];
  if (cpu === undefined || processor === undefined || !cpu.present || cpu.online) return 'ignored';
  if (!mayComeOnline(isHotAddable(processor) ? { ...processor, bios: true } : processor, platform.commandLine)) {
    record.errno = EPERM;
    return 'refused';
  }
  runFlow(world, record, kernel.revision.cpuOnline, firstOnline(world), lp);
  return record.errno === 0 ? 'done' : 'refused';
}

/** The boot CPU stays: Linux has not let it go offline since 6.5. */
function offlineCPU(world: World, record: EventRecord, lp: number): Outcome {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || !cpu.online) return 'ignored';
  if (lp === world.bootLP) {
    record.errno = EBUSY;
    return 'refused';
  }
  runFlow(world, record, world.kernel.revision.cpuOffline, firstOnline(world), lp);
  return record.errno === 0 ? 'done' : 'refused';
}

function enableCPU(world: World, record: EventRecord, lp: number): Outcome {
  const { cpuEnable } = world.kernel.revision;
  if (cpuEnable === null || world.kernel.cpus[lp]?.online !== true) return 'ignored';
  return runFlow(world, record, cpuEnable, lp, lp);
}

function addCPU(world: World, record: EventRecord, lp: number): Outcome {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || cpu.present) return 'ignored';
  runFlow(world, record, world.kernel.revision.acpiCPUAdd, firstOnline(world), lp);
  return record.errno === 0 ? 'done' : 'refused';
}

function removeCPU(world: World, record: EventRecord, lp: number): Outcome {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || !cpu.present || lp === world.bootLP) return 'ignored';
  runFlow(world, record, world.kernel.revision.acpiCPURemove, firstOnline(world), lp);
  return record.errno === 0 ? 'done' : 'refused';
}

function addMemory(
  world: World,
  record: EventRecord,
  { how, base, size, node }: Extract<Event, { kind: 'memory-add' }>,
): Outcome {
  const { kernel } = world;
  for (const block of kernel.memblock) if (base < block.base + block.size && block.base < base + size) return 'ignored';
  if (size < PAGE || !isAligned(base, PAGE) || !isAligned(size, PAGE)) return 'ignored';
  const cpu = firstOnline(world);
  runFlow(world, record, kernel.revision.memoryAdd[how], cpu, cpu, { base, size, node });
  return record.errno === 0 ? 'done' : 'refused';
}

function removeMemory(
  world: World,
  record: EventRecord,
  { how, base, size }: Extract<Event, { kind: 'memory-remove' }>,
): Outcome {
  const { kernel } = world;
  if (size < PAGE || !isAligned(base, PAGE) || !isAligned(size, PAGE)) return 'ignored';
  let covered = base;
  for (const block of kernel.memblock)
    if (block.base <= covered && covered < block.base + block.size) covered = block.base + block.size;
  if (how !== 'zone-device' && covered < base + size) return 'ignored';
  const cpu = firstOnline(world);
  runFlow(world, record, kernel.revision.memoryRemove[how], cpu, cpu, { base, size, node: 0 });
  return record.errno === 0 ? 'done' : 'refused';
}

function createTD(world: World, record: EventRecord): Outcome {
  const { tdCreate } = world.kernel.revision;
  if (tdCreate === null || world.kernel.status !== 'initialised') return 'ignored';
  const cpu = firstOnline(world);
  runFlow(world, record, tdCreate, cpu, cpu);
  return record.errno === 0 ? 'done' : 'refused';
}

/** Number `nth` of the guests that are alive, or the last of them; -1 if there is none. */
function aliveTD({ kernel }: World, nth: number): number {
  const { tds } = kernel;
  let td = -1;
  let left = nth;
  for (let at = 0; at < tds.length && left >= 0; at += 1) {
    if (tds[at]?.alive !== true) continue;
    td = at;
    left -= 1;
  }
  return td;
}

function runTD(world: World, record: EventRecord, nth: number, lp: number): Outcome {
  const { cpus, revision } = world.kernel;
  const td = aliveTD(world, nth);
  if (revision.tdRun === null || td === -1 || cpus[lp]?.online !== true) return 'ignored';
  runFlow(world, record, revision.tdRun, lp, lp, null, td);
  return record.errno === 0 ? 'done' : 'refused';
}

function destroyTD(world: World, record: EventRecord, nth: number): Outcome {
  const { revision } = world.kernel;
  const td = aliveTD(world, nth);
  if (revision.tdDestroy === null || td === -1) return 'ignored';
  const cpu = firstOnline(world);
  runFlow(world, record, revision.tdDestroy, cpu, cpu, null, td);
  return record.errno === 0 ? 'done' : 'refused';
}

function checkMachine(world: World, record: EventRecord, lp: number, address: number): Outcome {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || !cpu.online) return 'ignored';
  record.hint = machineCheck(world.kernel, world.port, lp, address) === 'private';
  return 'done';
}

/** True once the kernel has made a SEAMCALL that reached the module. */
function hasTalked({ trace }: World): boolean {
  for (const entry of trace) if (entry.kind === 'seamcall' && entry.trap === 'none') return true;
  return false;
}

function loadModule(world: World): Outcome {
  const online = world.kernel.cpus.map((cpu) => cpu.online);
  const { outcome } = lateLoad(world.seamldr, world.hardware, world.module.phase === 'DEAD', world.platform, online);
  if (outcome === 'no-image') return 'ignored';
  if (outcome === 'loaded') {
    if (hasTalked(world)) world.disturbed = true;
    world.module = createModule(world.release);
    return 'done';
  }
  // An INSTALL session that stays open has closed the module to everybody.
  if (outcome === 'incomplete' && hasTalked(world)) world.disturbed = true;
  return 'refused';
}

function callRaw(world: World, event: Extract<Event, { kind: 'seamcall' }>): Outcome {
  const { scratch } = world;
  if (world.kernel.cpus[event.lp]?.online !== true) return 'ignored';
  scratch.rax = event.rax;
  scratch.rcx = event.rcx;
  scratch.rdx = event.rdx;
  scratch.r8 = event.r8;
  scratch.r9 = event.r9;
  scratch.r10 = event.r10;
  scratch.r11 = event.r11;
  const trap = performSeamcall(world, event.lp, scratch, true);
  const onlyReads = typeof event.rax === 'number' && modelledLeaf(event.rax)?.onlyReads === true;
  if (trap === 'none' && !onlyReads) world.tampered = true;
  return 'done';
}
