/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The kernel's entry points, and the SEAMCALL instruction that it calls. Compiled against the tree's own headers, so
 * that its structures are laid out as the tree lays them out.
 */
#include <asm/tdx.h>
#include "tdx.h"

extern struct notifier_block *shim_notifier;
extern u64 shim_seamcall(u64 leaf, u64 *registers);

/* Among the kernel's variables, so that a boot and a probe put it back. A tree that does not keep it leaves it alone. */
DEFINE_PER_CPU(bool, cache_state_incoherent) __attribute__((section("kernel_data"))) = { false };

bool glue_cache_dirty(int cpu)
{
	return cache_state_incoherent[cpu];
}

void glue_boot(void)
{
	tdx_init();
}

int glue_cpu_enable(void)
{
	return tdx_cpu_enable();
}

int glue_enable(void)
{
	int ret;

	cpus_read_lock();
	ret = tdx_enable();
	cpus_read_unlock();
	return ret;
}

int glue_notify(u32 action, u64 start_pfn, u64 pages)
{
	struct memory_notify range = { .start_pfn = start_pfn, .nr_pages = pages };

	return shim_notifier ? shim_notifier->notifier_call(shim_notifier, action, &range) : NOTIFY_OK;
}

/* 1: the helper has a text to print. */
int glue_machine_check(u64 address, u64 status, u64 misc)
{
	struct mce m = { .status = status, .addr = address, .misc = misc };

	return tdx_dump_mce_info(&m) != NULL;
}

unsigned int glue_memory_entry_size(void)
{
	return sizeof(struct tdx_memblock);
}

void glue_memory_entry(const void *entry, u64 *start, u64 *end, int *node)
{
	const struct tdx_memblock *block = entry;

	*start = block->start_pfn;
	*end = block->end_pfn;
	*node = block->nid;
}

/* The wrapper's contract: outputs come back only through __seamcall_ret; a call that trapped leaves them alone. */
static u64 call(u64 leaf, struct tdx_module_args *args, bool outputs)
{
	u64 registers[6] = { args->rcx, args->rdx, args->r8, args->r9, args->r10, args->r11 };
	u64 status = shim_seamcall(leaf, registers);

	if (outputs) {
		args->rcx = registers[0];
		args->rdx = registers[1];
		args->r8 = registers[2];
		args->r9 = registers[3];
		args->r10 = registers[4];
		args->r11 = registers[5];
	}
	return status;
}

u64 __seamcall(u64 leaf, struct tdx_module_args *args)
{
	return call(leaf, args, false);
}

u64 __seamcall_ret(u64 leaf, struct tdx_module_args *args)
{
	return call(leaf, args, true);
}

u64 __seamcall_saved_ret(u64 leaf, struct tdx_module_args *args)
{
	return call(leaf, args, true);
}
