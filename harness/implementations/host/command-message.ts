import { PHYSICAL_END } from '../../../model/abi/size.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import type { KernelState, MemoryRegion } from '../../../model/kernel/state.ts';
import type { HostCommand } from '../protocol/host-command.ts';
import type { CommandMessage, RegionText } from '../protocol/host-messages.ts';

/** A command with all that goes with it, as it is told. */
export function commandMessage(command: HostCommand, kernel: KernelState): CommandMessage {
  if (command.kind === 'boot') return bootMessage(command.cpu, kernel);
  const online: number[] = [];
  for (let cpu = 0; cpu < kernel.cpus.length; cpu += 1) if (kernel.cpus[cpu]?.online === true) online.push(cpu);
  switch (command.kind) {
    case 'enable':
      return { type: 'enable', online, cpu: command.cpu, memory: kernel.memblock.map(regionText) };
    case 'cpu-enable':
    case 'kexec':
      return { type: command.kind, online, cpu: command.cpu };
    case 'cpu-online':
    case 'cpu-offline':
    case 'acpi-cpu-add':
    case 'acpi-cpu-remove':
      return { type: command.kind, online, cpu: command.cpu, target: command.target };
    case 'memory-add':
    case 'memory-remove':
      return { type: command.kind, online, how: command.how, ...regionText(command) };
    case 'memory-online':
      return { type: 'memory-online', online, base: formatU64(command.base), size: formatU64(command.size) };
    case 'machine-check':
      return { type: 'machine-check', online, cpu: command.cpu, address: formatU64(command.address) };
  }
}

function bootMessage(cpu: number, { cpus, memblock, facts }: KernelState): CommandMessage {
  const { keyids, hibernation, notifierError, cpuModel, seamrrEnabled, x2apic, addressEnd = PHYSICAL_END } = facts;
  return {
    type: 'boot',
    cpu,
    cpus: cpus.map(({ package: pkg, present, online, bootable }) => ({ package: pkg, present, online, bootable })),
    memory: memblock.map(regionText),
    keyids: keyids[0] ?? null,
    ...(keyids.length > 1 && { keyidsByCPU: keyids }),
    ...{ hibernation, notifierError, cpuModel, seamrrEnabled, x2apic },
    addressEnd: formatU64(addressEnd),
  };
}

function regionText({ base, size, node }: MemoryRegion): RegionText {
  return { base: formatU64(base), size: formatU64(size), node };
}
