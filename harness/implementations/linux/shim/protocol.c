/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The protocol: a message of words in (a length, then the words), one or more out. Commands run the kernel; what it does
 * comes out as items. A message is either a conversation (items go out, the outside answers those that ask) or a script:
 * it carries the items expected and the answers to them, and the reply only says whether all of it came about.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "crash.h"
#include "protocol.h"

/* Of one message: what the outside answers one by one. */
#define ASKED_MAX 100000

/* The pipes, under numbers that code of the tree does not use by chance. */
#define DESCRIPTORS_FROM 64
static int from_harness, to_harness;

/* Message under way. */
static uint32_t *input;
static size_t input_room, input_count, cursor;
static uint32_t output[1 << 16];
static size_t output_count;
static int command_number;
static size_t item_number;
static unsigned int asked;
static sigjmp_buf stray;
bool protocol_scripted;

static void write_all(const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t written = write(to_harness, at, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			_exit(0);
		at += written;
		count -= written;
	}
}

static void read_all(void *bytes, size_t count)
{
	char *at = bytes;

	while (count > 0) {
		ssize_t got = read(from_harness, at, count);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			_exit(0);
		at += got;
		count -= got;
	}
}

static void send(void)
{
	output[0] = output_count;
	write_all(output, (output_count + 1) * 4);
	output_count = 0;
}

static void out(const uint32_t *words, size_t count)
{
	/* A message that neither asks nor ends goes on in the next one. */
	if (1 + output_count + count > sizeof(output) / 4)
		send();
	memcpy(output + 1 + output_count, words, count * 4);
	output_count += count;
}

void protocol_emit(const uint32_t *words, size_t count)
{
	if (!protocol_scripted) {
		out(words, count);
		return;
	}
	if (cursor + count > input_count || memcmp(input + cursor, words, count * 4) != 0)
		siglongjmp(stray, 1);
	cursor += count;
	item_number++;
}

void protocol_ask(const uint32_t *words, size_t count, uint32_t *answer, size_t answer_count)
{
	if (!protocol_scripted && ++asked > ASKED_MAX)
		crash_now(CRASH_HANG);
	protocol_emit(words, count);
	if (protocol_scripted) {
		if (cursor + answer_count > input_count)
			siglongjmp(stray, 1);
		memcpy(answer, input + cursor, answer_count * 4);
		cursor += answer_count;
		return;
	}
	send();
	read_all(answer, answer_count * 4);
}

uint32_t protocol_next(void)
{
	return cursor < input_count ? input[cursor++] : 0;
}

uint64_t protocol_next64(void)
{
	uint32_t low = protocol_next();

	return (uint64_t)protocol_next() << 32 | low;
}

bool protocol_command(void)
{
	item_number = 0;
	return cursor < input_count;
}

void protocol_command_ends(void)
{
	command_number++;
}

static void receive(void)
{
	uint32_t header[2];

	read_all(header, sizeof(header));
	input_count = header[0];
	protocol_scripted = header[1];
	if (input_count > input_room) {
		input_room = input_count * 2;
		input = realloc(input, input_room * 4);
	}
	read_all(input, input_count * 4);
	cursor = 0;
	command_number = 0;
	output_count = 0;
	asked = 0;
}

void protocol_open(void)
{
	int nothing = open("/dev/null", O_RDWR);

	from_harness = fcntl(0, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
	to_harness = fcntl(1, F_DUPFD_CLOEXEC, DESCRIPTORS_FROM);
	if (nothing < 0 || from_harness < 0 || to_harness < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0)
		_exit(1);
	close(nothing);
}

void protocol_serve(void (*perform_all)(void))
{
	for (;;) {
		receive();
		if (sigsetjmp(stray, 0) == 0) {
			perform_all();
			if (protocol_scripted)
				out((uint32_t[]){ 0 }, 1);
		} else {
			output_count = 0;
			out((uint32_t[]){ 1, command_number, item_number }, 3);
		}
		send();
	}
}
