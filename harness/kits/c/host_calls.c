/* What a host in C asks and does, and SEAMCALLs that say what failed: need not be touched. */
#define _POSIX_C_SOURCE 200809L
#include "host.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SYS_RD 0x22
#define TRIES 10

static char *line;
static size_t line_size;
static unsigned long asked;

/* The next message; a line that is none is answered with an error, and life goes on. NULL: there is no more. */
const struct json *receive(void)
{
	/* A line that is not flushed is never read. */
	fflush(stdout);
	json_free();
	while (getline(&line, &line_size, stdin) >= 0) {
		const struct json *message = json_parse(line), *id = json_get(message, "id");

		if (*json_text(json_get(message, "type")) && id && id->type == JSON_NUMBER)
			return message;
		json_free();
		printf("{\"type\":\"error\",\"id\":null,\"message\":\"expected a message with a type and an id\"}\n");
		fflush(stdout);
	}
	return NULL;
}

/* Ends a question that has been begun with its id, and waits for the answer. */
static const struct json *answer(void)
{
	const struct json *message;

	printf(",\"id\":%lu}\n", ++asked);
	message = receive();
	if (!message)
		exit(0);
	return message;
}

/* Operand busy, system busy, no entropy, key generation failed: another try may do. */
static bool is_transient(uint64_t status)
{
	uint64_t high = status >> 32;

	return high == 0x80000200 || high == 0x80000202 || high == 0x80000203 || high == 0x80000800;
}

static const struct { const char *trap, *message, *text; int error; } traps[] = {
	{ "gp", "strict-gp", "#GP, SEAM is not enabled there", EOPNOTSUPP_ },
	{ "ud", "strict-ud", "#UD, not in VMX operation", EACCES_ },
	{ "vmfail", "strict-vmfail", "no module answers", ENODEV_ },
};

int seamcall(unsigned lp, unsigned leaf, struct registers *regs)
{
	for (int tries = 1;; tries++) {
		const struct json *reply;
		const char *trap;
		uint64_t status;

		printf("{\"type\":\"seamcall\",\"lp\":%u,\"rax\":\"0x%x\",\"rcx\":\"0x%" PRIx64 "\",\"rdx\":\"0x%" PRIx64
		       "\",\"r8\":\"0x%" PRIx64 "\"", lp, leaf, regs->rcx, regs->rdx, regs->r8);
		if (regs->until)
			printf(",\"until\":\"0x%" PRIx64 "\"", regs->until);
		reply = answer();
		trap = json_text(json_get(reply, "trap"));
		status = json_u64(json_get(reply, "rax"));
		for (unsigned i = 0; i < COUNT(traps); i++) {
			if (strcmp(trap, traps[i].trap) == 0) {
				say(3, traps[i].message, lp, 0, "SEAMCALL on CPU %u: %s", lp, traps[i].text);
				return traps[i].error;
			}
		}
		if (strcmp(trap, "none") == 0 && status == 0) {
			regs->r8 = json_u64(json_get(reply, "r8"));
			return 0;
		}
		if (is_transient(status) && tries < TRIES)
			continue;
		say(3, NULL, 0, 0, "SEAMCALL (0x%016x) failed: 0x%016" PRIx64, leaf, status);
		return EIO_;
	}
}

int read_field(unsigned lp, uint64_t field, uint64_t *value)
{
	struct registers regs = { .rdx = field };
	int error = seamcall(lp, SYS_RD, &regs);

	*value = regs.r8;
	return error;
}

uint64_t host_alloc(uint64_t size, const char *kind)
{
	printf("{\"type\":\"alloc\",\"size\":\"0x%" PRIx64 "\",\"kind\":\"%s\"", size, kind);
	return json_u64(json_get(answer(), "address"));
}

void host_free(uint64_t address)
{
	printf("{\"type\":\"free\",\"address\":\"0x%" PRIx64 "\"}\n", address);
}

void host_store(uint64_t address, const uint64_t *words, unsigned count)
{
	printf("{\"type\":\"store\",\"address\":\"0x%" PRIx64 "\",\"words\":[", address);
	for (unsigned i = 0; i < count; i++)
		printf("%s\"0x%" PRIx64 "\"", i ? "," : "", words[i]);
	printf("]}\n");
}

void wbinvd(void)
{
	printf("{\"type\":\"wbinvd\"}\n");
}

bool vmxon(unsigned lp)
{
	printf("{\"type\":\"vmxon\",\"lp\":%u", lp);
	return truth(json_get(answer(), "entered"));
}

void vmxoff(unsigned lp)
{
	printf("{\"type\":\"vmxoff\",\"lp\":%u}\n", lp);
}

bool offline_memory(uint64_t base, uint64_t end)
{
	printf("{\"type\":\"offline-memory\",\"base\":\"0x%" PRIx64 "\",\"size\":\"0x%" PRIx64 "\"", base, end - base);
	return truth(json_get(answer(), "offline"));
}

void say(int level, const char *message, uint64_t a, uint64_t b, const char *format, ...)
{
	va_list args;

	/* No text here has anything that JSON would want escaped. */
	printf("{\"type\":\"printk\",\"level\":%d,\"text\":\"virt/tdx: ", level);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (message)
		printf("\",\"message\":\"%s\",\"args\":[\"0x%" PRIx64 "\",\"0x%" PRIx64 "\"]}\n", message, a, b);
	else
		printf("\"}\n");
}

bool truth(const struct json *value)
{
	return value && value->type == JSON_TRUE;
}
