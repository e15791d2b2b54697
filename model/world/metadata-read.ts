import type { Registers } from '../abi/registers.ts';
import { isZero } from '../abi/u64.ts';
import type { FieldTable } from '../module/field-table.ts';
import { cutToField, metadataValue } from '../module/metadata-value.ts';
import { enterSEAM } from '../seamldr/enter-seam.ts';
import type { SeamcallEntry } from './trace.ts';
import { modulePhase, type World } from './world.ts';

export const TDH_SYS_RD = 34;

/** The entry that each field's element was last read with, by its place in the table: mostly the same in every case. */
let table: FieldTable | null = null;
let entries: (SeamcallEntry | undefined)[] = [];

/**
 * TDH.SYS.RD as kernels make it, dozens in a row, with nothing out of the ordinary: registers and trace are afterwards as
 * performSeamcall() would have left them, for a third of the time. False if there is anything to look at more closely;
 * then nothing has happened. Entries of the trace are never changed, so one may be part of many.
 */
export function readMetadata(world: World, lp: number, regs: Registers): boolean {
  const { module, hardware, trace } = world;
  const { phase, release } = module;
  if (phase === 'DEAD' || phase === 'SHUTDOWN' || world.pending.length > 0 || release.absentLeaves.length > 0)
    return false;
  const { rdx: asked } = regs;
  if (!isZero(regs.rcx) || !isZero(regs.r8) || !isZero(regs.r9)) return false;
  if (enterSEAM(hardware, world.seamldr, false, lp, TDH_SYS_RD) !== 'module' || module.lps[lp]?.initialised !== true)
    return false;
  const { fields } = release;
  const position = fields.positionOf(asked);
  const element = position === -1 ? undefined : fields.elements[position];
  if (element === undefined) return false;
  // Equal calls in a row are one entry.
  const last = trace.length - 1;
  const previous = last >= world.foldFrom ? trace[last] : undefined;
  if (previous?.kind === 'seamcall' && previous.leaf === TDH_SYS_RD && previous.inRDX === asked) return false;
  const value = metadataValue(module, hardware, element);
  if (value === undefined) return false;

  regs.rax = 0;
  regs.rdx = element.next;
  regs.r8 = cutToField(value, element.field.bits);
  module.lastReason = 'success';
  if (fields !== table) {
    table = fields;
    entries = [];
  }
  const before = modulePhase(world);
  let entry = entries[position];
  if (entry === undefined || entry.lp !== lp || entry.before !== before || entry.r8 !== regs.r8) {
    entry = {
      kind: 'seamcall',
      lp,
      raw: false,
      leaf: TDH_SYS_RD,
      inRCX: 0,
      inRDX: element.id,
      inR8: 0,
      trap: 'none',
      rax: 0,
      rcx: 0,
      rdx: element.next,
      r8: regs.r8,
      r9: 0,
      calls: 1,
      condition: null,
      before,
      after: before,
      changed: false,
      reason: module.lastReason,
    };
    entries[position] = entry;
  }
  trace.push(entry);
  return true;
}
