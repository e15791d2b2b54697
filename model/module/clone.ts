import type { Handoff, KeyIDEntry, ModuleState, TDMRState, TDState } from './state.ts';

/**
 * A copy that shares nothing that ever changes: for branch points only. What is never changed once made (the sample,
 * the merged CMRs, page entries, write-back sessions) is shared.
 */
export function cloneModule(module: ModuleState): ModuleState {
  return {
    ...module,
    lps: module.lps.map((lp) => ({ ...lp })),
    keyids: cloneEntries(module.keyids),
    tdmrs: cloneTDMRs(module.tdmrs),
    writeBack: new Map(module.writeBack),
    pages: new Map(module.pages),
    tds: new Map<number, TDState>(Array.from(module.tds, ([tdr, td]) => [tdr, { ...td, vcpus: new Map(td.vcpus) }])),
    handoff: cloneHandoff(module.handoff),
  };
}

function cloneHandoff(handoff: Handoff): Handoff {
  const { data } = handoff;
  if (data === null) return { ...handoff };
  const { keyids, writeBack, tdmrs } = data;
  const copy = { ...data, keyids: cloneEntries(keyids), writeBack: new Map(writeBack), tdmrs: cloneTDMRs(tdmrs) };
  return { ...handoff, data: copy };
}

function cloneEntries(keyids: ReadonlyMap<number, KeyIDEntry>): Map<number, KeyIDEntry> {
  return new Map(Array.from(keyids, ([keyid, entry]) => [keyid, { ...entry }]));
}

function cloneTDMRs(tdmrs: readonly TDMRState[]): TDMRState[] {
  return tdmrs.map((tdmr) => ({ ...tdmr }));
}
