import { PAGE_4K } from '../abi/page.ts';
import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import { addPages, allocatePages, isInUse, releasePages, removePages } from '../kernel/page-allocator.ts';
import type { AllocationKind, KernelPort, Trap } from '../kernel/port.ts';
import { readWord, writeWord, zeroRange } from '../platform/memory.ts';
import { performMetadataRun, performSeamcall, performTDMRInitLoop } from './seamcall.ts';
import { modulePhase, type World } from './world.ts';

interface WorldPort extends KernelPort {
  readonly world: World;
}

/**
 * The kernel's way to one machine: every effect is carried out and entered in the trace. The functions are the same for
 * all machines, as a campaign makes ten thousand of those a second.
 */
export function createWorldPort(world: World): KernelPort {
  const port: WorldPort = {
    world,
    seamcall,
    tdmrInitLoop,
    metadataRun,
    alloc,
    free,
    writeWord: storeWord,
    readWord: loadWord,
    movdir64b,
    wbinvdAll,
    wbinvd,
    vmxon,
    vmxoff,
    onlineMemory,
    offlineMemory,
    printk,
  };
  return port;
}

/** The machine behind a port; null if there is none, as where recorded answers are played back. */
export function worldOf(port: KernelPort): World | null {
  return 'world' in port ? (port as WorldPort).world : null;
}

function seamcall(this: WorldPort, cpu: number, regs: Registers): Trap {
  return performSeamcall(this.world, cpu, regs, false);
}

function tdmrInitLoop(this: WorldPort, cpu: number, regs: Registers, base: number, end: number): Trap | 'hang' {
  return performTDMRInitLoop(this.world, cpu, regs, base, end);
}

function metadataRun(this: WorldPort, cpu: number, fields: readonly U64[], count: number, values: U64[]): void {
  performMetadataRun(this.world, cpu, fields, count, values);
}

function alloc(this: WorldPort, what: AllocationKind, bytes: number, node: number): number {
  const { world } = this;
  const injected = isFailing(world);
  const address = injected ? -1 : allocatePages(world.allocator, what, bytes, node);
  // PAMTs are not backed by words; everything else starts out zero.
  if (address !== -1 && what !== 'c')
    zeroRange(world.hardware.memory, address, bytes + ((PAGE_4K - (bytes % PAGE_4K)) % PAGE_4K));
  world.trace.push({ kind: 'alloc', what, bytes, address, injected, phase: modulePhase(world) });
  return address;
}

function free(this: WorldPort, what: AllocationKind, address: number, bytes: number): void {
  const { world } = this;
  releasePages(world.allocator, address, bytes);
  world.trace.push({ kind: 'free', what, bytes, address, injected: false, phase: modulePhase(world) });
}

function storeWord(this: WorldPort, address: number, value: U64): void {
  writeWord(this.world.hardware.memory, address, value);
}

function loadWord(this: WorldPort, address: number): U64 {
  return readWord(this.world.hardware.memory, address);
}

function movdir64b(this: WorldPort, cpu: number, base: number, size: number): void {
  const { world } = this;
  const phase = modulePhase(world);
  world.trace.push({ kind: 'reset', cpu, base, size, phase });
  if (phase === 'READY' || phase === 'CONFIG_DONE') world.lostPAMT.push({ base, size });
}

function wbinvdAll(this: WorldPort): void {
  wbinvd.call(this, -1);
}

function wbinvd(this: WorldPort, cpu: number): void {
  const { world } = this;
  world.trace.push({ kind: 'wbinvd', cpu, base: 0, size: 0, phase: modulePhase(world) });
}

function vmxon(this: WorldPort, cpu: number): boolean {
  const { world } = this;
  const lp = world.hardware.lps[cpu];
  if (lp === undefined || world.mayEnterVMX[cpu] !== true) return false;
  lp.vmx = true;
  return true;
}

function vmxoff(this: WorldPort, cpu: number): void {
  const lp = this.world.hardware.lps[cpu];
  if (lp !== undefined) lp.vmx = false;
}

function onlineMemory(this: WorldPort, base: number, size: number, node: number): void {
  addPages(this.world.allocator, base, size, node);
}

function offlineMemory(this: WorldPort, base: number, size: number): boolean {
  const { allocator } = this.world;
  if (isInUse(allocator, base, size)) return false;
  removePages(allocator, base, size);
  return true;
}

function printk(): void {}

/** Counts down to the allocations that the case makes fail. */
function isFailing({ faults: { allocations } }: World): boolean {
  let failing = false;
  for (let at = allocations.length - 1; at >= 0; at -= 1) {
    const left = (allocations[at] ?? 1) - 1;
    if (left > 0) allocations[at] = left;
    else {
      allocations.splice(at, 1);
      failing = true;
    }
  }
  return failing;
}
