/* A host in C: what host.c, host_memory.c and host_protocol.c know of each other. Bytes; ends are exclusive. */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

#define CPUS_MAX 1024
#define RANGES_MAX 256
#define GIB ((uint64_t)1 << 30)
#define PAGE 4096

enum { EIO_ = -5, ENOMEM_ = -12, EACCES_ = -13, ENODEV_ = -19, EINVAL_ = -22, ENOSPC_ = -28, EOPNOTSUPP_ = -95 };

struct range { uint64_t base, end; int node; };
struct ranges { struct range list[RANGES_MAX]; unsigned count; };

/* What a command says; `online` by CPU. */
struct request { unsigned cpu; uint64_t base, end; struct ranges memory; bool online[CPUS_MAX]; };

/* host.c: the commands. Each returns 0 or a negative errno; `host_state` prints the members of `state`. */
extern const char *const host_name;
extern const char *const host_commands;
bool host_boot(const struct json *boot);
int host_enable(const struct request *request);
int host_memory_online(const struct request *request);
void host_state(void);

/* host_memory.c: which memory is given to TDX, and the TDMR_INFOs that say so: `table` is the array of their addresses. */
struct layout { struct ranges cmrs, memory, tdmrs, pamts; uint64_t table; };
int lay_out(unsigned cpu, const struct ranges *memory, struct layout *out);
bool add_range(struct ranges *to, uint64_t base, uint64_t end, int node);
bool covers(const struct ranges *ranges, uint64_t base, uint64_t end);

/* host_protocol.c: the conversation. */
void print_ranges(const struct ranges *ranges);

/* host_calls.c: everything a host does. `seamcall` retries, says what failed and answers an errno. */
const struct json *receive(void);
bool truth(const struct json *value);
struct registers { uint64_t rcx, rdx, r8, until; };
int seamcall(unsigned lp, unsigned leaf, struct registers *regs);
int read_field(unsigned lp, uint64_t field, uint64_t *value);
uint64_t host_alloc(uint64_t size, const char *kind); /* 0: there is no memory */
void host_free(uint64_t address);
void host_store(uint64_t address, const uint64_t *words, unsigned count);
void wbinvd(void);
bool vmxon(unsigned lp);
void vmxoff(unsigned lp);
bool offline_memory(uint64_t base, uint64_t end);
/* A line of dmesg, and what it means: a name and arguments of model/kernel/message.ts. */
void say(int level, const char *message, uint64_t a, uint64_t b, const char *format, ...);

#endif
