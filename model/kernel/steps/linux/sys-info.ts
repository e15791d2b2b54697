import { PAGE_4K } from '../../../abi/page.ts';
import { CMR_COUNT_MAX } from '../../../abi/cmr-info.ts';
import { TDSYSINFO_SIZE } from '../../../abi/tdsysinfo.ts';
import { EINVAL } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import { seamcallReturning, TDH_SYS_INFO } from '../../seamcall.ts';
import type { KernelState } from '../../state.ts';
import { CMR_BUFFER, cmrBase, cmrCountOf, cmrSize, readModuleInfo, SYSINFO_BUFFER } from '../../sys-info.ts';

/**
 * TDH.SYS.INFO, by which the 2022 and 2023 series learn the module's limits. Source: tdx_get_sysinfo(), v5 11/22, v7
 * 09/20, v8 06/16.
 */

/** TDH.SYS.INFO into the two buffers. R9 is taken for the number of CMRs; the module always says 32. */
export const SYS_INFO: Step = {
  name: 'sys-info',
  source:
    'tdx_get_sysinfo(), v5 11/22, v7 09/20 and v8 06/16 "x86/virt/tdx: Get information about TDX module and TDX-capable memory"',
  run: (kernel, thread, port) => {
    const error = seamcallReturning(
      kernel,
      port,
      thread.cpu,
      TDH_SYS_INFO,
      SYSINFO_BUFFER,
      TDSYSINFO_SIZE,
      CMR_BUFFER,
      CMR_COUNT_MAX,
    );
    if (error !== 0) return error;
    kernel.cmrCount = cmrCountOf(kernel.registers.r9);
    return DONE;
  },
};

/** Takes over the module's limits and prints who it is. */
export function printModuleStep(source: string, id: MessageId): Step {
  return {
    name: 'print-module',
    source,
    run: (kernel, _thread, port) => {
      const { attributes, vendorID, majorVersion, minorVersion, buildDate, buildNum } = readModuleInfo(kernel, port);
      printk(kernel, port, id, attributes, vendorID, majorVersion, minorVersion, buildDate, buildNum);
      return DONE;
    },
  };
}

/** All entries up to the first empty one must ascend; none behind it may be valid; there must be one. */
export const CHECK_CMRS: Step = {
  name: 'check_cmrs',
  source: 'check_cmrs(), v5 11/22 "x86/virt/tdx: Get information about TDX module and TDX-capable memory"',
  run: (kernel, _thread, port) => {
    const count = kernel.cmrCount;
    let valid = 0;
    while (valid < count && cmrSize(port, valid) !== 0) {
      if (valid > 0 && cmrBase(port, valid - 1) + cmrSize(port, valid - 1) > cmrBase(port, valid))
        return refuse(kernel, port, 'v5-cmrs-not-ascending');
      valid++;
    }
    for (let index = valid + 1; index < count; index++)
      if (cmrSize(port, index) !== 0) return refuse(kernel, port, 'v5-cmr-hole');
    if (valid === 0) return refuse(kernel, port, 'v5-no-cmr');
    kernel.cmrCount = valid;
    printCMRs(kernel, port, valid, 'v5-checked-cmr');
    return DONE;
  },
};

function refuse(kernel: KernelState, port: KernelPort, id: MessageId): number {
  printCMRs(kernel, port, kernel.cmrCount, 'v5-bios-cmr');
  printk(kernel, port, id);
  return EINVAL;
}

/**
 * The first entry is judged apart from the others: it must be there and whole pages. The rest up to the first empty one
 * must be whole pages and ascend; what stands behind an empty one is never seen.
 */
export const TRIM_EMPTY_CMRS: Step = {
  name: 'trim_empty_cmrs',
  source: 'trim_empty_cmrs(), v7 09/20 "x86/virt/tdx: Get information about TDX module and TDX-capable memory"',
  run: (kernel, _thread, port) => {
    if (cmrSize(port, 0) === 0 || !isWholePages(port, 0)) {
      // The number of entries to print is not initialised on this path; none is as good a guess as any.
      printk(kernel, port, 'v7-cmrs-broken');
      return EINVAL;
    }
    const count = kernel.cmrCount;
    let valid = 1;
    while (valid < count && cmrSize(port, valid) !== 0) {
      if (!isWholePages(port, valid) || cmrBase(port, valid - 1) + cmrSize(port, valid - 1) > cmrBase(port, valid)) {
        printk(kernel, port, 'v7-cmrs-broken');
        printCMRs(kernel, port, count, 'v5-bios-cmr');
        return EINVAL;
      }
      valid++;
    }
    kernel.cmrCount = valid;
    printCMRs(kernel, port, valid, 'v5-checked-cmr');
    return DONE;
  },
};

/** Prints the CMRs up to the first empty one and leaves judging them to TDH.SYS.CONFIG. */
export const PRINT_CMRS: Step = {
  name: 'print_cmrs',
  source: 'print_cmrs(), v8 06/16 "x86/virt/tdx: Get information about TDX module and TDX-capable memory"',
  run: (kernel, _thread, port) => {
    let valid = 0;
    while (valid < kernel.cmrCount && cmrSize(port, valid) !== 0) valid++;
    printCMRs(kernel, port, valid, 'v8-cmr');
    return DONE;
  },
};

function isWholePages(port: KernelPort, index: number): boolean {
  return cmrBase(port, index) % PAGE_4K === 0 && cmrSize(port, index) % PAGE_4K === 0;
}

function printCMRs(kernel: KernelState, port: KernelPort, count: number, id: MessageId): void {
  for (let index = 0; index < count; index++) {
    const base = cmrBase(port, index);
    printk(kernel, port, id, base, base + cmrSize(port, index));
  }
}
