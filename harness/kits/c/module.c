/*
 * A TDX module that is just begun. Copy it, then make it yours: protocol.c puts it behind seam-stdio/1. C11 and POSIX,
 * nothing else:
 *
 *	cc -std=c11 -O2 -o module module.c protocol.c json.c
 *
 * See docs/implementing.md.
 */
#include "module.h"

#include <stdbool.h>
#include <string.h>

const char *const module_name = "c starter";
const char *const module_leaves = "\"0x1f\",\"0x21\",\"0x23\",\"0x2d\"";

#define SUCCESS 0
#define OPERAND_INVALID 0xc000010000000000
#define SYS_NOT_READY 0xc000050500000000
#define SYS_INIT_NOT_PENDING 0xc000050000000000
#define SYS_LP_INIT_NOT_PENDING 0xc000050b00000000
#define SYS_LP_INIT_DONE 0xc000050300000000
#define SYS_CONFIG_NOT_PENDING 0xc000050c00000000
#define SYS_KEY_CONFIG_NOT_PENDING 0xc000050700000000
#define KEY_CONFIGURED 0x0000081500000000

/* The module as the loader leaves it is all zero: cleared for every case. */
static struct {
	enum { PENDING, SYSINIT_DONE, CONFIG_DONE, READY } phase;
	uint64_t package[LPS_MAX];
	bool initialised[LPS_MAX], configured[LPS_MAX];
	unsigned lps, initialised_count;
} module;

static uint64_t sys_init(unsigned lp, uint64_t *regs)
{
	(void)lp, (void)regs;
	if (module.phase != PENDING)
		return SYS_INIT_NOT_PENDING;
	module.phase = SYSINIT_DONE;
	return SUCCESS;
}

static uint64_t sys_lp_init(unsigned lp, uint64_t *regs)
{
	(void)regs;
	if (module.phase != SYSINIT_DONE)
		return SYS_LP_INIT_NOT_PENDING;
	if (module.initialised[lp])
		return SYS_LP_INIT_DONE;
	module.initialised[lp] = true;
	module.initialised_count++;
	return SUCCESS;
}

static uint64_t sys_config(unsigned lp, uint64_t *regs)
{
	(void)lp, (void)regs;
	if (module.phase != SYSINIT_DONE || module.initialised_count != module.lps)
		return SYS_CONFIG_NOT_PENDING;
	/* Next: read the TDMR_INFOs that RCX points to, and check them. */
	module.phase = CONFIG_DONE;
	return SUCCESS;
}

static uint64_t sys_key_config(unsigned lp, uint64_t *regs)
{
	(void)regs;
	if (module.phase != CONFIG_DONE)
		return SYS_KEY_CONFIG_NOT_PENDING;
	if (module.configured[lp])
		return KEY_CONFIGURED;
	bool all = true;

	for (unsigned i = 0; i < module.lps; i++) {
		module.configured[i] |= module.package[i] == module.package[lp];
		all &= module.configured[i];
	}
	if (all)
		module.phase = READY;
	return SUCCESS;
}

/* A leaf that is not here is answered TDX_SYS_NOT_READY before READY, and "unsupported" after. */
static const struct { uint64_t number; uint64_t (*run)(unsigned lp, uint64_t *regs); } leaves[] = {
	{ 0x1f, sys_key_config }, { 0x21, sys_init }, { 0x23, sys_lp_init }, { 0x2d, sys_config },
};
static const uint64_t before_ready[] = { 0x20, 0x22, 0x25, 0x2c, 0x35 };
/* They may have a version in RAX bits 23:16; bits 63:24 are always 0. */
static const uint64_t versioned[] = { 0x3, 0xb, 0x17, 0x1a, 0x1e };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_leaf_number(uint64_t rax)
{
	bool ok = rax < 0x10000;

	for (size_t i = 0; i < COUNT(versioned); i++)
		ok |= rax < 0x1000000 && (rax & 0xffff) == versioned[i];
	return ok;
}

bool module_seamcall(unsigned lp, uint64_t *regs)
{
	if (!is_leaf_number(regs[RAX])) {
		regs[RAX] = OPERAND_INVALID;
		return true;
	}
	for (size_t i = 0; i < COUNT(leaves); i++) {
		if (leaves[i].number == regs[RAX]) {
			regs[RAX] = leaves[i].run(lp, regs);
			return true;
		}
	}
	for (size_t i = 0; i < COUNT(before_ready); i++)
		if (before_ready[i] == regs[RAX])
			return false;
	if (module.phase == READY)
		return false;
	regs[RAX] = SYS_NOT_READY;
	return true;
}

void module_reset(const struct json *platform)
{
	const struct json *lps = json_get(platform, "lps");

	memset(&module, 0, sizeof(module));
	for (const struct json *lp = lps ? lps->first : NULL; lp && module.lps < LPS_MAX; lp = lp->next)
		module.package[module.lps++] = json_u64(json_get(lp, "pkg"));
}

unsigned module_lps(void)
{
	return module.lps;
}
