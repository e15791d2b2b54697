import { PHYSICAL_END } from '../../../abi/size.ts';
import { STATUS } from '../../../abi/status.ts';
import { highHalf } from '../../../abi/u64.ts';
import { EINVAL, EIO } from '../../errno.ts';
import { AGAIN, DONE, JUMP, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcallTDMRInit } from '../../seamcall.ts';
import { isConfigured } from './lp.ts';

/** How the `strict` kernel detects TDX, and how it ends an attempt: no state bars the next one. */

const SOURCE = 'model/kernel/revisions/strict.ts: the kernel that breaks no rule; tdx_enable(), Linux 6.12';

/** KeyIDs are worth nothing where SEAM is off: say so now, and touch nothing. */
export const REQUIRE_SEAM: Step = {
  name: 'strict-require-seam',
  source: `${SOURCE}; v5 22/22 (SEAMRR is looked at at boot)`,
  run: (kernel, _thread, port) => {
    if (kernel.facts.seamrrEnabled) return DONE;
    const partition = kernel.facts.keyids[0];
    if (partition !== undefined && partition !== null && partition.tdx > 0) printk(kernel, port, 'seam-off');
    return EINVAL;
  },
};

/** The partition must lie within the KeyID bits of the machine; it is read verbatim otherwise. */
export const CHECK_KEYID_RANGE: Step = {
  name: 'strict-check-keyid-range',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    const partition = kernel.facts.keyids[0];
    if (partition === undefined || partition === null) return EINVAL;
    const { addressEnd } = kernel.facts;
    const keyids = addressEnd === undefined ? 2 ** 15 : PHYSICAL_END / addressEnd;
    if (partition.mktme + 1 + partition.tdx <= keyids) return DONE;
    printk(kernel, port, 'keyid-range', partition.mktme + 1, partition.tdx);
    return EINVAL;
  },
};

/** An earlier attempt got the TDMRs accepted: they and their PAMTs are kept, and work goes on from there. */
export const RESUME_IF_CONFIGURED: Step = {
  name: 'strict-resume-if-configured',
  source: SOURCE,
  run: (kernel) => (isConfigured(kernel) ? JUMP : DONE),
};

/** TDH.SYS.TDMR.INIT from the first TDMR that an earlier attempt did not finish. */
export const INITIALISE_REMAINING_TDMRS: Step = {
  name: 'strict-initialise-tdmrs',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const tdmr = kernel.tdmrs[kernel.tdmrsInitialised];
    if (tdmr === undefined || kernel.tdmrsInitialised >= kernel.tdmrCount) return DONE;
    const error = seamcallTDMRInit(kernel, port, thread.cpu, tdmr.base, tdmr.base + tdmr.size);
    if (error !== 0) return error;
    kernel.tdmrsInitialised++;
    return AGAIN;
  },
};

/** TDX runs: now, and not before, S3 is lost to it. */
export const GIVE_UP_S3: Step = {
  name: 'strict-give-up-s3',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (kernel.s3Available) printk(kernel, port, 's3-disabled');
    kernel.s3Available = false;
    return DONE;
  },
};

/** The array is gone: so is everything that says what was in it. */
export const FORGET_TDMRS: Step = {
  name: 'strict-forget-tdmrs',
  source: SOURCE,
  run: (kernel) => {
    kernel.tdmrCount = 0;
    kernel.tdmrs = [];
    kernel.tdmrArray = -1;
    return DONE;
  },
};

/** Prints how the attempt ended and names every package without an online CPU; a failure leaves the way open. */
export const SETTLE: Step = {
  name: 'strict-settle',
  source: SOURCE,
  run: (kernel, thread, port) => {
    if (thread.error === 0) {
      printk(kernel, port, 'module-initialised');
      kernel.status = 'initialised';
      return DONE;
    }
    const { cpus } = kernel;
    for (const [id, { package: pkg, atBoot }] of cpus.entries()) {
      const isFirst = atBoot && cpus.findIndex((cpu) => cpu.atBoot && cpu.package === pkg) === id;
      if (isFirst && !cpus.some((cpu) => cpu.package === pkg && cpu.online))
        printk(kernel, port, 'package-without-cpu', pkg);
    }
    printk(kernel, port, 'module-initialisation-failed', thread.error);
    return DONE;
  },
};

/** High halves of the answers of a module that lacks TDH.SYS.RD, or the field. */
const OLD_MODULE: readonly number[] = [
  highHalf(STATUS.TDX_SYS_NOT_READY),
  highHalf(STATUS.TDX_OPERAND_INVALID),
  highHalf(STATUS.TDX_METADATA_FIELD_ID_INCORRECT),
];

/** A step that reads metadata, and says so when the module is too old to answer. */
export function naming(step: Step): Step {
  return {
    ...step,
    run: (kernel, thread, port) => {
      const outcome = step.run(kernel, thread, port);
      if (outcome === EIO && OLD_MODULE.includes(highHalf(kernel.registers.rax)))
        printk(kernel, port, 'module-too-old');
      return outcome;
    },
  };
}
