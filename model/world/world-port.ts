import { readWord, writeWord, zeroRange } from '../platform/memory.ts';
import type { KernelPort } from '../kernel/port.ts';
import { addPages, allocatePages, isInUse, releasePages, removePages } from '../kernel/page-allocator.ts';
import { performSeamcall, performTDMRInitLoop } from './seamcall.ts';
import { callsAhead, makeCalls } from './tdmr-run.ts';
import { modulePhase, type World } from './world.ts';

/** The kernel's way to one machine: every effect is carried out and entered in the trace. */
export function createWorldPort(world: World): KernelPort {
  return {
    seamcall: (cpu, regs) => performSeamcall(world, cpu, regs, false),
    tdmrInitLoop: (cpu, regs, base, end) => performTDMRInitLoop(world, cpu, regs, base, end),
    tdmrInitAhead: () => callsAhead(world),
    tdmrInitCatchUp: (calls) => makeCalls(world, calls),
    alloc: (what, bytes, node) => {
      const injected = isFailing(world);
      const address = injected ? -1 : allocatePages(world.allocator, what, bytes, node);
      // PAMTs are not backed by words; everything else starts out zero.
      if (address !== -1 && what !== 'c')
        zeroRange(world.hardware.memory, address, bytes + ((4096 - (bytes % 4096)) % 4096));
      world.trace.push({ kind: 'alloc', what, bytes, address, injected });
      return address;
    },
    free: (what, address, bytes) => {
      releasePages(world.allocator, address, bytes);
      world.trace.push({ kind: 'free', what, address, bytes, phase: modulePhase(world) });
    },
    writeWord: (address, value) => writeWord(world.hardware.memory, address, value),
    readWord: (address) => readWord(world.hardware.memory, address),
    movdir64b: (_, base, size) => {
      const phase = modulePhase(world);
      world.trace.push({ kind: 'reset', base, size, phase });
      if (phase === 'READY' || phase === 'CONFIG_DONE') world.lostPAMT.push({ base, size });
    },
    wbinvdAll: () => {
      world.trace.push({ kind: 'wbinvd', cpu: -1 });
    },
    wbinvd: (cpu) => {
      world.trace.push({ kind: 'wbinvd', cpu });
    },
    vmxon: (cpu) => {
      const lp = world.hardware.lps[cpu];
      if (lp === undefined || world.mayEnterVMX[cpu] !== true) return false;
      lp.vmx = true;
      return true;
    },
    vmxoff: (cpu) => {
      const lp = world.hardware.lps[cpu];
      if (lp !== undefined) lp.vmx = false;
    },
    onlineMemory: (base, size, node) => addPages(world.allocator, base, size, node),
    offlineMemory: (base, size) => {
      if (isInUse(world.allocator, base, size)) return false;
      removePages(world.allocator, base, size);
      return true;
    },
    printk: () => {},
  };
}

/** Counts down to the allocations that the case makes fail. */
function isFailing({ failingAllocations }: World): boolean {
  let failing = false;
  for (let at = failingAllocations.length - 1; at >= 0; at -= 1) {
    const left = (failingAllocations[at] ?? 1) - 1;
    if (left > 0) failingAllocations[at] = left;
    else {
      failingAllocations.splice(at, 1);
      failing = true;
    }
  }
  return failing;
}
