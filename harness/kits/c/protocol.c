/* seam-stdio/1 for a module in C: need not be touched. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "module.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[REGISTERS] = { "rax", "rcx", "rdx", "r8", "r9", "r10", "r11" };
/* What a step may say beside its call, and this module does not heed. */
static const char *const inputs_not_read[] = { "msr", "lpMsr", "cpuid", "inject", "seamopsCaps", "reload", "read" };

/* One step of a case: prints its answer; false if the case ends there. */
static bool play_step(const struct json *step)
{
	const struct json *call = json_get(step, "seamcall"), *repeat = json_get(step, "repeat");
	uint64_t entry[REGISTERS], regs[REGISTERS], last[REGISTERS], count = 0;
	uint64_t lp = json_u64(json_get(call, "lp"));
	const char *before = repeat ? "{\"runs\":[" : "{";

	/* Words written before the call: `mem`, not read yet. What is not simulated is said to be unsupported. */
	for (size_t i = 0; i < COUNT(inputs_not_read); i++) {
		if (json_get(step, inputs_not_read[i])) {
			printf("{\"unsupported\":\"no %s\"}", inputs_not_read[i]);
			return false;
		}
	}
	for (int i = 0; i < REGISTERS; i++)
		entry[i] = json_u64(json_get(call, names[i]));
	/* Equal answers in a row are counted, and printed when another comes. */
	for (uint64_t left = repeat ? json_u64(repeat) : 1;; left--) {
		bool known = left != 0;

		if (known) {
			memcpy(regs, entry, sizeof(regs));
			/* Equal calls are all supported or none of them is. */
			if (lp >= module_lps() || !module_seamcall((unsigned)lp, regs)) {
				printf("{\"unsupported\":\"leaf 0x%" PRIx64 "\"}", entry[RAX]);
				return false;
			}
		}
		if (count && (!known || memcmp(regs, last, sizeof(regs)) != 0)) {
			printf(repeat ? "%s{\"n\":%" PRIu64 ",\"result\":{" : "%s\"result\":{", before, count);
			for (int i = 0; i < REGISTERS; i++)
				if (i == RAX || last[i])
					printf("%s\"%s\":\"0x%" PRIx64 "\"", i ? "," : "", names[i], last[i]);
			printf(repeat ? "}}" : "}");
			before = ",";
			count = 0;
		}
		if (!known)
			break;
		memcpy(last, regs, sizeof(last));
		count++;
	}
	printf(repeat ? "]}" : "}");
	return true;
}

/* One case from reset. */
static void play(const struct json *one)
{
	const struct json *steps = json_get(one, "steps");

	module_reset(json_get(one, "platform"));
	printf("{\"case\":");
	json_print(json_text(json_get(one, "id")));
	printf(",\"outcome\":\"observed\",\"steps\":[");
	for (const struct json *step = steps ? steps->first : NULL; step; step = step->next) {
		if (step != steps->first)
			putchar(',');
		if (!play_step(step))
			break;
	}
	printf("]}");
}

#define HELLO "{\"type\":\"hello\",\"id\":%s,\"protocol\":{\"major\":1,\"minor\":0}," \
	"\"implementation\":{\"name\":\"%s\",\"version\":\"0.1\",\"language\":\"C\"}," \
	"\"capabilities\":{\"role\":\"module\",\"modules\":[\"1.5.01\"],\"leaves\":[%s]," \
	"\"inputs\":[\"mem\",\"repeat\"],\"batchMax\":16,\"inFlightMax\":4,\"state\":false,\"deterministic\":true}}\n"

/* Answers one line; false after `stop`. */
static bool answer(char *line)
{
	const struct json *request = json_parse(line), *cases = json_get(request, "cases");
	const char *type = json_text(json_get(request, "type")), *id = json_text(json_get(request, "id"));

	if (!*id)
		id = "null";
	if (strcmp(type, "hello") == 0) {
		printf(HELLO, id, module_name, module_leaves);
	} else if (strcmp(type, "configure") == 0) {
		bool known = strcmp(json_text(json_get(json_get(request, "profile"), "module")), "1.5.01") == 0;

		printf("{\"type\":\"configured\",\"id\":%s,\"outcome\":%s}\n", id,
		       known ? "\"ok\"" : "\"unsupported\",\"reason\":\"it is no such module\"");
	} else if (strcmp(type, "run") == 0 && cases && cases->type == JSON_ARRAY) {
		printf("{\"type\":\"ran\",\"id\":%s,\"results\":[", id);
		for (const struct json *one = cases->first; one; one = one->next) {
			if (one != cases->first)
				putchar(',');
			play(one);
		}
		printf("]}\n");
	} else if (strcmp(type, "ping") == 0) {
		printf("{\"type\":\"pong\",\"id\":%s}\n", id);
	} else if (strcmp(type, "stop") == 0) {
		printf("{\"type\":\"stopped\",\"id\":%s}\n", id);
		return false;
	} else {
		printf("{\"type\":\"error\",\"id\":%s,\"message\":\"not a message of seam-stdio/1\"}\n", id);
	}
	return true;
}

int main(void)
{
	char *line = NULL;
	size_t size = 0;
	bool going_on = true;

	while (going_on && getline(&line, &size, stdin) >= 0) {
		going_on = answer(line);
		/* A line that is not flushed is never read. */
		fflush(stdout);
		json_free();
	}
	free(line);
	return 0;
}
