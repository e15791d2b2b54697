import { lowHalf } from '../../../abi/u64.ts';
import { EINVAL, ENODEV } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';

/**
 * Boot-time detection. Source: tdx_init(), record_keyid_partitioning(), check_tdx_erratum(),
 * arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */

const SOURCE = 'tdx_init(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12';
/** CPUID model numbers (family 6) with the partial-write machine-check erratum. Source: check_tdx_erratum(), Linux 6.12. */
export const SAPPHIRE_RAPIDS = 0x8f;
export const EMERALD_RAPIDS = 0xcf;

/** MSR 0x87 on the boot CPU; no TDX KeyIDs, or an MSR that is not there, ends detection without a word. */
export const RECORD_KEYID_PARTITIONING: Step = {
  name: 'record_keyid_partitioning',
  source: 'record_keyid_partitioning(), Linux 6.12',
  run: (kernel, _thread, port) => {
    const partition = kernel.facts.keyids[0];
    if (partition === undefined || partition === null || partition.tdx === 0) return EINVAL;
    kernel.keyidStart = lowHalf(partition.mktme + 1);
    kernel.keyidCount = partition.tdx;
    // u32 arithmetic: an end beyond 2^32 wraps, and is printed so.
    printk(kernel, port, 'bios-enabled', kernel.keyidStart, lowHalf(kernel.keyidStart + partition.tdx));
    return DONE;
  },
};

/** One KeyID protects the module itself; with no second one there could be no guest. */
export const CHECK_KEYID_COUNT: Step = {
  name: 'check-keyid-count',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (kernel.keyidCount >= 2) return DONE;
    printk(kernel, port, 'too-few-keyids');
    return EINVAL;
  },
};

export const CHECK_HIBERNATION: Step = {
  name: 'check-hibernation',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (!kernel.facts.hibernation) return DONE;
    printk(kernel, port, 'hibernation');
    return EINVAL;
  },
};

export const REGISTER_MEMORY_NOTIFIER: Step = {
  name: 'register_memory_notifier',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    const { notifierError } = kernel.facts;
    if (notifierError === 0) return DONE;
    printk(kernel, port, 'notifier-failed', notifierError);
    return notifierError;
  },
};

/** S3 goes before anybody knows whether there is a module at all. */
export const DISABLE_S3: Step = {
  name: 'disable-s3',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    printk(kernel, port, 's3-disabled');
    kernel.s3Available = false;
    return DONE;
  },
};

/** The first TDX KeyID becomes the global one. */
export const SET_PLATFORM_FEATURE: Step = {
  name: 'set-platform-feature',
  source: SOURCE,
  run: (kernel) => {
    kernel.globalKeyID = kernel.keyidStart;
    kernel.platformEnabled = true;
    return DONE;
  },
};

export const CHECK_TDX_ERRATUM: Step = {
  name: 'check_tdx_erratum',
  source: 'check_tdx_erratum(), Linux 6.12',
  run: (kernel) => {
    const { cpuModel } = kernel.facts;
    if (cpuModel === SAPPHIRE_RAPIDS || cpuModel === EMERALD_RAPIDS) kernel.partialWriteErratum = true;
    return DONE;
  },
};

/** Every entry point after boot: without the feature bit there is no SEAMCALL and no dmesg. */
export const REQUIRE_PLATFORM_FEATURE: Step = {
  name: 'require-platform-feature',
  source: 'tdx_cpu_enable() and tdx_enable(), Linux 6.12',
  run: (kernel) => (kernel.platformEnabled ? DONE : ENODEV),
};

/** The same where the kernel itself calls at boot, and says so. */
export const REQUIRE_PLATFORM_FEATURE_ALOUD: Step = {
  name: 'require-platform-feature',
  source: 'tdx_enable(), Linux 7.3; recording 7.3-demos, line 53',
  run: (kernel, _thread, port) => {
    if (kernel.platformEnabled) return DONE;
    printk(kernel, port, 'platform-unsupported');
    return ENODEV;
  },
};
