/* Which memory a host gives to TDX: convertible regions, TDMRs over them, reserved areas inside, all of it laid out. */
#include "host.h"

#include <inttypes.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Appends a range; one that is empty is left out. False if there is no room. */
bool add_range(struct ranges *to, uint64_t base, uint64_t end, int node)
{
	if (base >= end)
		return true;
	if (to->count == RANGES_MAX)
		return false;
	to->list[to->count++] = (struct range){ base, end, node };
	return true;
}

/* Memory in CMRs above the first MiB; what lies outside them is taken offline. */
static int convertible(const struct ranges *memory, const struct ranges *cmrs, struct ranges *out)
{
	for (unsigned i = 0; i < memory->count; i++) {
		uint64_t at = most(memory->list[i].base, MIB), end = memory->list[i].end;

		for (unsigned j = 0; j <= cmrs->count; j++) {
			struct range cmr = j < cmrs->count ? cmrs->list[j] : (struct range){ end, end, 0 };
			uint64_t stop = least(cmr.base, end);

			if (cmr.base > at && at < end && !offline_memory(at, stop)) {
				say(3, "memory-in-use", at, stop, "memory [0x%" PRIx64 ", 0x%" PRIx64 ") is not convertible and in use",
				    at, stop);
				return EINVAL_;
			}
			if (!add_range(out, most(cmr.base, at), least(cmr.end, end), memory->list[i].node))
				return ENOSPC_;
			at = most(at, cmr.end);
		}
	}
	if (out->count)
		return 0;
	say(3, "no-convertible-memory", 0, 0, "initialization failed: no memory is convertible");
	return EINVAL_;
}

/* TDMRs: whole GiBs, none twice. */
static int cover(const struct ranges *regions, struct ranges *tdmrs)
{
	for (unsigned i = 0; i < regions->count; i++) {
		uint64_t base = regions->list[i].base / GIB * GIB, end = (regions->list[i].end + GIB - 1) / GIB * GIB;

		if (tdmrs->count)
			base = most(base, tdmrs->list[tdmrs->count - 1].end);
		add_range(tdmrs, base, end, 0);
	}
	return 0;
}

/* What the module must not use of a TDMR, ascending and joined: the holes between CMRs, and every PAMT. */
static bool reserved(struct range tdmr, const struct ranges *cmrs, const struct ranges *pamts, struct ranges *areas)
{
	struct ranges taken = { .count = 0 };
	uint64_t at = tdmr.base;
	bool room = true;

	for (unsigned i = 0; i < cmrs->count; i++) {
		room &= add_range(&taken, at, least(cmrs->list[i].base, tdmr.end), 0);
		at = most(at, cmrs->list[i].end);
	}
	room &= add_range(&taken, at, tdmr.end, 0);
	for (unsigned i = 0; i < pamts->count; i++)
		room &= add_range(&taken, most(pamts->list[i].base, tdmr.base), least(pamts->list[i].end, tdmr.end), 0);
	areas->count = 0;
	for (;;) {
		/* The next one is the lowest of those that are left. */
		struct range *next = NULL, *last = areas->count ? &areas->list[areas->count - 1] : NULL;

		for (unsigned i = 0; i < taken.count; i++)
			if (taken.list[i].end && (!next || taken.list[i].base < next->base))
				next = &taken.list[i];
		if (!next)
			return room;
		if (last && next->base <= last->end)
			last->end = most(last->end, next->end);
		else
			add_range(areas, next->base, next->end, 0);
		next->end = 0;
	}
}

/* One TDMR's PAMT: an entry for each page of each size, in whole pages. */
static int add_pamt(struct ranges *pamts, struct range tdmr, const uint64_t *entries, uint64_t *sizes)
{
	static const uint64_t pages[] = { PAGE, 2 << 20, GIB };
	uint64_t total = 0, base;

	for (int i = 0; i < 3; i++)
		total += sizes[i] = ((tdmr.end - tdmr.base) / pages[i] * entries[i] + PAGE - 1) / PAGE * PAGE;
	base = host_alloc(total, "contiguous");
	return base && add_range(pamts, base, base + total, 0) ? 0 : ENOMEM_;
}

/* Reads what the module wants, and lays it all out in memory; what it has allocated by then is in `out` if it fails. */
int lay_out(unsigned cpu, const struct ranges *memory, struct layout *out)
{
	uint64_t max_tdmrs, max_reserved, entries[3], sizes[RANGES_MAX][3], count, base, size, addresses[RANGES_MAX];
	struct ranges areas;
	int error = read_field(cpu, 0x9100000100000008, &max_tdmrs);

	error = error ? error : read_field(cpu, 0x9100000100000009, &max_reserved);
	for (unsigned i = 0; i < 3 && !error; i++)
		error = read_field(cpu, 0x9100000100000010 + i, &entries[i]);
	error = error ? error : read_field(cpu, 0x9000000100000000, &count);
	for (uint64_t i = 0; !error && i < count; i++) {
		error = read_field(cpu, 0x9000000300000080 + i, &base);
		error = error ? error : read_field(cpu, 0x9000000300000100 + i, &size);
		if (!error && size)
			add_range(&out->cmrs, base, base + size, 0);
	}
	error = error ? error : convertible(memory, &out->cmrs, &out->memory);
	error = error ? error : cover(&out->memory, &out->tdmrs);
	if (!error && out->tdmrs.count > max_tdmrs) {
		say(4, NULL, 0, 0, "initialization failed: TDMRs exhausted.");
		error = ENOSPC_;
	}
	for (unsigned i = 0; !error && i < out->tdmrs.count; i++)
		error = add_pamt(&out->pamts, out->tdmrs.list[i], entries, sizes[i]);
	if (error)
		return error;
	/* The array of addresses, and each TDMR_INFO on a boundary of 1024 bytes. */
	out->table = host_alloc(PAGE + 1024 * (uint64_t)out->tdmrs.count, "pages");
	for (unsigned i = 0; out->table && i < out->tdmrs.count; i++) {
		struct range tdmr = out->tdmrs.list[i];
		uint64_t pamt = out->pamts.list[i].base, *s = sizes[i];
		uint64_t words[64] = { tdmr.base, tdmr.end - tdmr.base, pamt + s[0] + s[1], s[2], pamt + s[0], s[1], pamt, s[0] };

		if (!reserved(tdmr, &out->cmrs, &out->pamts, &areas) || areas.count > max_reserved || areas.count > 28) {
			say(4, NULL, 0, 0, "initialization failed: TDMR [0x%" PRIx64 ", 0x%" PRIx64 "): reserved areas exhausted.",
			    tdmr.base, tdmr.end);
			return ENOSPC_;
		}
		for (unsigned j = 0; j < areas.count; j++) {
			words[8 + 2 * j] = areas.list[j].base - tdmr.base;
			words[9 + 2 * j] = areas.list[j].end - areas.list[j].base;
		}
		addresses[i] = out->table + PAGE + 1024 * (uint64_t)i;
		host_store(addresses[i], words, 8 + 2 * areas.count);
	}
	if (out->table)
		host_store(out->table, addresses, out->tdmrs.count);
	return out->table ? 0 : ENOMEM_;
}

/* True if every byte of [base, end) lies in one of the ranges. */
bool covers(const struct ranges *ranges, uint64_t base, uint64_t end)
{
	for (unsigned round = 0; round < ranges->count; round++)
		for (unsigned i = 0; i < ranges->count; i++)
			if (ranges->list[i].base <= base && base < ranges->list[i].end)
				base = ranges->list[i].end;
	return base >= end;
}
