/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* How the kernel dies: by a fault, by a BUG, by a deadlock, or because it does not come back. */
#define _GNU_SOURCE
#include <execinfo.h>
#include <signal.h>
#include <sys/time.h>
#include <ucontext.h>
#include "crash.h"
#include "port.h"
#include "protocol.h"

/*
 * Microseconds of processor time, for one message, and again for what is still asked after a hang; the largest machines
 * take a quarter of it. Making the case of a hang small waits for it a hundred times.
 */
#define MICROSECONDS_MAX 400000

sigjmp_buf crashed;

/* Where the kernel died: the addresses behind the calls that led there, innermost first; the first may be a fault's. */
#define CALLS_MAX 16
static void *calls[1 + CALLS_MAX], *fault;
static unsigned int call_count;

void crash_now(enum crash what)
{
	call_count = 0;
	if (fault)
		calls[call_count++] = fault;
	fault = NULL;
	/* What the kernel would do next is not what it did: only the probe is over. */
	if (probing)
		siglongjmp(probe_end, 2);
	/* Where in a loop the time was up is chance, and a script only asks whether there was a crash. */
	if (what != CRASH_HANG && !protocol_scripted)
		call_count += backtrace(calls + call_count, CALLS_MAX);
	siglongjmp(crashed, what);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	ucontext_t *interrupted = context;

	if (signal == SIGVTALRM)
		crash_now(CRASH_HANG);
	/* As if it were a call: one byte behind its beginning. */
	fault = (void *)(interrupted->uc_mcontext.gregs[REG_RIP] + 1);
	if (signal == SIGSEGV || signal == SIGBUS)
		crash_now(machine_classify(info->si_addr));
	crash_now(signal == SIGFPE ? CRASH_DIVISION : CRASH_BUG);
}

void crash_report(enum crash what)
{
	uint32_t item[3 + 1 + CALLS_MAX] = { ITEM_CRASH, what, call_count };

	if (protocol_scripted) {
		protocol_emit((uint32_t[]){ ITEM_CRASH, 0 }, 2);
		return;
	}
	/* The program lies below 4 GiB; what does not is a library. */
	for (unsigned int i = 0; i < call_count; i++)
		item[3 + i] = (uintptr_t)calls[i] >> 32 ? 0 : (uintptr_t)calls[i];
	protocol_emit(item, 3 + call_count);
}

void crash_catch(void)
{
	static char stack[1 << 16];
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGVTALRM };

	/* The first one loads a library, for which a crash is no time. */
	backtrace(calls, CALLS_MAX);
	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	for (unsigned int i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

void crash_time(void)
{
	setitimer(ITIMER_VIRTUAL, &(struct itimerval){ { 0, MICROSECONDS_MAX }, { 0, MICROSECONDS_MAX } }, NULL);
}
