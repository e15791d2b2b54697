import { EINVAL, ENODEV } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import { printk } from '../../printk.ts';
import type { KernelState } from '../../state.ts';

/** Boot-time detection of the 2022 and 2023 patch series. */

const TWO_32 = 2 ** 32;
const V5 = 'tdx_early_detect(), v5 01/22 "x86/virt/tdx: Detect TDX during kernel boot"';
const V7 = 'tdx_init(), v7 02/20 "x86/virt/tdx: Detect TDX during kernel boot"';
const V8 = 'tdx_init(), v8 02/16 "x86/virt/tdx: Detect TDX during kernel boot"';

/** MTRRcap bit 15 and MSR 0x1401 bits 11:10 on the boot CPU: with SEAM off nothing is said, KeyIDs or not. */
export const DETECT_SEAM: Step = {
  name: 'detect-seam',
  source: V5,
  run: (kernel, _thread, port) => {
    if (!kernel.facts.seamrrEnabled) return ENODEV;
    printk(kernel, port, 'v5-seamrr-enabled');
    return DONE;
  },
};

/** The range is printed before it is judged; KeyID 0 as a start, or fewer than two, is a WARN and the end. */
export const DETECT_KEYIDS: Step = {
  name: 'detect-keyids',
  source: V5,
  run: (kernel, _thread, port) => {
    if (!readPartition(kernel)) return ENODEV;
    printk(kernel, port, 'v5-keyid-range', kernel.keyidStart, (kernel.keyidStart + kernel.keyidCount) % TWO_32);
    if (kernel.keyidStart !== 0 && kernel.keyidCount >= 2) return DONE;
    kernel.keyidStart = 0;
    kernel.keyidCount = 0;
    return EINVAL;
  },
};

export const PRINT_ENABLED_BY_BIOS: Step = {
  name: 'print-enabled-by-bios',
  source: V5,
  run: (kernel, _thread, port) => {
    printk(kernel, port, 'v5-enabled-by-bios');
    kernel.platformEnabled = true;
    kernel.globalKeyID = kernel.keyidStart;
    return DONE;
  },
};

/** A step that reads MSR 0x87 where it may fault, and prints the range; without TDX KeyIDs it says nothing. */
function recordKeyIDs(source: string, id: MessageId): Step {
  return {
    name: 'record_keyid_partitioning',
    source,
    run: (kernel, _thread, port) => {
      if (!readPartition(kernel) || kernel.keyidCount === 0) return ENODEV;
      printk(kernel, port, id, kernel.keyidStart, (kernel.keyidStart + kernel.keyidCount) % TWO_32);
      return DONE;
    },
  };
}

export const RECORD_KEYIDS_V7: Step = recordKeyIDs(V7, 'v7-enabled-by-bios');
export const RECORD_KEYIDS_V8: Step = recordKeyIDs(V8, 'v8-keyid-range');

/** A step that gives up, with a line, when there would be no KeyID left for a guest. */
function requireTwoKeyIDs(source: string, id: MessageId): Step {
  return {
    name: 'require-two-keyids',
    source,
    run: (kernel, _thread, port) => {
      const count = kernel.keyidCount;
      if (count >= 2) return DONE;
      printk(kernel, port, id, count);
      clear(kernel);
      return ENODEV;
    },
  };
}

export const REQUIRE_TWO_KEYIDS_V7: Step = requireTwoKeyIDs(V7, 'v7-one-keyid');
export const REQUIRE_TWO_KEYIDS_V8: Step = requireTwoKeyIDs(V8, 'v8-too-few-keyids');

export const REQUIRE_X2APIC: Step = {
  name: 'require-x2apic',
  source: V7,
  run: (kernel, _thread, port) => {
    if (kernel.facts.x2apic) return DONE;
    printk(kernel, port, 'v7-no-x2apic');
    clear(kernel);
    return ENODEV;
  },
};

export const REGISTER_MEMORY_NOTIFIER_V8: Step = {
  name: 'register_memory_notifier',
  source: V8,
  run: (kernel, _thread, port) => {
    const { notifierError } = kernel.facts;
    if (notifierError === 0) return DONE;
    printk(kernel, port, 'v8-notifier-failed', notifierError);
    clear(kernel);
    return ENODEV;
  },
};

/** What platform_tdx_enabled() reads from now on. */
export const SET_PLATFORM_ENABLED: Step = {
  name: 'set-platform-enabled',
  source: 'platform_tdx_enabled(), v7 02/20',
  run: (kernel) => {
    kernel.platformEnabled = true;
    kernel.globalKeyID = kernel.keyidStart;
    return DONE;
  },
};

/** Reads MSR 0x87 of the boot CPU; false if that faults. */
function readPartition(kernel: KernelState): boolean {
  const partition = kernel.facts.keyids[0];
  if (partition === undefined || partition === null) return false;
  kernel.keyidStart = (partition.mktme + 1) % TWO_32;
  kernel.keyidCount = partition.tdx;
  return true;
}

function clear(kernel: KernelState): void {
  kernel.keyidStart = 0;
  kernel.keyidCount = 0;
}
