/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Memory: what the kernel allocates, where it is physically, and what of it is gone. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "port.h"

#define PAGE 4096UL

extern int shim_cpu_count;
struct memory_range machine_memory[4096];
unsigned int machine_memory_count;

/* Objects: each at the end of pages of its own, followed by a guard page; unmapped once freed. */
#define ARENA_SIZE (1UL << 32)
#define OBJECTS_MAX 8192
struct object { uint64_t physical, size; char *address; char kind; bool live; };
static struct object objects[OBJECTS_MAX];
static int object_count;
static char *arena;
static uint64_t arena_used;

/* Everything that was allocated is gone. */
void memory_boot(void)
{
	if (!arena)
		arena = mmap(NULL, ARENA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena_used)
		mprotect(arena, arena_used, PROT_NONE);
	arena_used = 0;
	object_count = 0;
}

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
		crash_now(CRASH_LIMIT);
	objects[object_count] = (struct object){ physical, size, NULL, kind, true };
	return &objects[object_count++];
}

/* What is allocated while the kernel is only asked what it would do: forgotten with the rest of it. */
static _Alignas(16) char scratch[1 << 16];
static size_t scratch_used;

void memory_probe(void)
{
	scratch_used = 0;
}

static void *allocate(char kind, uint64_t size, bool zero)
{
	if (probing && size <= sizeof(scratch) - scratch_used - 16) {
		char *object = scratch + scratch_used;

		scratch_used += (size + 15) & ~15UL;
		memset(object, zero ? 0 : 0xa5, size);
		return object;
	}
	uint64_t physical = ask_address(kind, size, -1);
	uint64_t pages = (size + PAGE - 1) / PAGE;

	if (physical == UINT64_MAX)
		return NULL;
	struct object *object = enter(kind, physical, size);
	if (arena_used + (pages + 1) * PAGE > ARENA_SIZE)
		crash_now(CRASH_LIMIT);
	char *page = arena + arena_used;
	mprotect(page, pages * PAGE, PROT_READ | PROT_WRITE);
	object->address = page + (kind == 'x' ? 0 : (pages * PAGE - size) & ~7UL);
	arena_used += (pages + 1) * PAGE;
	/* What was not asked to be zero is not: a reader of stale memory shall see something odd. */
	memset(object->address, zero ? 0 : 0xa5, size);
	/* Nor shall what lies around it be what an earlier machine left there. */
	memset(page, 0xa5, object->address - page);
	memset(object->address + size, 0xa5, page + pages * PAGE - object->address - size);
	return object->address;
}

static void released(char kind, uint64_t physical, uint64_t size)
{
	uint32_t item[] = { ITEM_FREE, kind, LOW(physical), HIGH(physical), LOW(size), HIGH(size) };

	port_item(item, 6);
}

static void discard(char kind, const void *address)
{
	if (!address || (probing && (const char *)address >= scratch && (const char *)address < scratch + sizeof(scratch)))
		return;
	/* Before anything is undone that a probe could not put back. */
	port_settle();
	for (int i = object_count - 1; i >= 0; i--) {
		struct object *object = &objects[i];

		if (object->address != address || object->kind != kind)
			continue;
		if (!object->live)
			crash_now(CRASH_USE_AFTER_FREE);
		object->live = false;
		uintptr_t page = (uintptr_t)object->address & ~(PAGE - 1);
		mprotect((void *)page, ((uintptr_t)object->address + object->size + PAGE - 1 - page) & ~(PAGE - 1), PROT_NONE);
		released(kind, object->physical, object->size);
		return;
	}
	crash_now(CRASH_WILD);
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
	port_settle();
	for (int i = object_count - 1; i >= 0; i--) {
		if (objects[i].kind != 'c' || objects[i].physical != pfn * PAGE || !objects[i].live)
			continue;
		objects[i].live = false;
		released('c', pfn * PAGE, pages * PAGE);
		return;
	}
	crash_now(CRASH_USE_AFTER_FREE);
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
