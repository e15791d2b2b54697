import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { SEAMLDRState } from './seamldr.ts';
import { SEAMLDR_STATUS } from './status.ts';

/**
 * SEAMLDR.INSTALL on one LP. The first LP of a session closes the module to callers; a repeat on one LP is refused;
 * the call that makes as many LPs as MCHECK counted looks at the parameters and ends the session: with good ones a
 * fresh module is there (the caller gives it a fresh state), with bad ones the old one is callable again.
 *
 * Source: Intel P-SEAMLDR 1.5, SEAMLDR.INSTALL. It counts distinct LPs, so one that MCHECK did not count can stand in
 * for one that it did. RDX is 0 on every path modelled: memory is modified only after the last check.
 */
export function install(state: SEAMLDRState, hardware: Hardware, lp: number, parametersValid: boolean): U64 {
  if (state.shutDownCount > 0) return SEAMLDR_STATUS.EBADCALL;
  if (state.installed[lp] === true) return SEAMLDR_STATUS.EBADCALL;
  if (state.installedCount === 0) {
    state.moduleReadyBefore = state.moduleReady;
    state.moduleReady = false;
  }
  state.installed[lp] = true;
  state.installedCount += 1;
  if (state.installedCount < hardware.loader.totLPs) return SEAMLDR_STATUS.SUCCESS;
  state.installed.fill(false);
  state.installedCount = 0;
  state.moduleReady = parametersValid || state.moduleReadyBefore;
  return parametersValid ? SEAMLDR_STATUS.SUCCESS : SEAMLDR_STATUS.EBADPARAM;
}
