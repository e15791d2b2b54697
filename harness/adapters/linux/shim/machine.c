/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The machine beneath the kernel: CPUs, locks, memory. Effects go out through port.c in the order they happen. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "port.h"

#define PAGE 4096UL
#define LOW(x) ((uint32_t)(x))
#define HIGH(x) ((uint32_t)((uint64_t)(x) >> 32))

/* What the kernel sees of it; the names are kernel.h's. */
int shim_cpu, shim_cpu_count;
unsigned int shim_features;
unsigned long shim_reset_next;
struct { uint32_t vfm; uint8_t family, model, vendor; } boot_cpu_data;
int (*acpi_suspend_lowlevel)(void);
int node_online_map;
void *shim_notifier;

struct machine machine;
uint32_t machine_online[8];
uint8_t machine_package[256];
bool machine_msr_valid, machine_hibernation;
uint32_t machine_mktme_keyids, machine_tdx_keyids;
int machine_notifier_error;
struct memory_range machine_memory[4096];
unsigned int machine_memory_count;

/* Objects: each in pages of its own, at their end, with a page nobody may touch behind it; gone once freed. */
#define ARENA_SIZE (1UL << 32)
#define OBJECTS_MAX 8192
struct object { uint64_t physical, size; char *address; char kind; bool live; };
static struct object objects[OBJECTS_MAX];
static int object_count;
static char *arena;
static uint64_t arena_used;

/*
 * Runs of MOVDIR64B reported in one boot. A kernel that leaves gaps makes millions of them; what is not reported counts
 * as not reset, which is what it is about.
 */
#define RESETS_MAX 4096
static unsigned long reset_start;
static unsigned int reset_count;

static int suspend(void)
{
	return 0;
}

bool machine_s3(void)
{
	return acpi_suspend_lowlevel != NULL;
}

void machine_boot(uint32_t cpu_model)
{
	if (!arena)
		arena = mmap(NULL, ARENA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena_used)
		mprotect(arena, arena_used, PROT_NONE);
	arena_used = 0;
	object_count = 0;
	memset(&machine, 0, sizeof(machine));
	shim_cpu = 0;
	shim_features = 0;
	shim_notifier = NULL;
	shim_reset_next = reset_start = 0;
	reset_count = 0;
	boot_cpu_data.vfm = 6u << 8 | cpu_model;
	boot_cpu_data.family = 6;
	boot_cpu_data.model = cpu_model;
	acpi_suspend_lowlevel = suspend;
}

/* Ends the run of MOVDIR64B under way. */
void machine_flush(void)
{
	unsigned long start = reset_start, end = shim_reset_next;

	if (start == end)
		return;
	reset_start = shim_reset_next = 0;
	if (reset_count++ >= RESETS_MAX)
		return;
	start -= 0xffff888000000000UL;
	end -= 0xffff888000000000UL;
	uint32_t item[] = { ITEM_RESET, shim_cpu, LOW(start), HIGH(start), LOW(end - start), HIGH(end - start) };
	port_item(item, 6);
}

void shim_reset_start(unsigned long line)
{
	machine_flush();
	reset_start = line;
	shim_reset_next = line + 64;
}

/* CPUs */
int shim_next_online(int after)
{
	for (int cpu = after + 1; cpu < shim_cpu_count; cpu++)
		if (machine_online[cpu / 32] >> (cpu % 32) & 1)
			return cpu;
	return -1;
}

int shim_package(int cpu)
{
	return machine_package[cpu];
}

int smp_call_on_cpu(unsigned int cpu, int (*func)(void *), void *par, bool phys)
{
	int before = shim_cpu;
	int ret;

	(void)phys;
	shim_cpu = cpu;
	ret = func(par);
	shim_cpu = before;
	return ret;
}

void on_each_cpu(void (*func)(void *), void *info, int wait)
{
	int before = shim_cpu;

	(void)wait;
	for (shim_cpu = shim_next_online(-1); shim_cpu >= 0; shim_cpu = shim_next_online(shim_cpu))
		func(info);
	shim_cpu = before;
}

void wbinvd_on_all_cpus(void)
{
	port_item((uint32_t[]){ ITEM_WBINVD_ALL, shim_cpu }, 2);
}

void wbinvd(void)
{
	port_item((uint32_t[]){ ITEM_WBINVD, shim_cpu }, 2);
}

void shim_cond_resched(void)
{
}

/* Locks. There is one thread: a lock that is held when it is taken will never be free. */
static void take(int *held, int *count)
{
	if (*held)
		port_crash(CRASH_DEADLOCK);
	*held = 1;
	++*count;
}

static void drop(int *held, int *count)
{
	if (!*held)
		machine.imbalances++;
	*held = 0;
	--*count;
}

