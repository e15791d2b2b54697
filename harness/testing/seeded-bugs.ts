import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { TDX_C } from '../implementations/linux/tree.ts';

/** A one-line bug for a copy of tdx.c: its name, the text to replace and the replacement. */
export interface SeededBug {
  readonly name: string;
  readonly find: RegExp;
  readonly replace: string;
}

/** Plausible mistakes in such kernel code; each pattern matches once in Linux 6.8 to 6.12. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  { name: 'first MiB not skipped', find: /PHYS_PFN\(SZ_1M\)/, replace: 'PHYS_PFN(SZ_4K)' },
  { name: 'reserved limit off by one', find: /idx >= max_reserved_per_tdmr/, replace: 'idx > max_reserved_per_tdmr' },
  { name: 'PAMT size not rounded', find: /ALIGN\(pamt_sz, PAGE_SIZE\)/, replace: 'pamt_sz' },
  {
    name: '2M and 1G PAMT swapped',
    find: /pamt_2m_base = pamt_base\[TDX_PS_2M\]/,
    replace: 'pamt_2m_base = pamt_base[TDX_PS_1G]',
  },
  {
    name: 'reserved areas not sorted',
    find: /sort\(tdmr->reserved_areas, rsvd_idx,/,
    replace: 'sort(tdmr->reserved_areas, 0,',
  },
  { name: 'PAMT end not clipped', find: /if \(pamt_end > tdmr_end\(tdmr\)\)/, replace: 'if (0)' },
  { name: 'tail hole forgotten', find: /if \(prev_end < tdmr_end\(tdmr\)\)/, replace: 'if (0)' },
  { name: 'PAMT of the wrong node', find: /return tmb->nid;/, replace: 'return tmb->nid + 1;' },
  {
    name: 'PAMT leak when SYS.CONFIG fails',
    find: /err_free_pamts:\n\s*tdmrs_free_pamt_all\(&tdx_tdmr_list\);/,
    replace: 'err_free_pamts:',
  },
  { name: 'no WBINVD on the error path', find: /wbinvd_on_all_cpus\(\);(?=\s*\/\*\s*\* According)/, replace: '' },
  { name: 'every second line reset', find: /phys \+= 64/, replace: 'phys += 128' },
  { name: 'no WBINVD before KEY.CONFIG', find: /wbinvd_on_all_cpus\(\);(?=\s*for_each_online_cpu)/, replace: '' },
  {
    name: 'KEY.CONFIG on every CPU',
    find: /if \(cpumask_test_and_set_cpu\(/,
    replace: 'if (cpumask_test_and_set_cpu(0 * ',
  },
  { name: 'KEY.CONFIG error ignored', find: /(smp_call_on_cpu\([^;]*;\s*)if \(ret\)\s*break;/, replace: '$1' },
  { name: 'TDMR.INIT once only', find: /while \(next < tdmr->base \+ tdmr->size\)/, replace: 'while (0)' },
  { name: 'cpumask leak', find: /free_cpumask_var\(packages\);/, replace: '' },
  {
    name: 'LP counted before LP.INIT',
    find: /(__this_cpu_read\(tdx_lp_initialized\)\)\s*return 0;)/,
    replace: '$1 __this_cpu_write(tdx_lp_initialized, true);',
  },
  { name: 'memory lock kept', find: /put_online_mems\(\);/, replace: '' },
  { name: 'hotplug end not checked', find: / && end_pfn <= tmb->end_pfn/, replace: '' },
  {
    name: 'memory list kept after a failure',
    find: /(err_free_tdxmem:\n)\s*free_tdx_memlist\(&tdx_memlist\);/,
    replace: '$1',
  },
  { name: 'error status not kept', find: /tdx_module_status = TDX_MODULE_ERROR;/, replace: '' },
  { name: 'reserved page is never a PAMT', find: /return is_pamt_page\(phys\);/, replace: 'return false;' },
  {
    name: 'guest KeyID as global',
    find: /tdx_global_keyid = tdx_keyid_start;/,
    replace: 'tdx_global_keyid = tdx_keyid_start + 1;',
  },
  {
    name: 'module lock kept after a failure',
    find: /(Failed to initialize in the previous attempts \*\/\s*)ret = -EINVAL;\s*break;/,
    replace: '$1return -EINVAL;',
  },
  { name: 'machine check one line past a PAMT', find: /phys < \(base \+ size\)/, replace: 'phys <= (base + size)' },
  { name: 'machine check on the first line of a PAMT', find: /phys >= base &&/, replace: 'phys > base &&' },
  { name: 'one TDMR too many', find: /tdmr_idx >= tdmr_list->max_tdmrs/, replace: 'tdmr_idx > tdmr_list->max_tdmrs' },
  { name: 'SYS.INIT result lost', find: /return sysinit_ret;/, replace: 'return 0;' },
];

/** Copies the compiled files of a tree, inserts the bug and returns the copy. Throws unless the text is found once. */
export function seedBug(tree: string, { name, find, replace }: SeededBug): string {
  const copy = mkdtempSync(join(tmpdir(), 'seamstress-tree-'));
  cpSync(dirname(join(tree, TDX_C)), dirname(join(copy, TDX_C)), { recursive: true });
  for (const folder of ['arch/x86/include/asm', 'arch/x86/include/asm/shared']) {
    mkdirSync(join(copy, folder), { recursive: true });
    for (const file of readdirSync(join(tree, folder)))
      if (/^(tdx|seamldr)\w*\.h$/.test(file)) cpSync(join(tree, folder, file), join(copy, folder, file));
  }
  const text = readFileSync(join(copy, TDX_C), 'utf8');
  const matches = text.match(new RegExp(find, 'g'))?.length ?? 0;
  if (matches !== 1) throw new Error(`${name}: ${find} matches ${matches} times`);
  writeFileSync(join(copy, TDX_C), text.replace(find, replace));
  return copy;
}
