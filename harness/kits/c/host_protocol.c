/* seam-stdio/1 for a host in C: need not be touched. */
#include "host.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HELLO "{\"type\":\"hello\",\"id\":%s,\"protocol\":{\"major\":1,\"minor\":0}," \
	"\"implementation\":{\"name\":\"%s\",\"version\":\"0.1\",\"language\":\"C\"}," \
	"\"capabilities\":{\"role\":\"host\",\"commands\":[%s],\"deterministic\":true}}\n"

void print_ranges(const struct ranges *ranges)
{
	printf("[");
	for (unsigned i = 0; i < ranges->count; i++)
		printf("%s{\"base\":\"0x%" PRIx64 "\",\"size\":\"0x%" PRIx64 "\",\"node\":%d}", i ? "," : "", ranges->list[i].base,
		       ranges->list[i].end - ranges->list[i].base, ranges->list[i].node);
	printf("]");
}

/* Copies what a command says: it is gone as soon as something is asked. */
static const struct request *read_request(const struct json *command)
{
	static struct request request;
	const struct json *memory = json_get(command, "memory"), *online = json_get(command, "online");

	memset(&request, 0, sizeof(request));
	request.cpu = (unsigned)json_u64(json_get(command, "cpu"));
	request.base = json_u64(json_get(command, "base"));
	request.end = request.base + json_u64(json_get(command, "size"));
	for (const struct json *one = online ? online->first : NULL; one; one = one->next)
		if (json_u64(one) < CPUS_MAX)
			request.online[json_u64(one)] = true;
	for (const struct json *one = memory ? memory->first : NULL; one; one = one->next) {
		uint64_t base = json_u64(json_get(one, "base"));

		add_range(&request.memory, base, base + json_u64(json_get(one, "size")), (int)json_u64(json_get(one, "node")));
	}
	return &request;
}

int main(void)
{
	const struct json *request;
	char id[32], type[32];

	while ((request = receive()) != NULL) {
		int ret = 0;
		bool known = true;

		/* Copied: the request is gone as soon as something is asked. */
		snprintf(id, sizeof(id), "%s", json_text(json_get(request, "id")));
		snprintf(type, sizeof(type), "%s", json_text(json_get(request, "type")));
		if (strcmp(type, "hello") == 0) {
			printf(HELLO, id, host_name, host_commands);
			continue;
		}
		if (strcmp(type, "ping") == 0) {
			printf("{\"type\":\"pong\",\"id\":%s}\n", id);
			continue;
		}
		if (strcmp(type, "stop") == 0) {
			printf("{\"type\":\"stopped\",\"id\":%s}\n", id);
			break;
		}
		if (strcmp(type, "boot") == 0)
			known = host_boot(request);
		else if (strcmp(type, "enable") == 0 && json_get(request, "memory"))
			ret = host_enable(read_request(request));
		else if (strcmp(type, "memory-online") == 0 && json_get(request, "base"))
			ret = host_memory_online(read_request(request));
		else
			known = false;
		if (known) {
			printf("{\"type\":\"done\",\"id\":%s,\"ret\":%d,\"state\":{", id, ret);
			host_state();
			printf("}}\n");
		} else {
			printf("{\"type\":\"error\",\"id\":%s,\"message\":\"not a command of this host\"}\n", id);
		}
	}
	return 0;
}