void mutex_lock(int *lock) { take(lock, &machine.mutexes); }
void mutex_unlock(int *lock) { drop(lock, &machine.mutexes); }
void raw_spin_lock(int *lock) { take(lock, &machine.spinlocks); }
void raw_spin_unlock(int *lock) { drop(lock, &machine.spinlocks); }
void cpus_read_lock(void) { machine.cpus_read++; }
void cpus_read_unlock(void) { machine.cpus_read--; }
void get_online_mems(void) { machine.mems_read++; }

void put_online_mems(void)
{
	if (machine.mems_read-- <= 0)
		machine.imbalances++;
}

/* Memory */
static uint64_t ask_address(char kind, uint64_t size, int node)
{
	uint32_t item[] = { ITEM_ALLOC, kind, LOW(size), HIGH(size), node };
	uint32_t answer[2];

	port_ask(item, 5, answer, 2);
	return (uint64_t)answer[1] << 32 | answer[0];
}

static struct object *enter(char kind, uint64_t physical, uint64_t size)
{
	if (object_count == OBJECTS_MAX)
		port_crash(CRASH_LIMIT);
	objects[object_count] = (struct object){ physical, size, NULL, kind, true };
	return &objects[object_count++];
}

static void *allocate(char kind, uint64_t size, bool zero)
{
	uint64_t physical = ask_address(kind, size, -1);
	uint64_t pages = (size + PAGE - 1) / PAGE;

	if (physical == UINT64_MAX)
		return NULL;
	struct object *object = enter(kind, physical, size);
	if (arena_used + (pages + 1) * PAGE > ARENA_SIZE)
		port_crash(CRASH_LIMIT);
	mprotect(arena + arena_used, pages * PAGE, PROT_READ | PROT_WRITE);
	object->address = arena + arena_used + (kind == 'x' ? 0 : (pages * PAGE - size) & ~7UL);
	arena_used += (pages + 1) * PAGE;
	/* What was not asked to be zero is not: a reader of stale memory shall see something odd. */
	memset(object->address, zero ? 0 : 0xa5, size);
	return object->address;
}

static void released(char kind, uint64_t physical, uint64_t size)
{
	uint32_t item[] = { ITEM_FREE, kind, LOW(physical), HIGH(physical), LOW(size), HIGH(size) };

	port_item(item, 6);
}

static void discard(char kind, const void *address)
{
	if (!address)
		return;
	for (int i = object_count - 1; i >= 0; i--) {
		struct object *object = &objects[i];

		if (object->address != address || object->kind != kind)
			continue;
		if (!object->live)
			port_crash(CRASH_USE_AFTER_FREE);
		object->live = false;
		uintptr_t page = (uintptr_t)object->address & ~(PAGE - 1);
		mprotect((void *)page, ((uintptr_t)object->address + object->size + PAGE - 1 - page) & ~(PAGE - 1), PROT_NONE);
		released(kind, object->physical, object->size);
		return;
	}
	port_crash(CRASH_WILD);
}

void *kmalloc(size_t size, unsigned int flags) { return allocate('k', size, flags & 0x100); }
void kfree(const void *address) { discard('k', address); }
void *alloc_pages_exact(size_t size, unsigned int flags) { return allocate('x', size, flags & 0x100); }

void free_pages_exact(void *address, size_t size)
{
	(void)size;
	discard('x', address);
}

bool zalloc_cpumask_var(void **mask, unsigned int flags)
{
	(void)flags;
	*mask = allocate('m', (shim_cpu_count + 63) / 64 * 8, true);
	return *mask != NULL;
}

void free_cpumask_var(void *mask) { discard('m', mask); }

bool cpumask_test_and_set_cpu(int cpu, void *mask)
{
	uint8_t *byte = (uint8_t *)mask + cpu / 8;
	bool before = *byte >> (cpu % 8) & 1;

	*byte |= 1u << (cpu % 8);
	return before;
}

void *alloc_contig_pages(unsigned long pages, unsigned int flags, int node, void *mask)
{
	uint64_t physical = ask_address('c', pages * PAGE, node);

	(void)flags;
	(void)mask;
	if (physical == UINT64_MAX)
		return NULL;
	enter('c', physical, pages * PAGE);
	return (void *)(0xffffea0000000000UL + physical / PAGE * 64);
}

void free_contig_range(unsigned long pfn, unsigned long pages)
{
	for (int i = object_count - 1; i >= 0; i--) {
		if (objects[i].kind != 'c' || objects[i].physical != pfn * PAGE || !objects[i].live)
			continue;
		objects[i].live = false;
		released('c', pfn * PAGE, pages * PAGE);
		return;
	}
	port_crash(CRASH_USE_AFTER_FREE);
}

unsigned long shim_pa(const void *address)
{
	const char *at = address;

	for (int i = object_count - 1; i >= 0; i--)
		if (objects[i].address && at >= objects[i].address && at < objects[i].address + objects[i].size)
			return objects[i].physical + (at - objects[i].address);
	return (unsigned long)address - 0xffff888000000000UL;
}

