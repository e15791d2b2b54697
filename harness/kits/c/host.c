/*
 * A host that makes SEAMCALLs. Copy it, then make it yours: host_protocol.c puts it behind seam-stdio/1. C11 and POSIX,
 * nothing else:
 *
 *	cc -std=c11 -O2 -o host host.c host_memory.c host_calls.c host_protocol.c json.c
 *
 * See docs/implementing-a-host.md.
 */
#include "host.h"

#include <stdio.h>
#include <string.h>

const char *const host_name = "c host starter";
const char *const host_commands = "\"boot\",\"enable\",\"memory-online\"";

enum { KEY_CONFIG = 0x1f, SYS_INIT = 0x21, LP_INIT = 0x23, TDMR_INIT = 0x24, SYS_CONFIG = 0x2d };

/* A host as `boot` leaves it is all zero but the facts: cleared by every boot. */
static struct {
	struct { unsigned package; bool present, bootable, online, initialised, keyed; } cpus[CPUS_MAX];
	unsigned cpu_count, ready;
	uint64_t keyid;
	bool offered, sysinit, configured, keys_begun, initialised;
	struct layout layout;
} host;

bool host_boot(const struct json *boot)
{
	const struct json *cpus = json_get(boot, "cpus"), *keyids = json_get(boot, "keyids");
	uint64_t count = json_u64(json_get(keyids, "tdx")), end = json_u64(json_get(boot, "addressEnd"));

	if (!cpus || cpus->type != JSON_ARRAY || !end)
		return false;
	memset(&host, 0, sizeof(host));
	for (const struct json *cpu = cpus->first; cpu && host.cpu_count < CPUS_MAX; cpu = cpu->next) {
		host.cpus[host.cpu_count].package = (unsigned)json_u64(json_get(cpu, "package"));
		host.cpus[host.cpu_count].present = truth(json_get(cpu, "present"));
		host.cpus[host.cpu_count++].bootable = truth(json_get(cpu, "bootable"));
	}
	host.keyid = json_u64(json_get(keyids, "mktme")) + 1;
	host.offered = count >= 2 && host.keyid + count <= ((uint64_t)1 << 52) / end &&
		       truth(json_get(boot, "seamrrEnabled")) && !truth(json_get(boot, "hibernation"));
	return true;
}

/* Names the LP that is in the way, and every package that has no CPU online. */
static int blame(unsigned lp, const char *message, int error, const char *what)
{
	unsigned package = host.cpus[lp].package;

	say(3, message, lp, package, "CPU %u in package %u %s", lp, package, what);
	for (unsigned i = 0; i < host.cpu_count; i++) {
		bool dark = host.cpus[i].present;

		for (unsigned j = 0; j < host.cpu_count; j++)
			if (host.cpus[j].package == host.cpus[i].package && (host.cpus[j].online || (j < i && host.cpus[j].present)))
				dark = false;
		if (dark)
			say(3, "package-without-cpu", host.cpus[i].package, 0, "no online CPUs in package %u", host.cpus[i].package);
	}
	return error;
}

/* One SEAMCALL on an LP that may be offline, or not in VMX operation. */
static int call_on(unsigned lp, unsigned leaf)
{
	struct registers regs = { 0 };
	int error = vmxon(lp) ? 0 : blame(lp, "lp-not-in-vmx", EACCES_, "cannot enter VMX operation");

	if (error)
		return error;
	error = seamcall(lp, leaf, &regs);
	if (!host.cpus[lp].online)
		vmxoff(lp);
	return error;
}

/* The module waits for every LP that was there at boot, whether it is online now or not. */
static int bring_up(void)
{
	for (unsigned lp = 0; lp < host.cpu_count; lp++) {
		int error = 0;

		if (!host.cpus[lp].present || host.cpus[lp].initialised)
			continue;
		if (!host.cpus[lp].online && !host.cpus[lp].bootable)
			return blame(lp, "lp-held-offline", EINVAL_, "cannot be brought up for TDX");
		if (!host.sysinit)
			error = call_on(lp, SYS_INIT);
		host.sysinit |= !error;
		if (!error)
			error = call_on(lp, LP_INIT);
		if (error)
			return error;
		host.cpus[lp].initialised = true;
	}
	return 0;
}

