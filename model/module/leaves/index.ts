import { LEAF_NUMBER } from '../../abi/leaf-number.ts';
import type { Leaf } from '../leaf.ts';
import { TDH_MNG_ADDCX } from './tdh-mng-addcx.ts';
import { TDH_MNG_CREATE } from './tdh-mng-create.ts';
import { TDH_MNG_KEY_CONFIG } from './tdh-mng-key-config.ts';
import { TDH_MNG_KEY_FREEID } from './tdh-mng-key-freeid.ts';
import { TDH_MNG_KEY_RECLAIMID } from './tdh-mng-key-reclaimid.ts';
import { TDH_MNG_VPFLUSHDONE } from './tdh-mng-vpflushdone.ts';
import { TDH_PHYMEM_CACHE_WB } from './tdh-phymem-cache-wb.ts';
import { TDH_PHYMEM_PAGE_RDMD } from './tdh-phymem-page-rdmd.ts';
import { TDH_PHYMEM_PAGE_RECLAIM } from './tdh-phymem-page-reclaim.ts';
import { TDH_PHYMEM_PAGE_WBINVD } from './tdh-phymem-page-wbinvd.ts';
import { TDH_SYS_CONFIG } from './tdh-sys-config.ts';
import { TDH_SYS_DISABLE } from './tdh-sys-disable.ts';
import { TDH_SYS_INFO } from './tdh-sys-info.ts';
import { TDH_SYS_INIT } from './tdh-sys-init.ts';
import { TDH_SYS_KEY_CONFIG } from './tdh-sys-key-config.ts';
import { TDH_SYS_LP_INIT } from './tdh-sys-lp-init.ts';
import { TDH_SYS_LP_SHUTDOWN } from './tdh-sys-lp-shutdown.ts';
import { TDH_SYS_RD } from './tdh-sys-rd.ts';
import { TDH_SYS_RDALL } from './tdh-sys-rdall.ts';
import { TDH_SYS_SHUTDOWN } from './tdh-sys-shutdown.ts';
import { TDH_SYS_TDMR_INIT } from './tdh-sys-tdmr-init.ts';
import { TDH_SYS_UPDATE } from './tdh-sys-update.ts';
import { TDH_VP_CREATE } from './tdh-vp-create.ts';
import { TDH_VP_ENTER } from './tdh-vp-enter.ts';
import { TDH_VP_FLUSH } from './tdh-vp-flush.ts';

/** Every leaf of 1.5.01 that the model has. */
const MODELLED: readonly Leaf[] = [
  TDH_VP_ENTER,
  TDH_MNG_ADDCX,
  TDH_MNG_KEY_CONFIG,
  TDH_MNG_CREATE,
  TDH_MNG_VPFLUSHDONE,
  TDH_MNG_KEY_FREEID,
  TDH_PHYMEM_PAGE_RDMD,
  TDH_MNG_KEY_RECLAIMID,
  TDH_PHYMEM_PAGE_RECLAIM,
  TDH_SYS_KEY_CONFIG,
  TDH_SYS_INFO,
  TDH_SYS_INIT,
  TDH_SYS_RD,
  TDH_SYS_LP_INIT,
  TDH_SYS_TDMR_INIT,
  TDH_SYS_RDALL,
  TDH_PHYMEM_CACHE_WB,
  TDH_PHYMEM_PAGE_WBINVD,
  TDH_SYS_LP_SHUTDOWN,
  TDH_SYS_CONFIG,
  TDH_SYS_SHUTDOWN,
  TDH_SYS_UPDATE,
  TDH_VP_CREATE,
  TDH_VP_FLUSH,
];

/** Those that the model answers to every caller: another module can be compared with it on these. */
export const LEAVES: readonly Leaf[] = MODELLED.filter(({ kernelOnly }) => !kernelOnly);

/** One past the largest leaf number. */
const NUMBER_END = 97;

/** By leaf number: the leaf, `'unsupported'` for one the module has and this model has not, `undefined` for none. */
export const LEAF_BY_NUMBER: readonly (Leaf | 'unsupported' | undefined)[] = byNumber();

function byNumber(): readonly (Leaf | 'unsupported' | undefined)[] {
  const table = new Array<Leaf | 'unsupported' | undefined>(NUMBER_END).fill(undefined);
  for (const number of Object.values(LEAF_NUMBER)) table[number] = 'unsupported';
  // Named by the specification, yet the module has no handler (recorded: leaves-ready).
  table[LEAF_NUMBER['TDH.MEM.SEPT.WR']] = undefined;
  // Of later modules: see Release.addedLeaves.
  table[TDH_SYS_DISABLE.number] = undefined;
  for (const leaf of MODELLED) table[leaf.number] = leaf;
  return table;
}

const MODELLED_BY_NUMBER: readonly (Leaf | undefined)[] = modelledByNumber();

function modelledByNumber(): readonly (Leaf | undefined)[] {
  const table = new Array<Leaf | undefined>(NUMBER_END).fill(undefined);
  for (const leaf of [...MODELLED, TDH_SYS_DISABLE]) table[leaf.number] = leaf;
  return table;
}

/** What the model says of a leaf, whichever release has it; `undefined` for a number that no leaf of the model has. */
export function modelledLeaf(number: number): Leaf | undefined {
  return number < NUMBER_END ? MODELLED_BY_NUMBER[number] : undefined;
}
