/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The protocol: a message of words in (a length, then the words), one or more out. Commands run the kernel; what it does
 * comes out as items. A message is either a conversation (items go out, the outside answers those that ask) or a script:
 * it carries the items expected and the answers to them, and the reply only says whether all of it came about.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>
#include "port.h"

enum command { COMMAND_BOOT = 1, COMMAND_CPU_ENABLE = 2, COMMAND_ENABLE = 3, COMMAND_NOTIFY = 4, COMMAND_MACHINE_CHECK = 5,
	COMMAND_CPU_ONLINE = 6, COMMAND_CPU_OFFLINE = 7, COMMAND_KEXEC = 8 };

/*
 * Microseconds of processor time, for one message, and again for what is still asked after a hang; the largest machines
 * take a quarter of it. Making the case of a hang small waits for it a hundred times.
 */
#define MICROSECONDS_MAX 400000
/* Of one message: what the outside answers one by one. */
#define ASKED_MAX 100000
#define LEAF_RDMD 24
#define LEAF_CONFIG 45
#define LEAF_TDMR_INIT 36
#define BLOCK_WORDS 128
#define ADDRESSES_MAX 64
#define LOW(x) ((uint32_t)(x))
#define HIGH(x) ((uint32_t)((uint64_t)(x) >> 32))
#define U64(words) ((uint64_t)(words)[1] << 32 | (words)[0])

extern int shim_cpu, shim_cpu_count;
extern unsigned int shim_features;
extern char __start_kernel_data[], __stop_kernel_data[];

static char *kernel_image;
char *kernel_before;
size_t kernel_size;

/* Message under way. */
static uint32_t *input;
static size_t input_room, input_count, cursor;
static uint32_t output[1 << 16];
static size_t output_count;
static bool scripted;
static int command_number;
static size_t item_number;
static unsigned int asked;

static sigjmp_buf crashed, stray;

/* Where the kernel died: the addresses behind the calls that led there, innermost first; the first may be a fault's. */
#define CALLS_MAX 16
static void *calls[1 + CALLS_MAX], *fault;
static unsigned int call_count;

/* probe.c */
sigjmp_buf probe_end;
bool probing;
uint64_t probe_leaf;
bool probe_reserved;

/* A run of equal TDH.SYS.TDMR.INIT calls that the outside has answered ahead. */
static struct { uint64_t left, used, done, step, size, base, registers[6]; int cpu; } run;

static void write_all(const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t written = write(1, at, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			_exit(0);
		at += written;
		count -= written;
	}
}

static void read_all(void *bytes, size_t count)
{
	char *at = bytes;

	while (count > 0) {
		ssize_t got = read(0, at, count);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(0);
		at += got;
		count -= got;
	}
}

static void send(void)
{
	output[0] = output_count;
	write_all(output, (output_count + 1) * 4);
	output_count = 0;
}

static void out(const uint32_t *words, size_t count)
{
	/* A message that neither asks nor ends goes on in the next one. */
	if (1 + output_count + count > sizeof(output) / 4)
		send();
	memcpy(output + 1 + output_count, words, count * 4);
	output_count += count;
}

/* Compares with the script, or sends. */
static void emit(const uint32_t *words, size_t count)
{
	if (!scripted) {
		out(words, count);
		return;
	}
	if (cursor + count > input_count || memcmp(input + cursor, words, count * 4) != 0)
		siglongjmp(stray, 1);
	cursor += count;
	item_number++;
}

static void flush_run(void)
{
	uint64_t used = run.used;

	run.left = run.used = 0;
	if (used)
		emit((uint32_t[]){ ITEM_RUN, LOW(used), HIGH(used) }, 3);
}

/* What is only reported when it is over is over. */
void port_settle(void)
{
	if (probing)
		siglongjmp(probe_end, 1);
	flush_run();
	machine_flush();
}

void port_item(const uint32_t *words, unsigned int count)
{
	port_settle();
	emit(words, count);
}

void port_ask(const uint32_t *words, unsigned int count, uint32_t *answer, unsigned int answer_count)
{
	port_settle();
	if (!scripted && ++asked > ASKED_MAX)
		port_crash(CRASH_HANG);
	emit(words, count);
	if (scripted) {
		if (cursor + answer_count > input_count)
			siglongjmp(stray, 1);
		memcpy(answer, input + cursor, answer_count * 4);
		cursor += answer_count;
		return;
	}
	send();
	read_all(answer, answer_count * 4);
}

