/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Words to and from the outside; harness/implementations/linux/wire.ts is its side of it. */
#ifndef SEAMSTRESS_PROTOCOL_H
#define SEAMSTRESS_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The message under way carries what is expected. What is not as expected ends its commands. */
extern bool protocol_scripted;
/* Compares an item with the script, or sends it. */
void protocol_emit(const uint32_t *words, size_t count);
void protocol_ask(const uint32_t *words, size_t count, uint32_t *answer, size_t answer_count);
/* The operands of a command; 0 behind the end of the message. */
uint32_t protocol_next(void);
uint64_t protocol_next64(void);
/* Is there another command? */
bool protocol_command(void);
void protocol_command_ends(void);
/* Keeps the pipes in stdin and stdout for the protocol alone: a read or write of 0 or 1 by the tree has no effect. */
void protocol_open(void);
/* One message after the other, until the outside is gone. */
void protocol_serve(void (*perform_all)(void)) __attribute__((noreturn));

#endif
