import { formatU64 } from '../../../model/abi/u64.ts';
import type { ModuleState } from '../../../model/module/state.ts';
import type { StateText } from '../protocol/messages.ts';

/** The model's state as `--compare state` compares it: what every implementation of the module must keep somewhere. */
export function stateText({ phase, lps, tdmrs, keyids }: ModuleState): StateText {
  return {
    phase,
    lps: lps.flatMap(({ initialised }, index) => (initialised ? [index] : [])),
    tdmrs: tdmrs.map(({ base, initialised }) => ({ base: formatU64(base), initialised: formatU64(initialised) })),
    keyids: [...keyids].sort(([a], [b]) => a - b).map(([id, { state }]) => ({ id, state })),
  };
}
