/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Where the kernel stands, found out by asking it what it would do next and undoing that. */
#include <string.h>
#include "port.h"

#define ENODEV 19
#define LEAF_SYS_INIT 33
#define EINVAL 22
/* Bits of what the kernel sets, kernel.h's numbers. */
#define FEATURE_PLATFORM 1
#define FEATURES_TOLD 6u

extern int shim_cpu, shim_cpu_count;
extern unsigned int shim_features;
extern char __start_kernel_data[];

sigjmp_buf probe_end;
bool probing, probe_reserved;
uint64_t probe_leaf;
char *kernel_before;
size_t kernel_size;

static bool probe_crashed;

/*
 * Asks the kernel what it would do now, and undoes it. True, with its answer in `ret`, if it answered without any effect
 * but lines of its log; otherwise `ret` is 0, or -1 where it crashed.
 */
static bool answers_silently(int (*entry)(void), int cpu, int *ret)
{
	struct machine machine_before = machine;
	int cpu_before = shim_cpu;
	volatile bool silent = false;
	int jumped;

	probe_crashed = false;
	probe_leaf = 0;
	memory_probe();
	probing = true;
	shim_cpu = cpu;
	jumped = sigsetjmp(probe_end, 0);
	if (jumped == 0) {
		*ret = entry();
		silent = true;
	} else {
		probe_crashed = jumped == 2;
		*ret = probe_crashed ? -1 : 0;
	}
	probing = false;
	shim_cpu = cpu_before;
	machine = machine_before;
	memcpy(__start_kernel_data, kernel_before, kernel_size);
	return silent;
}

static int ask_reserved(void)
{
	return glue_machine_check(0x1000, 0xbd80000000100134, 0x86);
}

/* 1 if a machine check on a page that the module calls reserved makes the kernel walk memory that it has freed. */
static int walks_freed_memory(void)
{
	int ret = 0;

	probe_reserved = true;
	answers_silently(ask_reserved, shim_cpu, &ret);
	probe_reserved = false;
	return ret == -1;
}

/* The kernel's list of TDX memory: whether it runs through freed memory, the number of its entries, and those. */
static unsigned int append_memory(uint32_t *item, unsigned int count)
{
	unsigned int at, size = glue_memory_entry_size();
	const void *entry;

	item[count++] = walks_freed_memory();
	at = count++;
	for (int i = 0; i < 1024 && (entry = machine_object('k', size, i)); i++) {
		uint64_t start, end;
		int node;

		glue_memory_entry(entry, &start, &end, &node);
		item[count++] = LOW(start);
		item[count++] = HIGH(start);
		item[count++] = LOW(end);
		item[count++] = HIGH(end);
		item[count++] = node;
		item[at]++;
	}
	return count;
}

/* The last item of every command. */
void probe_done(int ret, bool memory)
{
	uint32_t item[64 + 5 * 1024] = { ITEM_DONE, ret };
	unsigned int count = 2;
	unsigned int mask;
	int answer = 0, first = -1;

	port_settle();
	memcpy(kernel_before, __start_kernel_data, kernel_size);
	item[count++] = (shim_features & FEATURES_TOLD) | (machine_s3() ? 1u << 31 : 0);
	if (glue_enables_at_boot()) {
		/* The initcall runs once: TDX runs, or it failed after the CPUs were brought up, or the status is as before. */
		bool platform = shim_features >> FEATURE_PLATFORM & 1, failed = !glue_runs() && machine_callbacks_removed;

		item[count++] = platform && !glue_runs() && !failed;
		item[count++] = !platform ? -ENODEV : failed ? -EINVAL : 0;
	} else {
		/* 1: it would act; 2: it would die, a lock being held for example, and that tells nothing of where it stands. */
		bool acts = !answers_silently(glue_enable, shim_cpu, &answer);

		item[count++] = probe_crashed ? 2 : acts;
		item[count++] = answer;
	}
	mask = count;
	count += (shim_cpu_count + 31) / 32;
	for (int cpu = 0; cpu < shim_cpu_count; cpu++) {
		if (answers_silently(glue_cpu_enable, cpu, &answer) && answer == 0)
			item[mask + cpu / 32] |= 1u << (cpu % 32);
		else if (first == -1)
			first = cpu;
	}
	mask = count;
	count += (shim_cpu_count + 31) / 32;
	for (int cpu = 0; cpu < shim_cpu_count; cpu++)
		if (glue_cache_dirty(cpu))
			item[mask + cpu / 32] |= 1u << (cpu % 32);
	/* What the first CPU without LP.INIT would do: the leaf it would call, or the error it would return at once. */
	answer = 0;
	probe_leaf = 0;
	if (glue_enables_at_boot() && !machine_startup && shim_features >> FEATURE_PLATFORM & 1)
		probe_leaf = LEAF_SYS_INIT;
	else if (first != -1)
		answers_silently(glue_cpu_enable, first, &answer);
	item[count++] = probe_leaf;
	item[count++] = answer;
	item[count++] = machine_live(0);
	item[count++] = machine_live('x');
	item[count++] = machine.cpus_read;
	item[count++] = machine.mutexes;
	item[count++] = machine.mems_read;
	item[count++] = machine.spinlocks;
	item[count++] = machine.imbalances;
	if (memory)
		count = append_memory(item, count);
	port_item(item, count);
}
