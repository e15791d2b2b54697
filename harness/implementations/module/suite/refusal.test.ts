import { describe, expect, test } from '@jest/globals';
import { LEAF_NUMBER } from '../../../../model/abi/leaf-number.ts';
import { callModule } from '../../../../model/module/dispatch.ts';
import { cloneModule } from '../../../../model/module/clone.ts';
import { RELEASES } from '../../../../model/module/release.ts';
import type { ModuleState } from '../../../../model/module/state.ts';
import { createModule } from '../../../../model/module/state.ts';
import type { Hardware } from '../../../../model/platform/hardware.ts';
import { createMemory } from '../../../../model/platform/memory.ts';
import { leavesTraceWhenRefused } from '../../../../model/world/refusal.ts';
import { readModuleCase } from '../../../transcript/module-case.ts';
import { buildHardware } from '../../../transcript/module-platform.ts';
import { prepareStep } from '../../../transcript/module-replay.ts';
import type { Fault, FaultTable } from './fault.ts';
import { FAULT_TABLES } from './faults/index.ts';
import { recordDraft } from './record.ts';

const RELEASE = RELEASES['1.5.01'];

describe('a refused SEAMCALL changes nothing', () => {
  const traced = new Set<string>();

  test.each(FAULT_TABLES.map((table) => [table.leaf, table] as const))('%s', (leaf, table) => {
    const wrong: string[] = [];
    for (const fault of table.faults) {
      const { before, after, rax } = aroundTheCall(table, fault);
      if (rax === null || before === after) continue;
      traced.add(leaf);
      if (!leavesTraceWhenRefused(LEAF_NUMBER[leaf], rax)) wrong.push(fault.name);
    }
    expect(wrong).toEqual([]);
  });

  test('but for the exceptions, each of which is seen', () => {
    expect([...traced].sort()).toEqual([
      'TDH.MNG.ADDCX',
      'TDH.MNG.CREATE',
      'TDH.PHYMEM.CACHE.WB',
      'TDH.SYS.CONFIG',
      'TDH.SYS.INFO',
      'TDH.SYS.INIT',
      'TDH.SYS.LP.INIT',
    ]);
  });
});

test('a clone is deep: what happens to one module leaves the other alone', () => {
  for (const table of FAULT_TABLES) {
    for (const fault of [null, ...table.faults]) {
      const { module, hardware, call } = beforeTheCall(table, fault);
      const text = snapshot(module, hardware);
      const clone = cloneModule(module);
      expect(snapshot(clone, hardware)).toBe(text);
      callModule(clone, { ...hardware, memory: createMemory() }, call.lp, { ...call.regs }, call.conditions);
      expect(snapshot(module, hardware)).toBe(text);
    }
  }
});

/** Module and hardware as text in front of and behind the refused call; `rax` is `null` if the call did not end in an answer. */
function aroundTheCall(table: FaultTable, fault: Fault) {
  const { module, hardware, call } = beforeTheCall(table, fault);
  const before = snapshot(module, hardware);
  const regs = { ...call.regs };
  const outcome = callModule(module, hardware, call.lp, regs, call.conditions);
  return { before, after: snapshot(module, hardware), rax: outcome.kind === 'answered' ? regs.rax : null };
}

function beforeTheCall(table: FaultTable, fault: Fault | null) {
  const draft = table.base();
  fault?.apply(draft);
  // CREATE and ADDCX meet a page with something in it, SYS.INFO a buffer that is not empty.
  const full = ['0x100000000', '0x100001000', '0x110000'].map((pa) => ({ pa, u64: ['0x1', '0x2'] }));
  draft.call.mem = [...(draft.call.mem ?? []), ...full];
  const { platform, steps } = readModuleCase(recordDraft('draft', draft, RELEASE).line);
  const hardware = buildHardware(platform);
  let module = createModule(RELEASE);
  for (const [index, step] of steps.entries()) {
    module = prepareStep(hardware, module, step.before);
    if (index + 1 === steps.length) return { module, hardware, call: step };
    for (let made = 0; made < step.repeat; made += 1)
      callModule(module, hardware, step.lp, { ...step.regs }, step.conditions);
  }
  throw new Error(`${table.leaf}: no call`);
}

function snapshot(module: ModuleState, { memory }: Hardware): string {
  const { release: _release, ...state } = module;
  const words = [...memory.blocks].filter(([, block]) => block.some((word) => word !== 0));
  return JSON.stringify([state, words], (_, value: unknown) => {
    if (typeof value === 'bigint') return value.toString(16);
    return value instanceof Map ? [...value] : value;
  });
}
