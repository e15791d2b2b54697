/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Between the machine (machine.c), what goes out and comes in (port.c) and the kernel's entry points (glue.c). */
#ifndef SEAMSTRESS_PORT_H
#define SEAMSTRESS_PORT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "crash.h"

/* 64-bit values as two words, low one first. */
#define LOW(x) ((uint32_t)(x))
#define HIGH(x) ((uint32_t)((uint64_t)(x) >> 32))
#define U64(words) ((uint64_t)(words)[1] << 32 | (words)[0])

/* Items of the stream from this side; the TypeScript twin is harness/implementations/linux/wire.ts. */
enum item {
	ITEM_SEAMCALL = 1,
	ITEM_ALLOC = 2,
	ITEM_FREE = 3,
	ITEM_WBINVD_ALL = 4,
	ITEM_WBINVD = 5,
	ITEM_RESET = 6,
	ITEM_PRINTK = 7,
	ITEM_GET_VMX = 8,
	ITEM_WARN = 9,
	ITEM_RUN = 10,
	ITEM_PUT_VMX = 11,
	ITEM_CRASH = 14,
	ITEM_DONE = 15,
};

/* port.c: items out, answers in. All of them end a probe, and the command where a script says otherwise. */
void port_item(const uint32_t *words, unsigned int count);
void port_ask(const uint32_t *words, unsigned int count, uint32_t *answer, unsigned int answer_count);
/* What is only reported when it is over is over. */
void port_settle(void);
/* What the outside has answered ahead is void. */
void port_forget_run(void);

/* probe.c: while `probing`, the first effect ends the probe; with `probe_reserved`, every SEAMCALL answers "reserved". */
extern sigjmp_buf probe_end;
extern bool probing, probe_reserved;
extern uint64_t probe_leaf;
/* The kernel's data: its size, and a copy of it, kept during a probe. */
extern char *kernel_before;
extern size_t kernel_size;
void probe_done(int ret, bool memory);

/* machine.c */
struct machine {
	/* Everything here is put back after a probe. */
	int cpus_read, mems_read, mutexes, spinlocks;
	/* How often each was dropped that was not held: CPUs, mutexes, memory, spinlocks, a byte each from the lowest. */
	uint32_t imbalances;
};
extern struct machine machine;
extern uint32_t shim_online[], shim_present[], shim_possible[];
extern uint8_t machine_package[];
extern bool machine_msr_valid, machine_hibernation;
extern uint32_t machine_mktme_keyids, machine_tdx_keyids;
extern int machine_notifier_error;
struct memory_range { uint64_t base, size; uint32_t node; };
extern struct memory_range machine_memory[];
extern unsigned int machine_memory_count;
extern bool machine_s3(void);
void machine_boot(uint32_t cpu_model, uint32_t physical_bits);
void machine_flush(void);
/* The processor's own features, beside those the kernel sets. */
#define PROCESSOR_FEATURES 0x78u
/* The callbacks that the kernel wants run on a CPU that comes or goes; they are remembered when it takes them back. */
extern int (*machine_startup)(unsigned int cpu);
extern int (*machine_teardown)(unsigned int cpu);
extern bool machine_has_callbacks, machine_callbacks_removed;

/* memory.c */
void memory_boot(void);
void memory_probe(void);
int machine_live(char kind);
const void *machine_object(char kind, uint64_t size, int index);
const void *machine_at(uint64_t physical, uint64_t size);
enum crash machine_classify(const void *fault);

/* glue.c: compiled against the tree's own headers. */
void glue_boot(void);
int glue_cpu_enable(void);
bool glue_cache_dirty(int cpu);
void glue_set_cache_dirty(int cpu);
void glue_kexec(void);
/* Trees that initialise TDX by themselves, at boot: there is an initcall, and no tdx_enable() to be called by others. */
bool glue_enables_at_boot(void);
/* Such a tree has it up and running. */
bool glue_runs(void);
int glue_cpu_online(int cpu);
int glue_cpu_offline(int cpu);
/* So many guests hold a KeyID. */
void glue_guest_keyids(int count);
int glue_enable(void);
int glue_notify(uint32_t action, uint64_t start_pfn, uint64_t pages);
int glue_machine_check(uint64_t address, uint64_t status, uint64_t misc);
unsigned int glue_memory_entry_size(void);
void glue_memory_entry(const void *entry, uint64_t *start, uint64_t *end, int *node);
#endif