/* TDMRs over all convertible memory, their PAMTs, TDH.SYS.CONFIG. What fails gives everything back. */
static int configure(unsigned cpu, const struct ranges *memory)
{
	struct registers regs = { 0 };
	int error;

	memset(&host.layout, 0, sizeof(host.layout));
	error = lay_out(cpu, memory, &host.layout);
	if (!error) {
		regs = (struct registers){ .rcx = host.layout.table, .rdx = host.layout.tdmrs.count, .r8 = host.keyid };
		error = seamcall(cpu, SYS_CONFIG, &regs);
	}
	/* Once that has succeeded the module can reach the PAMTs: they stay, and another try goes on from there. */
	host.configured = !error;
	if (!error)
		return 0;
	for (unsigned i = 0; i < host.layout.pamts.count; i++)
		host_free(host.layout.pamts.list[i].base);
	if (host.layout.table)
		host_free(host.layout.table);
	host.layout.memory.count = 0;
	return error;
}

/* Caches flushed, the key on every package, then every TDMR initialised. */
static int finish(unsigned cpu)
{
	int error = 0;

	if (!host.keys_begun)
		wbinvd();
	for (unsigned lp = 0; lp < host.cpu_count && !error; lp++) {
		unsigned on = lp;

		if (!host.cpus[lp].present || host.cpus[lp].keyed)
			continue;
		for (unsigned i = host.cpu_count; i-- > 0;)
			if (host.cpus[i].package == host.cpus[lp].package && host.cpus[i].initialised && host.cpus[i].online)
				on = i;
		error = call_on(on, KEY_CONFIG);
		host.keys_begun |= !error;
		for (unsigned i = 0; i < host.cpu_count; i++)
			host.cpus[i].keyed |= !error && host.cpus[i].package == host.cpus[lp].package;
	}
	for (; host.ready < host.layout.tdmrs.count && !error; host.ready += !error) {
		struct registers regs = { .rcx = host.layout.tdmrs.list[host.ready].base };

		regs.until = host.layout.tdmrs.list[host.ready].end;
		error = seamcall(cpu, TDMR_INIT, &regs);
	}
	host.initialised = !error;
	return error;
}

int host_enable(const struct request *request)
{
	int error;

	for (unsigned i = 0; i < host.cpu_count; i++)
		host.cpus[i].online = request->online[i];
	if (!host.offered)
		return ENODEV_;
	if (host.initialised)
		return 0;
	error = bring_up();
	if (!error && !host.configured)
		error = configure(request->cpu, &request->memory);
	return error ? error : finish(request->cpu);
}

/* Once TDX runs, what is not TDX memory must not reach the page allocator. */
int host_memory_online(const struct request *request)
{
	if (!host.initialised || covers(&host.layout.memory, request->base, request->end))
		return 0;
	say(4, "memory-refused", request->base, request->end,
	    "Reject hot-adding memory range: [0x%llx, 0x%llx) for TDX compatibility.", (unsigned long long)request->base,
	    (unsigned long long)request->end);
	return EINVAL_;
}

void host_state(void)
{
	const char *comma = "";

	printf("\"offered\":%s,\"tdx\":\"%s\",\"s3\":%s,\"lps\":[", host.offered ? "true" : "false",
	       host.initialised ? "initialised" : "uninitialised", host.initialised ? "false" : "true");
	for (unsigned i = 0; i < host.cpu_count; i++) {
		if (host.cpus[i].initialised) {
			printf("%s%u", comma, i);
			comma = ",";
		}
	}
	printf("],\"tdxMemory\":");
	print_ranges(&host.layout.memory);
}
