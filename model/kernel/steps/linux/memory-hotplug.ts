import { PAGE_4K } from '../../../abi/page.ts';
import { EBUSY, EINVAL, EPERM } from '../../errno.ts';
import { BLOCKED, DONE, type Step } from '../../flow.ts';
import { lock, unlock } from '../../lock.ts';
import { isTDXMemoryRegion, NOTIFY_OK } from '../../memory-hotplug.ts';
import { printk } from '../../printk.ts';
import { addMemblock, removeMemblock } from '../../tdx-memory.ts';

/** Memory is added, brought online, taken offline and removed. Source: mm/memory_hotplug.c, Linux 6.12. */

/** Waits for everything that reads the memory map. */
export const MEM_HOTPLUG_BEGIN: Step = {
  name: 'mem_hotplug_begin',
  source: 'mem_hotplug_begin(), mm/memory_hotplug.c, Linux 6.12',
  run: (kernel, thread) => (lock(kernel, thread, 'mems') ? DONE : BLOCKED),
};

/** An error on its way out leaves the flow here. */
export const MEM_HOTPLUG_DONE: Step = {
  name: 'mem_hotplug_done',
  source: 'mem_hotplug_done(), mm/memory_hotplug.c, Linux 6.12',
  run: (kernel, thread) => {
    unlock(kernel, thread, 'mems');
    return thread.error;
  },
};

/** No memory may be added to a machine with TDX by any driver, whether the module is initialised or not. */
export const ARCH_MEMORY_ADD_PRECHECK: Step = {
  name: 'arch_memory_add_precheck',
  source:
    'arch_memory_add_precheck(), v5 05/22 "x86/virt/tdx: Prevent hot-add driver managed memory"; v5 22/22, "Memory Hotplug"',
  run: (kernel, thread, port) => {
    const { region } = thread;
    if (!kernel.platformEnabled || region === null) return DONE;
    const end = region.base + region.size;
    printk(kernel, port, 'v5-memory-refused', region.base, end);
    printk(kernel, port, 'v5-kmem-failed', region.base, end - 1);
    return EINVAL;
  },
};

/** Memory that is not in the list is refused when it is added, even if the page allocator would never see it. */
export const ARCH_ADD_MEMORY: Step = {
  name: 'arch_add_memory',
  source:
    'arch_add_memory(), v7 10/20 "x86/virt/tdx: Use all system memory when initializing TDX module as TDX memory"',
  run: (kernel, thread) => (thread.region === null || isTDXMemoryRegion(kernel, thread.region) ? DONE : EINVAL),
};

export const MEMBLOCK_ADD_NODE: Step = {
  name: 'memblock_add_node',
  source: 'memblock_add_node(), mm/memory_hotplug.c, Linux 6.12',
  run: (kernel, thread) => {
    const { region } = thread;
    if (region !== null) addMemblock(kernel.memblock, region.base, region.size, region.node);
    return DONE;
  },
};

/** The notifier's NOTIFY_BAD becomes -EPERM ("write error: Operation not permitted") and leaves no line. */
export const MEMORY_NOTIFY: Step = {
  name: 'memory_notify',
  source:
    'tdx_memory_notifier(), v8 07/16; tdx_memory_notifier(), Linux 6.12; memory_notify(MEM_GOING_ONLINE), mm/memory_hotplug.c, Linux 6.12',
  run: (kernel, thread, port) => {
    const { region } = thread;
    const { memoryNotifier } = kernel.revision;
    if (region === null || memoryNotifier === null) return DONE;
    return memoryNotifier(kernel, port, region.base / PAGE_4K, (region.base + region.size) / PAGE_4K) === NOTIFY_OK
      ? DONE
      : EPERM;
  },
};

export const ONLINE_PAGES: Step = {
  name: 'online_pages',
  source: 'online_pages(), mm/memory_hotplug.c, Linux 6.12',
  run: (_kernel, thread, port) => {
    const { region } = thread;
    if (region !== null) port.onlineMemory(region.base, region.size, region.node);
    return DONE;
  },
};

/** Pages in use cannot be moved away. */
export const OFFLINE_PAGES: Step = {
  name: 'offline_pages',
  source: 'offline_pages(), mm/memory_hotplug.c, Linux 6.12',
  run: (_kernel, thread, port) =>
    thread.region === null || port.offlineMemory(thread.region.base, thread.region.size) ? DONE : EBUSY,
};

export const MEMBLOCK_REMOVE: Step = {
  name: 'memblock_remove',
  source: 'memblock_remove(), mm/memory_hotplug.c, Linux 6.12',
  run: (kernel, thread) => {
    const { region } = thread;
    if (region !== null) removeMemblock(kernel.memblock, region.base, region.size);
    return DONE;
  },
};