void port_crash(enum crash what)
{
	call_count = 0;
	if (fault)
		calls[call_count++] = fault;
	fault = NULL;
	/* What the kernel would do next is not what it did: only the probe is over. */
	if (probing)
		siglongjmp(probe_end, 2);
	/* Where in a loop the time was up is chance, and a script only asks whether there was a crash. */
	if (what != CRASH_HANG && !scripted)
		call_count += backtrace(calls + call_count, CALLS_MAX);
	siglongjmp(crashed, what);
}

/* The words the module will read, behind the call: the address array and each TDMR_INFO, without trailing zeroes. */
static unsigned int append_block(uint32_t *item, unsigned int at, uint64_t physical, unsigned int words)
{
	const uint32_t *block = machine_at(physical, words * 4);

	if (!block) {
		item[at] = 0;
		return at + 1;
	}
	while (words > 0 && block[words - 1] == 0)
		words--;
	item[at] = words;
	memcpy(item + at + 1, block, words * 4);
	return at + 1 + words;
}

static unsigned int append_tdmrs(uint32_t *item, unsigned int at, uint64_t array, uint64_t count)
{
	uint64_t entries = count > ADDRESSES_MAX ? ADDRESSES_MAX : count;
	const uint64_t *addresses = machine_at(array, entries * 8);

	at = append_block(item, at, array, entries * 2);
	for (uint64_t i = 0; i < entries; i++)
		at = append_block(item, at, addresses ? addresses[i] : 0, BLOCK_WORDS);
	return at;
}

/* One call of a run that was answered ahead: same CPU and inputs, and the module is `step` bytes further each time. */
static bool from_run(uint64_t leaf, uint64_t *registers)
{
	if (!run.left || leaf != LEAF_TDMR_INIT || run.cpu != shim_cpu || memcmp(registers, run.registers, sizeof(run.registers)) != 0)
		return false;
	run.left--;
	run.used++;
	run.done += run.step;
	registers[1] = run.base + (run.done & ~0x3fffffffULL);
	return true;
}

uint64_t shim_seamcall(uint64_t leaf, uint64_t *registers)
{
	static uint32_t item[16 + ADDRESSES_MAX * (2 + BLOCK_WORDS) + 2];
	static const uint64_t statuses[] = { 0, 0x8000ff000000000d, 0x8000ff0000000006, 0x8000ff00ffff0000 };
	uint64_t inputs[6];
	uint32_t answer[23];
	unsigned int count = 2;

	if (probing) {
		if (!probe_reserved) {
			probe_leaf = leaf;
			siglongjmp(probe_end, 1);
		}
		registers[0] = 1;
		return 0;
	}
	if (from_run(leaf, registers))
		return 0;
	item[0] = ITEM_SEAMCALL;
	item[1] = shim_cpu;
	item[2] = LOW(leaf);
	item[3] = HIGH(leaf);
	for (int i = 0; i < 6; i++) {
		item[4 + 2 * i] = LOW(registers[i]);
		item[5 + 2 * i] = HIGH(registers[i]);
	}
	count = 16;
	if (leaf == LEAF_CONFIG)
		count = append_tdmrs(item, count, registers[0], registers[1]);
	memcpy(inputs, registers, sizeof(inputs));
	port_ask(item, count, answer, 23);
	/* trap, RAX, RCX, RDX, R8 to R11, then the run: calls answered ahead, bytes done, bytes a call, TDMR base. */
	if (answer[0])
		return statuses[answer[0] & 3];
	for (int i = 0; i < 6; i++)
		registers[i] = U64(answer + 3 + 2 * i);
	run.left = U64(answer + 15);
	run.done = U64(answer + 17);
	run.step = U64(answer + 19);
	run.base = U64(answer + 21);
	run.used = 0;
	run.cpu = shim_cpu;
	memcpy(run.registers, inputs, sizeof(inputs));
	return U64(answer + 1);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	if (signal == SIGVTALRM)
		port_crash(CRASH_HANG);
	/* As if it were a call: one byte behind its beginning. */
	fault = (void *)(interrupted->uc_mcontext.gregs[REG_RIP] + 1);
	if (signal == SIGSEGV || signal == SIGBUS)
		port_crash(machine_classify(info->si_addr));
	port_crash(signal == SIGFPE ? CRASH_DIVISION : CRASH_BUG);
}

