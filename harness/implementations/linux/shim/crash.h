/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* How the kernel dies. */
#ifndef SEAMSTRESS_CRASH_H
#define SEAMSTRESS_CRASH_H

#include <setjmp.h>

enum crash {
	CRASH_USE_AFTER_FREE = 1,
	CRASH_OVERRUN = 2,
	CRASH_NULL = 3,
	CRASH_WILD = 4,
	CRASH_HANG = 5,
	CRASH_DEADLOCK = 6,
	CRASH_BUG = 7,
	CRASH_LIMIT = 8,
	CRASH_DIVISION = 9,
};

/* Where a crash goes, with its kind, unless a probe is under way. */
extern sigjmp_buf crashed;
/* Ends a probe, or else the commands of the message. */
void crash_now(enum crash what) __attribute__((noreturn));
/* The item of a crash that has arrived at `crashed`. */
void crash_report(enum crash what);
/* From now on signals are crashes. */
void crash_catch(void);
/* A hang is what takes longer, from now on, than a message may. */
void crash_time(void);

#endif
