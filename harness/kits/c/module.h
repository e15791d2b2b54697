/* What protocol.c asks of a module. */
#ifndef MODULE_H
#define MODULE_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

#define LPS_MAX 1024

/* RAX to R11, in the order of their names. */
enum { RAX, RCX, RDX, R8, R9, R10, R11, REGISTERS };

/* For hello: its name, and the leaves it has, as JSON. */
extern const char *const module_name;
extern const char *const module_leaves;

/* A module just loaded on this platform. */
void module_reset(const struct json *platform);
unsigned module_lps(void);
/* One SEAMCALL by logical processor `lp`: changes `regs`; false if the leaf is unsupported. */
bool module_seamcall(unsigned lp, uint64_t *regs);

#endif
