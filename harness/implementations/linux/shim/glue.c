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

void glue_set_cache_dirty(int cpu)
{
	cache_state_incoherent[cpu] = true;
}

/* A tree that has something to do at the end of its time says so when TDX runs. */
static const struct syscore *registered __attribute__((section("kernel_data"))) = NULL;

void shim_register_syscore(const struct syscore *syscore)
{
	registered = syscore;
}

void glue_kexec(void)
{
	if (registered && registered->ops->shutdown)
		registered->ops->shutdown(NULL);
}

void glue_boot(void)
{
	tdx_init();
}

/* What a tree has of these is found out by the linker. */
extern int tdx_cpu_enable(void) __attribute__((weak));
extern int tdx_enable(void) __attribute__((weak));
extern int shim_initcall(void) __attribute__((weak));
extern const struct tdx_sys_info *tdx_get_sysinfo(void) __attribute__((weak));
extern int tdx_guest_keyid_alloc(void) __attribute__((weak));
extern void tdx_guest_keyid_free(unsigned int keyid) __attribute__((weak));
extern int (*machine_startup)(unsigned int cpu);
extern int (*machine_teardown)(unsigned int cpu);
extern bool machine_has_callbacks;

bool glue_enables_at_boot(void)
{
	return shim_initcall != NULL;
}

bool glue_runs(void)
{
	return tdx_get_sysinfo && tdx_get_sysinfo();
}

int glue_cpu_enable(void)
{
	if (!glue_enables_at_boot())
		return tdx_cpu_enable();
	return machine_startup ? machine_startup(shim_cpu) : -ENODEV;
}

int glue_cpu_online(int cpu)
{
	return machine_has_callbacks && machine_startup ? machine_startup(cpu) : 0;
}

int glue_cpu_offline(int cpu)
{
	return machine_has_callbacks && machine_teardown ? machine_teardown(cpu) : 0;
}

static int held[SHIM_IDS_MAX] __attribute__((section("kernel_data"))) = { 0 };
static int held_count __attribute__((section("kernel_data"))) = 0;

void glue_guest_keyids(int count)
{
	if (!tdx_guest_keyid_alloc || !tdx_guest_keyid_free)
		return;
	while (held_count < count && held_count < SHIM_IDS_MAX) {
		int keyid = tdx_guest_keyid_alloc();

		if (keyid < 0)
			return;
		held[held_count++] = keyid;
	}
	while (held_count > count)
		tdx_guest_keyid_free(held[--held_count]);
}

int glue_enable(void)
{
	int ret;

	if (glue_enables_at_boot())
		return shim_initcall();
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
