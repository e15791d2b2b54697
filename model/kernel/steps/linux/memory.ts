import type { Step } from '../../flow.ts';
import { DONE } from '../../flow.ts';
import { buildTDXMemory, freeTDXMemory } from '../../tdx-memory.ts';

/**
 * The list of TDX-usable memory. Source: build_tdx_memlist(), free_tdx_memlist(), arch/x86/virt/vmx/tdx/tdx.c, Linux
 * 6.12.
 */

export const BUILD_TDX_MEMLIST: Step = {
  name: 'build_tdx_memlist',
  source: 'build_tdx_memlist(), Linux 6.12',
  run: (kernel, _thread, port) => buildTDXMemory(kernel, port),
};

export const FREE_TDX_MEMLIST: Step = {
  name: 'free_tdx_memlist',
  source: 'init_tdx_module(), label err_free_tdxmem, Linux 6.12',
  run: (kernel, _thread, port) => {
    freeTDXMemory(kernel, port);
    return DONE;
  },
};
