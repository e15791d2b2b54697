import { PAGE_4K } from '../../model/abi/page.ts';
import type { Flow } from '../../model/kernel/flow.ts';
import { isUsableMemoryError, MACHINE_CHECK_HINT } from '../../model/kernel/machine-check.ts';
import { renderMessage } from '../../model/kernel/message.ts';
import { NOTIFY_OK } from '../../model/kernel/memory-hotplug.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { findRevision } from '../../model/kernel/revisions.ts';
import { createKernel, type KernelState, type KeyIDPartition, type MemoryRegion } from '../../model/kernel/state.ts';
import { addMemblock } from '../../model/kernel/tdx-memory.ts';
import { createThread, runThread } from '../../model/kernel/thread.ts';
import {
  address,
  array,
  integer,
  object,
  optionalArray,
  readScenario,
  u64,
  type Json,
  type LinuxScenario,
} from './linux-format.ts';
import { createReplayPort, Divergence, GuardStruck, type ReplayPort } from './linux-port.ts';
import { TraceFormatError, type CaseResult, type Mismatch } from './replay.ts';

/** Lines the recorder itself printed into the kernel's log: an assertion or a WARN fired in its shim. */
const RECORDER_LINES = ['<4>LOCKDEP:', '<4>WARNING:', '<4>HEAP:'];
const ENXIO = -6;
/** The kernel's event number for memory about to come online. */
const MEM_GOING_ONLINE = 8;
const DEFAULT_STATUS = 0xbd80000000100134n;
const DEFAULT_MISC = 0x86;

/** Which model stands for the kernel a recording was made with; demos say it only in their file's name. */
const REVISION_OF: ReadonlyMap<string, string> = new Map([
  ['6.8', '6.12'],
  ['6.12', '6.12'],
  ['6.17', '6.17'],
  ['7.3', '7.3'],
]);

/**
 * Replays one line of a linux-* recording: the recorded answers and allocation results are fed back in, and everything
 * the kernel does is compared. `kernel` (`6.12`, `6.17`, `7.3`) is needed for the demos, whose lines do not name it.
 * Throws `TraceFormatError` where the line is not of the recorded shape.
 */
export function replayLinux(line: unknown, kernel?: string): CaseResult {
  const scenario = readScenario(line);
  const version = kernel ?? scenario.id.split('-')[0] ?? '';
  const revision = findRevision(REVISION_OF.get(version) ?? '');
  if (revision === undefined)
    throw new TraceFormatError(
      `no model for the kernel ${version}: expected one of ${[...REVISION_OF.keys()].join(', ')}`,
    );
  const reason = reasonToSkip(scenario);
  const result = { id: scenario.id, steps: scenario.steps.length, seamcalls: 0, mismatches: [], skipped: [] };
  if (reason !== null) return { ...result, skipped: [{ reason, count: 1 }] };
  return { ...result, ...replay(scenario, revision) };
}

/** The recording's own word on what cannot be compared: a package id that leaves the cpumask object. */
function reasonToSkip({ boot }: LinuxScenario): string | null {
  const cpus = array(boot['cpus'], 'boot.cpus').map((cpu) => object(cpu, 'boot.cpus[]'));
  const ids = cpus.reduce((most, cpu) => Math.max(most, integer(cpu['id'], 'boot.cpus[].id')), 0) + 1;
  const bits = 64 * Math.ceil(ids / 64);
  return cpus.some((cpu) => integer(cpu['pkg'], 'boot.cpus[].pkg') >= bits)
    ? 'package id outside the cpumask: the result depends on neighbouring heap bytes'
    : null;
}

function replay(scenario: LinuxScenario, revision: Revision): Pick<CaseResult, 'seamcalls' | 'mismatches'> {
  const port = createReplayPort();
  const machine = bootMachine(scenario, revision, port);
  let step = -1;
  let reason = 'boot';
  try {
    compareBoot(scenario.bootReply, machine);
    for (const [command, reply] of scenario.steps) {
      step++;
      reason = JSON.stringify(command);
      if (!runCommand(machine, command, reply)) break;
    }
    return { seamcalls: port.seamcalls, mismatches: [] };
  } catch (error) {
    if (error instanceof GuardStruck) return { seamcalls: port.seamcalls, mismatches: [] };
    if (!(error instanceof Divergence)) throw error;
    const { what, expected, got } = error;
    const mismatch: Mismatch = { id: scenario.id, step, what, expected, got, reason: `in ${reason}` };
    return { seamcalls: port.seamcalls, mismatches: [mismatch] };
  }
}