/* Where [physical, physical + size) lies in this process; NULL if it is not inside one live object. */
const void *machine_at(uint64_t physical, uint64_t size)
{
	for (int i = object_count - 1; i >= 0; i--) {
		const struct object *object = &objects[i];

		if (object->live && object->address && physical >= object->physical && physical + size <= object->physical + object->size)
			return object->address + (physical - object->physical);
	}
	return NULL;
}

/* Objects alive; kind 0: of every kind. */
int machine_live(char kind)
{
	int count = 0;

	for (int i = 0; i < object_count; i++)
		count += objects[i].live && (!kind || objects[i].kind == kind);
	return count;
}

/* The nth live object of a kind and size, or NULL. */
const void *machine_object(char kind, uint64_t size, int index)
{
	for (int i = 0; i < object_count; i++)
		if (objects[i].live && objects[i].kind == kind && objects[i].size == size && index-- == 0)
			return objects[i].address;
	return NULL;
}

enum crash machine_classify(const void *fault)
{
	const char *at = fault;

	if ((uintptr_t)fault < 16 * PAGE)
		return CRASH_NULL;
	if (at < arena || at >= arena + ARENA_SIZE)
		return CRASH_WILD;
	for (int i = object_count - 1; i >= 0; i--) {
		uintptr_t page = (uintptr_t)objects[i].address & ~(PAGE - 1);

		if (objects[i].address && !objects[i].live && (uintptr_t)at >= page && at < objects[i].address + objects[i].size)
			return CRASH_USE_AFTER_FREE;
	}
	return CRASH_OVERRUN;
}

/* Pages a memblock entry has in full; entries without any are passed over. */
bool shim_mem_range(int *index, unsigned long *start, unsigned long *end, int *node)
{
	while ((unsigned int)*index < machine_memory_count) {
		const struct memory_range *range = &machine_memory[(*index)++];
		unsigned long first = (range->base + PAGE - 1) / PAGE, last = (range->base + range->size) / PAGE;

		if (first >= last)
			continue;
		*start = first;
		*end = last;
		*node = range->node;
		return true;
	}
	return false;
}

int register_memory_notifier(void *notifier)
{
	if (machine_notifier_error == 0)
		shim_notifier = notifier;
	return machine_notifier_error;
}

/* Insertion: with areas that overlap the order is the comparison's, as it would be in any sort. */
void sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *), void (*swap)(void *, void *, int))
{
	char held[256];

	(void)swap;
	if (size > sizeof(held))
		port_crash(CRASH_LIMIT);
	for (size_t i = 1; i < count; i++) {
		size_t at = i;

		memcpy(held, (char *)base + i * size, size);
		while (at > 0 && compare((char *)base + (at - 1) * size, held) > 0) {
			memcpy((char *)base + at * size, (char *)base + (at - 1) * size, size);
			at--;
		}
		memcpy((char *)base + at * size, held, size);
	}
}

/* The processor */
int rdmsrl_safe(uint32_t msr, uint64_t *value)
{
	if (msr != 0x87 || !machine_msr_valid)
		return -5;
	*value = (uint64_t)machine_tdx_keyids << 32 | machine_mktme_keyids;
	return 0;
}

int rdmsr_safe(uint32_t msr, uint32_t *low, uint32_t *high)
{
	uint64_t value = 0;
	int error = rdmsrl_safe(msr, &value);

	*low = LOW(value);
	*high = HIGH(value);
	return error;
}

struct mce { uint64_t status, addr, misc; };

bool mce_is_memory_error(const struct mce *m)
{
	uint32_t code = m->status & 0xffff;

	return (code & 0xef80) == 0x80 || (code & 0xef00) == 0x100 || (code & 0xeffc) == 0xc;
}

/* ADDRV and MISCV are set, the address is physical and valid from bit 12 at the latest. */
int mce_usable_address(const struct mce *m)
{
	return (m->status >> 58 & 3) == 3 && (m->misc & 0x3f) <= 12 && (m->misc >> 6 & 7) == 2;
}

bool hibernation_available(void) { return machine_hibernation; }

/* The kernel's log */
void shim_printk(int level, const char *format, ...)
{
	uint32_t item[3 + 256] = { ITEM_PRINTK, level };
	char *text = (char *)(item + 3);
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(text, 1000, format, arguments);
	va_end(arguments);
	if (length > 999)
		length = 999;
	if (length > 0 && text[length - 1] == '\n')
		text[--length] = 0;
	item[2] = length;
	port_item(item, 3 + (length + 3) / 4);
}

void shim_warn(const char *what, int line)
{
	uint32_t item[3 + 256] = { ITEM_WARN, line };
	int length = snprintf((char *)(item + 3), 1000, "%s", what);

	item[2] = length > 999 ? 999 : length;
	port_item(item, 3 + (item[2] + 3) / 4);
}
