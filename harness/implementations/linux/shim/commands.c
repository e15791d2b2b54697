/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Commands from the outside, and the kernel functions that each of them runs. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "crash.h"
#include "port.h"
#include "protocol.h"

enum command { COMMAND_BOOT = 1, COMMAND_CPU_ENABLE = 2, COMMAND_ENABLE = 3, COMMAND_NOTIFY = 4, COMMAND_MACHINE_CHECK = 5,
	COMMAND_CPU_ONLINE = 6, COMMAND_CPU_OFFLINE = 7, COMMAND_KEXEC = 8 };

extern int shim_cpu, shim_cpu_count;
extern char __start_kernel_data[], __stop_kernel_data[];

/* The kernel's data as its program was loaded; every boot begins with it. */
static char *kernel_image;

static void cpus(void)
{
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		shim_online[i] = protocol_next();
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		shim_present[i] = protocol_next();
}

static void dirty_cpus(void)
{
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		for (uint32_t left = protocol_next(); left; left &= left - 1)
			glue_set_cache_dirty(32 * i + __builtin_ctz(left));
}

static void boot(void)
{
	shim_cpu_count = protocol_next();
	for (int cpu = 0; cpu < shim_cpu_count; cpu++)
		machine_package[cpu & 255] = protocol_next();
	memset(shim_possible, 0, 8 * sizeof(uint32_t));
	for (int cpu = 0; cpu < shim_cpu_count; cpu++)
		shim_possible[cpu / 32] |= 1u << (cpu % 32);
	cpus();
	machine_msr_valid = protocol_next();
	machine_mktme_keyids = protocol_next();
	machine_tdx_keyids = protocol_next();
	machine_hibernation = protocol_next();
	machine_notifier_error = protocol_next();
	machine_memory_count = 0;
	uint32_t model = protocol_next();
	machine_boot(model, protocol_next());
	memcpy(__start_kernel_data, kernel_image, kernel_size);
	port_forget_run();
	glue_boot();
	probe_done(0, false);
}

static void enable(void)
{
	cpus();
	machine_memory_count = protocol_next();
	for (unsigned int i = 0; i < machine_memory_count; i++) {
		machine_memory[i].base = protocol_next64();
		machine_memory[i].size = protocol_next64();
		machine_memory[i].node = protocol_next();
	}
	probe_done(glue_enable(), true);
}

static void notify(void)
{
	uint64_t start = protocol_next64();

	probe_done(glue_notify(8, start, protocol_next64()), false);
}

static void machine_check(void)
{
	probe_done(glue_machine_check(protocol_next64(), 0xbd80000000100134, 0x86), false);
}

static void cpu_enable(void)
{
	cpus();
	probe_done(glue_cpu_enable(), false);
}

static void cpu_online(void)
{
	cpus();
	probe_done(glue_cpu_online(shim_cpu), false);
}

static void cpu_offline(void)
{
	cpus();
	glue_guest_keyids(protocol_next());
	dirty_cpus();
	probe_done(glue_cpu_offline(shim_cpu), false);
}

static void kexec(void)
{
	cpus();
	dirty_cpus();
	glue_kexec();
	probe_done(0, false);
}

static void perform(void)
{
	enum command command = protocol_next();

	shim_cpu = protocol_next();
	switch (command) {
	case COMMAND_BOOT: boot(); break;
	case COMMAND_CPU_ENABLE: cpu_enable(); break;
	case COMMAND_ENABLE: enable(); break;
	case COMMAND_NOTIFY: notify(); break;
	case COMMAND_MACHINE_CHECK: machine_check(); break;
	case COMMAND_CPU_ONLINE: cpu_online(); break;
	case COMMAND_CPU_OFFLINE: cpu_offline(); break;
	case COMMAND_KEXEC: kexec(); break;
	default: _exit(2);
	}
}

/* Runs the commands of one message; a crash is an item, and ends those of a conversation. */
static void perform_all(void)
{
	int what;

	crash_time();
	what = sigsetjmp(crashed, 0);
	if (what) {
		port_forget_run();
		crash_report(what);
		if (!protocol_scripted)
			return;
		protocol_command_ends();
	}
	while (protocol_command()) {
		perform();
		protocol_command_ends();
	}
}

/* Bounds for code that allocates or writes without end. The arena of objects alone is 4 GiB of addresses. */
static void limit_resources(void)
{
	static const struct { int resource; rlim_t most; } limits[] = {
		{ RLIMIT_AS, 12UL << 30 }, { RLIMIT_DATA, 512UL << 20 }, { RLIMIT_FSIZE, 1UL << 20 },
		{ RLIMIT_CORE, 0 }, { RLIMIT_NOFILE, 128 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		setrlimit(limits[i].resource, &(struct rlimit){ limits[i].most, limits[i].most });
}

int main(void)
{
	protocol_open();
	limit_resources();
	crash_catch();
	kernel_size = __stop_kernel_data - __start_kernel_data;
	kernel_image = malloc(kernel_size);
	kernel_before = malloc(kernel_size);
	memcpy(kernel_image, __start_kernel_data, kernel_size);
	protocol_serve(perform_all);
}
