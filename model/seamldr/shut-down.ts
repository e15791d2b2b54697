import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { SEAMLDRState } from './seamldr.ts';
import { SEAMLDR_STATUS } from './status.ts';

/**
 * SEAMLDR.SHUTDOWN on one LP: closes the module at once, and the P-SEAMLDR itself when as many LPs as MCHECK counted
 * have called. The last one must be the LP NP-SEAMLDR was launched on. A repeat on one LP is no error.
 *
 * Source: Intel P-SEAMLDR 1.5, SEAMLDR.SHUTDOWN.
 */
export function shutDown(state: SEAMLDRState, hardware: Hardware, lp: number): U64 {
  if (state.shutDown[lp] !== true) {
    state.shutDown[lp] = true;
    state.shutDownCount += 1;
  }
  state.moduleReady = false;
  if (state.shutDownCount < hardware.loader.totLPs) return SEAMLDR_STATUS.SUCCESS;
  if (lp !== state.launchLP) return SEAMLDR_STATUS.EBADCALL;
  state.ready = false;
  return SEAMLDR_STATUS.SUCCESS;
}
