import { ENOMEM } from '../../errno.ts';
import { AGAIN, CRASH, DONE, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import { printk } from '../../printk.ts';
import { seamcall, seamcallTDMRInit, TDH_SYS_CONFIG, TDH_SYS_KEY_CONFIG } from '../../seamcall.ts';
import { pamtSize } from '../../tdmr.ts';
import { addressArraySize, tdmrStride, writeTDMRInfo } from '../../tdmr-info.ts';
import { allocate, release } from '../../tdx-memory.ts';

/**
 * The TDMRs and the global KeyID are handed to the module. Source: config_tdx_module(), config_global_keyid(),
 * init_tdmrs(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */

export const ALLOCATE_ADDRESS_ARRAY: Step = {
  name: 'allocate-address-array',
  source: 'config_tdx_module(), Linux 6.12',
  run: (kernel, _thread, port) => {
    kernel.addressArray = allocate(kernel, port, 'k', addressArraySize(kernel.tdmrCount));
    return kernel.addressArray === -1 ? ENOMEM : DONE;
  },
};

/** TDH.SYS.CONFIG with every TDMR and the global KeyID; the address array is given back whatever the answer. */
export const SYS_CONFIG: Step = {
  name: 'sys-config',
  source: 'config_tdx_module(), Linux 6.12',
  run: (kernel, thread, port) => {
    const { addressArray, tdmrCount } = kernel;
    const stride = tdmrStride(kernel.info.maxReserved);
    let slot = kernel.tdmrArray;
    let entry = addressArray;
    for (const tdmr of kernel.tdmrs) {
      writeTDMRInfo(port, slot, tdmr);
      port.writeWord(entry, slot);
      slot += stride;
      entry += 8;
    }
    const error = seamcall(kernel, port, thread.cpu, TDH_SYS_CONFIG, addressArray, tdmrCount, kernel.globalKeyID);
    if (error === CRASH) return CRASH;
    release(kernel, port, 'k', addressArray, addressArraySize(tdmrCount));
    kernel.addressArray = -1;
    return error;
  },
};

/** Bytes of a cpumask: 8 per 64 CPU ids. */
export function packageMaskBytes(cpus: number): number {
  return 8 * ((cpus + 63 - ((cpus + 63) % 64)) / 64);
}

export const ALLOCATE_PACKAGE_MASK: Step = {
  name: 'allocate-package-mask',
  source: 'config_global_keyid(), Linux 6.12',
  run: (kernel, _thread, port) => {
    kernel.packageMask = allocate(kernel, port, 'm', packageMaskBytes(kernel.cpus.length));
    if (kernel.packageMask === -1) return ENOMEM;
    kernel.packagesDone = [];
    return DONE;
  },
};

/** The PAMTs' lines must leave every cache before the module writes the same memory under its own KeyID. */
export const FLUSH_CACHES: Step = {
  name: 'wbinvd_on_all_cpus',
  source: 'config_global_keyid(), Linux 6.12',
  run: (_kernel, thread, port) => {
    port.wbinvdAll(thread.cpu);
    return DONE;
  },
};

/**
 * TDH.SYS.KEY.CONFIG on the first online CPU of each package, one after another; a package without one is skipped
 * silently. `call` says whether the revision prints the output registers of a failure.
 */
export function doGlobalKeyConfig(source: string, call: typeof seamcall): Step {
  return {
    name: 'do_global_key_config',
    source,
    run: (kernel, thread, port) => {
      const { cpus, packagesDone } = kernel;
      let error = 0;
      for (;;) {
        const cpu = cpus[thread.index];
        if (cpu === undefined) break;
        if (!cpu.online || packagesDone.includes(cpu.package)) {
          thread.index++;
          continue;
        }
        packagesDone.push(cpu.package);
        error = call(kernel, port, thread.index, TDH_SYS_KEY_CONFIG, 0, 0, 0);
        if (error === 0) {
          thread.index++;
          return AGAIN;
        }
        if (error === CRASH) return CRASH;
        break;
      }
      release(kernel, port, 'm', kernel.packageMask, packageMaskBytes(cpus.length));
      kernel.packageMask = -1;
      return error;
    },
  };
}

export const DO_GLOBAL_KEY_CONFIG: Step = doGlobalKeyConfig(
  'config_global_keyid(), Linux 6.12; recording 6.12-demos, lines 23 and 25',
  seamcall,
);

/** TDH.SYS.TDMR.INIT, TDMR by TDMR in address order. */
export const INIT_TDMRS: Step = {
  name: 'init_tdmrs',
  source: 'init_tdmrs() and init_tdmr(), Linux 6.12',
  run: (kernel, thread, port) => {
    const tdmr = kernel.tdmrs[thread.index];
    if (tdmr === undefined) return DONE;
    const error = seamcallTDMRInit(kernel, port, thread.cpu, tdmr.base, tdmr.base + tdmr.size);
    if (error !== 0) return error;
    thread.index++;
    return thread.index < kernel.tdmrCount ? AGAIN : DONE;
  },
};

/** Says how much memory the PAMTs take, in the revision's unit of `bytes`. */
export function reportPAMTStep(source: string, id: MessageId, unit: number): Step {
  return {
    name: 'report-pamt',
    source,
    run: (kernel, _thread, port) => {
      let bytes = 0;
      for (const tdmr of kernel.tdmrs) bytes += pamtSize(tdmr);
      printk(kernel, port, id, bytes / unit);
      return DONE;
    },
  };
}

export const REPORT_PAMT: Step = reportPAMTStep(
  'init_tdx_module(), tdmrs_count_pamt_kb(), Linux 6.12',
  'pamt-allocated',
  1024,
);