/** The machine being replayed: the model's kernel, and what the recorder remembers beside it. */
interface Machine {
  readonly kernel: KernelState;
  readonly port: ReplayPort;
  /** CPU of the last tdxCpuEnable or tdxEnable: a machine check is taken there. */
  lastCPU: number;
  /** Lines of dmesg already compared. */
  printed: number;
}

function bootMachine({ boot }: LinuxScenario, revision: Revision, port: ReplayPort): Machine {
  const cpus: { package: number; present: boolean; online: boolean }[] = [];
  for (const entry of array(boot['cpus'], 'boot.cpus')) {
    const cpu = object(entry, 'boot.cpus[]');
    const id = integer(cpu['id'], 'boot.cpus[].id');
    if (id < 0 || id > 0xffff) throw new TraceFormatError(`boot.cpus[].id must be 0 to 65535, not ${id}`);
    while (cpus.length <= id) cpus.push({ package: 0, present: false, online: false });
    cpus[id] = { package: integer(cpu['pkg'], 'boot.cpus[].pkg'), present: true, online: cpu['online'] !== 0 };
    if (cpu['vmx'] !== 0) port.canEnterVMX.add(id);
  }
  const memory: MemoryRegion[] = array(boot['memblock'], 'boot.memblock').map((entry) => {
    const region = object(entry, 'boot.memblock[]');
    const base = address(region['start'], 'boot.memblock[].start');
    return {
      base,
      size: address(region['end'], 'boot.memblock[].end') - base,
      node: integer(region['nid'], 'boot.memblock[].nid'),
    };
  });
  const halves = object(boot['keyids'], 'boot.keyids');
  const partition: KeyIDPartition = {
    mktme: address(halves['mktme'], 'boot.keyids.mktme'),
    tdx: address(halves['tdx'], 'boot.keyids.tdx'),
  };
  const readable = boot['tdxEnabledByBios'] !== false && boot['tdxEnabledByBios'] !== 0;
  const facts = {
    keyids: cpus.map(() => (readable ? partition : null)),
    hibernation: boot['hibernation'] === true || boot['hibernation'] === 1,
    notifierError: boot['notifierRet'] === undefined ? 0 : integer(boot['notifierRet'], 'boot.notifierRet'),
    cpuModel: boot['cpuModel'] === undefined ? 0x8f : address(boot['cpuModel'], 'boot.cpuModel'),
    seamrrEnabled: true,
    x2apic: true,
  };
  const kernel = createKernel(revision, facts, cpus, memory);
  const lastCPU = firstOnline(kernel);
  port.begin({}, lastCPU);
  runThread(kernel, createThread(0, revision.boot, lastCPU), port);
  return { kernel, port, lastCPU, printed: 0 };
}

function firstOnline({ cpus }: KernelState): number {
  const first = cpus.findIndex(({ online }) => online);
  return first === -1 ? 0 : first;
}

function compareBoot(reply: Json, machine: Machine): void {
  const { kernel } = machine;
  compare('bootReply.tdx', reply['tdx'], kernel.platformEnabled);
  compare('bootReply.s3', reply['s3'], kernel.s3Available);
  compare('bootReply.pwMce', reply['pwMce'], kernel.partialWriteErratum);
  compareDmesg(reply, machine);
}

/** Runs and compares one command; false if the scenario ends here. */
function runCommand(machine: Machine, command: Json, reply: Json): boolean {
  const { kernel, port } = machine;
  const { revision } = kernel;
  if (command['tdxCpuEnable'] !== undefined) {
    const cpu = integer(command['tdxCpuEnable'], 'tdxCpuEnable');
    if (kernel.cpus[cpu]?.online !== true) {
      compare('ret', reply['ret'], ENXIO);
      return true;
    }
    machine.lastCPU = cpu;
    return runFlow(machine, revision.cpuEnable, cpu, cpu, reply);
  }
  if (command['tdxEnable'] !== undefined) {
    const cpu = command['cpu'] === undefined ? firstOnline(kernel) : integer(command['cpu'], 'cpu');
    machine.lastCPU = cpu;
    return runFlow(machine, revision.enable, cpu, cpu, reply);
  }
  if (command['cpuOnline'] !== undefined)
    return runFlow(machine, revision.cpuOnline, machine.lastCPU, integer(command['cpuOnline'], 'cpuOnline'), reply);
  if (command['cpuOffline'] !== undefined)
    return runFlow(machine, revision.cpuOffline, machine.lastCPU, integer(command['cpuOffline'], 'cpuOffline'), reply);
  if (command['kvmVmxon'] !== undefined)
    return runFlow(machine, revision.vmxGet, machine.lastCPU, integer(command['kvmVmxon'], 'kvmVmxon'), reply);
  if (command['vmxon'] !== undefined) {
    port.canEnterVMX.add(integer(command['vmxon'], 'vmxon'));
    return true;
  }
  if (command['vmxoff'] !== undefined) {
    port.canEnterVMX.delete(integer(command['vmxoff'], 'vmxoff'));
    return true;
  }
  if (command['memGoingOnline'] !== undefined)
    return notify(machine, object(command['memGoingOnline'], 'memGoingOnline'), reply, false);
  if (command['memHotAdd'] !== undefined)
    return notify(machine, object(command['memHotAdd'], 'memHotAdd'), reply, true);
  if (command['machineCheck'] !== undefined)
    return checkMachine(machine, object(command['machineCheck'], 'machineCheck'), reply);
  // The responder's settings; its answers are in the recording.
  if (command['faults'] !== undefined || command['module'] !== undefined) return true;
  throw new TraceFormatError(`unknown command ${Object.keys(command).join(', ')}`);
}

