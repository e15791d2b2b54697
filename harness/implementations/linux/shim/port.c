/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What the kernel does to the machine, as items, and its SEAMCALLs with their answers. */
#include <string.h>
#include "port.h"
#include "protocol.h"

#define LEAF_CONFIG 45
#define LEAF_TDMR_INIT 36
#define BLOCK_WORDS 128
#define ADDRESSES_MAX 64

extern int shim_cpu;

/* A run of equal TDH.SYS.TDMR.INIT calls that the outside has answered ahead. */
static struct { uint64_t left, used, done, step, size, base, registers[6]; int cpu; } run;

void port_forget_run(void)
{
	memset(&run, 0, sizeof(run));
}

static void flush_run(void)
{
	uint64_t used = run.used;

	run.left = run.used = 0;
	if (used)
		protocol_emit((uint32_t[]){ ITEM_RUN, LOW(used), HIGH(used) }, 3);
}

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
	protocol_emit(words, count);
}

void port_ask(const uint32_t *words, unsigned int count, uint32_t *answer, unsigned int answer_count)
{
	port_settle();
	protocol_ask(words, count, answer, answer_count);
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
