import type { Hardware } from '../platform/hardware.ts';
import type { Platform } from '../platform/platform.ts';
import { enterSEAM } from './enter-seam.ts';
import { install } from './install.ts';
import { isInstallOpen } from './seamldr.ts';
import type { SEAMLDRState } from './seamldr.ts';
import { SEAMLDR_LEAF } from './status.ts';

/** How an attempt to load the module ended, and the first LP that was in the way (`null`: none). */
export interface LateLoad {
  /**
   * `loaded`: the session closed and a fresh module is there. `incomplete`: a counted LP could not run, the session
   * stays open and no module call enters until that LP calls. `refused`: no call opened or joined a session.
   * `no-image`: nothing to load.
   */
  readonly outcome: 'loaded' | 'incomplete' | 'refused' | 'no-image';
  readonly lp: number | null;
}

/**
 * The kernel loads the module: INSTALL on every LP that MCHECK counted, is online and can execute SEAMCALL, in the
 * kernel's order. `online`: by LP index. A second attempt may complete a session that an earlier one left open.
 */
export function lateLoad(
  state: SEAMLDRState,
  hardware: Hardware,
  moduleDead: boolean,
  platform: Platform,
  online: readonly boolean[],
): LateLoad {
  if (!state.imageAvailable) return { outcome: 'no-image', lp: null };
  let inTheWay: number | null = null;
  for (let lp = 0; lp < platform.lps.length; lp += 1) {
    if (platform.lps[lp]?.bios !== true) continue;
    if (online[lp] !== true || enterSEAM(hardware, state, moduleDead, lp, SEAMLDR_LEAF.INSTALL) !== 'seamldr') {
      inTheWay ??= lp;
      continue;
    }
    const status = install(state, hardware, lp, true);
    // A successful call leaves the session open unless it was the last one it waited for.
    if (status === 0 && !isInstallOpen(state)) return { outcome: 'loaded', lp: null };
  }
  return { outcome: isInstallOpen(state) ? 'incomplete' : 'refused', lp: inTheWay };
}
