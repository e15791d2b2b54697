/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The machine beneath the kernel: CPUs, locks, the processor, the log. Effects go out through port.c in the order they happen. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "port.h"

/* What the kernel sees of it; the names are kernel.h's. */
int shim_cpu, shim_cpu_count;
unsigned int shim_features;
unsigned long shim_reset_next;
struct { uint32_t vfm; uint8_t family, model, vendor, phys_bits; } boot_cpu_data;
int (*acpi_suspend_lowlevel)(void);
int node_online_map;
void *shim_notifier;

int (*machine_startup)(unsigned int cpu);
int (*machine_teardown)(unsigned int cpu);
bool machine_has_callbacks, machine_callbacks_removed;

struct machine machine;
/* Sets of CPUs: 64 in a word to the kernel, 32 here. */
_Alignas(8) uint32_t shim_online[8], shim_present[8], shim_possible[8];
uint8_t machine_package[256];
bool machine_msr_valid, machine_hibernation;
uint32_t machine_mktme_keyids, machine_tdx_keyids;
int machine_notifier_error;

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

void machine_boot(uint32_t cpu_model, uint32_t physical_bits)
{
	memory_boot();
	memset(&machine, 0, sizeof(machine));
	shim_cpu = 0;
	shim_features = PROCESSOR_FEATURES;
	machine_startup = NULL;
	machine_teardown = NULL;
	machine_has_callbacks = machine_callbacks_removed = false;
	shim_notifier = NULL;
	shim_reset_next = reset_start = 0;
	reset_count = 0;
	boot_cpu_data.vfm = 6u << 8 | cpu_model;
	boot_cpu_data.family = 6;
	boot_cpu_data.model = cpu_model;
	boot_cpu_data.phys_bits = physical_bits;
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
static int next_online(int after)
{
	for (int cpu = after + 1; cpu < shim_cpu_count; cpu++)
		if (shim_online[cpu / 32] >> (cpu % 32) & 1)
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

int smp_call_function_single(int cpu, void (*func)(void *), void *info, int wait)
{
	int before = shim_cpu;

	(void)wait;
	if (cpu < 0 || cpu >= shim_cpu_count || !(shim_online[cpu / 32] >> (cpu % 32) & 1))
		return -6;
	shim_cpu = cpu;
	func(info);
	shim_cpu = before;
	return 0;
}

void on_each_cpu(void (*func)(void *), void *info, int wait)
{
	int before = shim_cpu;

	(void)wait;
	for (shim_cpu = next_online(-1); shim_cpu >= 0; shim_cpu = next_online(shim_cpu))
		func(info);
	shim_cpu = before;
}

void cpus_read_lock(void);
void cpus_read_unlock(void);

/* On every CPU that is online; where one fails, those before it are undone. */
int cpuhp_setup_state(int state, const char *name, int (*startup)(unsigned int), int (*teardown)(unsigned int))
{
	int before = shim_cpu, ret = 0, cpu;

	(void)name;
	port_settle();
	cpus_read_lock();
	machine_startup = startup;
	machine_teardown = teardown;
	for (cpu = next_online(-1); cpu >= 0; cpu = next_online(cpu)) {
		shim_cpu = cpu;
		ret = startup ? startup(cpu) : 0;
		if (ret)
			break;
	}
	for (int done = next_online(-1); ret && done >= 0 && done < cpu; done = next_online(done)) {
		shim_cpu = done;
		if (teardown)
			teardown(done);
	}
	shim_cpu = before;
	machine_has_callbacks = ret == 0;
	cpus_read_unlock();
	return ret ? ret : state;
}

void cpuhp_remove_state(int state)
{
	int before = shim_cpu;

	(void)state;
	port_settle();
	cpus_read_lock();
	for (int cpu = next_online(-1); cpu >= 0; cpu = next_online(cpu)) {
		shim_cpu = cpu;
		if (machine_teardown)
			machine_teardown(cpu);
	}
	shim_cpu = before;
	machine_has_callbacks = false;
	machine_callbacks_removed = true;
	cpus_read_unlock();
}

/* VMX operation is counted outside, where others take their references too. */
int x86_virt_get_ref(int feature)
{
	uint32_t answer = 0;

	(void)feature;
	if (!probing)
		port_ask((uint32_t[]){ ITEM_GET_VMX, shim_cpu }, 2, &answer, 1);
	return (int)answer;
}

void x86_virt_put_ref(int feature)
{
	(void)feature;
	if (!probing)
		port_item((uint32_t[]){ ITEM_PUT_VMX, shim_cpu }, 2);
}

void wbinvd_on_all_cpus(void)
{
	port_item((uint32_t[]){ ITEM_WBINVD_ALL, shim_cpu }, 2);
}

void wbinvd(void)
{
	port_item((uint32_t[]){ ITEM_WBINVD, shim_cpu }, 2);
}

void shim_warn(const char *what, int line);

void shim_might_sleep(int line)
{
	if (machine.spinlocks > 0)
		shim_warn("may sleep while a spinlock is held", line);
}

/* Locks. There is one thread: a lock that is held when it is taken will never be free. */
static void take(int *held, int *count)
{
	if (*held)
		crash_now(CRASH_DEADLOCK);
	*held = 1;
	++*count;
}

#define CPUS 1u
#define MUTEXES (1u << 8)
#define MEMORY (1u << 16)
#define SPINLOCKS (1u << 24)

static void drop(int *held, int *count, uint32_t which)
{
	if (!*held)
		machine.imbalances += which;
	*held = 0;
	--*count;
}

void mutex_lock(int *lock) { take(lock, &machine.mutexes); }
void mutex_unlock(int *lock) { drop(lock, &machine.mutexes, MUTEXES); }
void raw_spin_lock(int *lock) { take(lock, &machine.spinlocks); }
void raw_spin_unlock(int *lock) { drop(lock, &machine.spinlocks, SPINLOCKS); }
void cpus_read_lock(void) { machine.cpus_read++; }
void get_online_mems(void) { machine.mems_read++; }

void cpus_read_unlock(void)
{
	if (machine.cpus_read-- <= 0)
		machine.imbalances += CPUS;
}

void put_online_mems(void)
{
	if (machine.mems_read-- <= 0)
		machine.imbalances += MEMORY;
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
		crash_now(CRASH_LIMIT);
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

/* No error can come back here: the value of a healthy machine, 0 for MSRs not in the table. */
uint64_t shim_rdmsr(uint32_t msr)
{
	uint64_t value = 0;

	if (msr == 0x480) /* IA32_VMX_BASIC: the current VMCS does not survive a SEAMRET from the P-SEAMLDR */
		return 0xd8040000000010;
	rdmsrl_safe(msr, &value);
	return value;
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

/* Pointers of this process differ in each run, so they are left out; `%pK` and the like are the kernel's own. */
static const char *without_pointers(const char *format, char *own, size_t size)
{
	size_t at = 0;

	for (; *format && at + 16 < size; format++) {
		own[at++] = *format;
		if (*format != '%')
			continue;
		while (format[1] && at + 16 < size && strchr("*0123456789.- +#", format[1]))
			own[at++] = *++format;
		if (format[1] == '%') {
			own[at++] = *++format;
			continue;
		}
		if (format[1] != 'p')
			continue;
		format++;
		while ((format[1] | 32) >= 'a' && (format[1] | 32) <= 'z')
			format++;
		at += snprintf(own + at, size - at, ".0s(pointer)");
	}
	own[at] = 0;
	return own;
}

void shim_printk(int level, const char *format, ...)
{
	uint32_t item[3 + 256] = { ITEM_PRINTK, level };
	char *text = (char *)(item + 3), own[1000];
	va_list arguments;

	/* Who says something before answering still answers. */
	if (probing)
		return;
	va_start(arguments, format);
	int length = vsnprintf(text, 1000, without_pointers(format, own, sizeof(own)), arguments);
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

	if (probing)
		return;
	int length = snprintf((char *)(item + 3), 1000, "%s", what);

	item[2] = length > 999 ? 999 : length;
	port_item(item, 3 + (item[2] + 3) / 4);
}