static uint32_t next(void)
{
	return cursor < input_count ? input[cursor++] : 0;
}

static uint64_t next64(void)
{
	uint32_t low = next();

	return (uint64_t)next() << 32 | low;
}

static void cpus(void)
{
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		shim_online[i] = next();
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		shim_present[i] = next();
}

static void dirty_cpus(void)
{
	for (int i = 0; i < (shim_cpu_count + 31) / 32; i++)
		for (uint32_t left = next(); left; left &= left - 1)
			glue_set_cache_dirty(32 * i + __builtin_ctz(left));
}

static void boot(void)
{
	shim_cpu_count = next();
	for (int cpu = 0; cpu < shim_cpu_count; cpu++)
		machine_package[cpu & 255] = next();
	memset(shim_possible, 0, 8 * sizeof(uint32_t));
	for (int cpu = 0; cpu < shim_cpu_count; cpu++)
		shim_possible[cpu / 32] |= 1u << (cpu % 32);
	cpus();
	machine_msr_valid = next();
	machine_mktme_keyids = next();
	machine_tdx_keyids = next();
	machine_hibernation = next();
	machine_notifier_error = next();
	machine_memory_count = 0;
	uint32_t model = next();
	machine_boot(model, next());
	memcpy(__start_kernel_data, kernel_image, kernel_size);
	memset(&run, 0, sizeof(run));
	glue_boot();
	probe_done(0, false);
}

static void enable(void)
{
	cpus();
	machine_memory_count = next();
	for (unsigned int i = 0; i < machine_memory_count; i++) {
		machine_memory[i].base = next64();
		machine_memory[i].size = next64();
		machine_memory[i].node = next();
	}
	probe_done(glue_enable(), true);
}

static void notify(void)
{
	uint64_t start = next64();

	probe_done(glue_notify(8, start, next64()), false);
}

static void machine_check(void)
{
	probe_done(glue_machine_check(next64(), 0xbd80000000100134, 0x86), false);
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
	glue_guest_keyids(next());
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
	enum command command = next();

	shim_cpu = next();
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

static void emit_crash(enum crash what)
{
	uint32_t item[3 + 1 + CALLS_MAX] = { ITEM_CRASH, what, call_count };

	/* The program lies below 4 GiB; what does not is a library. */
	for (unsigned int i = 0; i < call_count; i++)
		item[3 + i] = (uintptr_t)calls[i] >> 32 ? 0 : (uintptr_t)calls[i];
	emit(item, 3 + call_count);
}

/* Runs the commands of one message; a crash is an item, and ends them. */
static void perform_all(void)
{
	int what = sigsetjmp(crashed, 0);

	if (what) {
		run.left = run.used = 0;
		if (!scripted) {
			emit_crash(what);
			return;
		}
		emit((uint32_t[]){ ITEM_CRASH, 0 }, 2);
		command_number++;
	}
	while (cursor < input_count) {
		item_number = 0;
		perform();
		command_number++;
	}
}

int main(void)
{
	static char stack[1 << 16];
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGVTALRM };
	uint32_t header[2];

	/* The first one loads a library, for which a crash is no time. */
	backtrace(calls, CALLS_MAX);
	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	kernel_size = __stop_kernel_data - __start_kernel_data;
	kernel_image = malloc(kernel_size);
	kernel_before = malloc(kernel_size);
	memcpy(kernel_image, __start_kernel_data, kernel_size);
	for (;;) {
		read_all(header, sizeof(header));
		input_count = header[0];
		scripted = header[1];
		if (input_count > input_room) {
			input_room = input_count * 2;
			input = realloc(input, input_room * 4);
		}
		read_all(input, input_count * 4);
		cursor = 0;
		command_number = 0;
		output_count = 0;
		asked = 0;
		setitimer(ITIMER_VIRTUAL, &(struct itimerval){ { 0, MICROSECONDS_MAX }, { 0, MICROSECONDS_MAX } }, NULL);
		if (sigsetjmp(stray, 0) == 0) {
			perform_all();
			if (scripted)
				out((uint32_t[]){ 0 }, 1);
		} else {
			output_count = 0;
			out((uint32_t[]){ 1, command_number, item_number }, 3);
		}
		send();
	}
}