function runFlow(machine: Machine, flow: Flow | null, cpu: number, target: number, reply: Json): boolean {
  const { kernel, port } = machine;
  if (flow === null) throw new TraceFormatError(`the kernel ${kernel.revision.name} has no such entry point`);
  port.begin(reply, cpu);
  const thread = createThread(1, flow, cpu, target);
  const status = runThread(kernel, thread, port);
  if (status === 'blocked')
    throw new Divergence('ret', String(reply['ret']), `blocked in ${flow.steps[thread.pc]?.name ?? 'nothing'}`);
  port.finish();
  if (status === 'crashed' || reply['oops'] !== undefined) return compareCrash(machine, reply);
  compare('ret', reply['ret'], thread.error);
  compareDmesg(reply, machine);
  return true;
}

/** Memory is about to come online, or something else happens to it that the notifier lets pass. */
function notify(machine: Machine, range: Json, reply: Json, hotAdd: boolean): boolean {
  const { kernel, port } = machine;
  port.begin(reply, machine.lastCPU);
  const startPfn = integer(range['startPfn'], 'startPfn');
  const pages = integer(range['nrPages'], 'nrPages');
  if (hotAdd) addMemblock(kernel.memblock, startPfn * PAGE_4K, pages * PAGE_4K, integer(range['nid'], 'nid'));
  const action = range['action'] === undefined ? MEM_GOING_ONLINE : integer(range['action'], 'action');
  const asked = range['online'] !== 0 && action === MEM_GOING_ONLINE;
  const verdict = asked
    ? (kernel.revision.memoryNotifier?.(kernel, port, startPfn, startPfn + pages) ?? NOTIFY_OK)
    : NOTIFY_OK;
  port.finish();
  compare('ret', reply['ret'], verdict);
  compare('verdict', reply['verdict'], verdict === NOTIFY_OK ? 'OK' : 'BAD');
  compareDmesg(reply, machine);
  return true;
}

function checkMachine(machine: Machine, event: Json, reply: Json): boolean {
  const { kernel, port } = machine;
  port.begin(reply, machine.lastCPU);
  const status = event['status'] === undefined ? DEFAULT_STATUS : u64(event['status'], 'status');
  const misc = event['misc'] === undefined ? DEFAULT_MISC : u64(event['misc'], 'misc');
  const at = address(event['addr'], 'addr');
  const { machineCheck } = kernel.revision;
  const asks = machineCheck !== null && isUsableMemoryError(status, misc);
  const verdict = asks ? machineCheck(kernel, port, machine.lastCPU, at) : 'none';
  port.finish();
  if (verdict === 'crash' || reply['oops'] !== undefined) return compareCrash(machine, reply);
  compare('mce', reply['mce'], verdict === 'private' ? MACHINE_CHECK_HINT : null);
  compareDmesg(reply, machine);
  return true;
}

/** That there is a crash matters, not its wording; the scenario ends with it. */
function compareCrash({ kernel }: Machine, reply: Json): false {
  const crashed = kernel.crash !== null;
  if (crashed !== (reply['oops'] !== undefined))
    throw new Divergence('oops', String(reply['oops']), String(kernel.crash));
  return false;
}

function compareDmesg(reply: Json, machine: Machine): void {
  const expected = optionalArray(reply['dmesg'], 'dmesg').filter(
    (line) => !RECORDER_LINES.some((prefix) => String(line).startsWith(prefix)),
  );
  const { dmesg } = machine.kernel;
  const got = dmesg.slice(machine.printed).map(renderMessage);
  machine.printed = dmesg.length;
  for (let i = 0; i < Math.max(expected.length, got.length); i++) compare(`dmesg[${i}]`, expected[i], got[i]);
}

function compare(what: string, expected: unknown, got: unknown): void {
  if (expected !== got) throw new Divergence(what, String(expected), String(got));
}
