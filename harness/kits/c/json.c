#include "json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct block {
	struct block *next;
	size_t used;
	struct json values[512];
};

static struct block *blocks;

static struct json *new_value(enum json_type type)
{
	if (!blocks || blocks->used == sizeof(blocks->values) / sizeof(blocks->values[0])) {
		struct block *block = malloc(sizeof(*block));

		if (!block)
			abort();
		block->next = blocks;
		block->used = 0;
		blocks = block;
	}
	struct json *value = &blocks->values[blocks->used++];

	memset(value, 0, sizeof(*value));
	value->type = type;
	return value;
}

void json_free(void)
{
	while (blocks) {
		struct block *next = blocks->next;

		free(blocks);
		blocks = next;
	}
}

static char *skip(char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
		at++;
	return at;
}

static int hex4(const char *at, unsigned *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return 0;
		*code = *code * 16 + (unsigned)(isdigit((unsigned char)at[i]) ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
	}
	return 1;
}

/* Writes a code point as UTF-8. */
static char *encode(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
		*to++ = (char)(0x80 | (code & 63));
	} else if (code < 0x10000) {
		*to++ = (char)(0xe0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 63));
		*to++ = (char)(0x80 | (code & 63));
	} else {
		*to++ = (char)(0xf0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 63));
		*to++ = (char)(0x80 | (code >> 6 & 63));
		*to++ = (char)(0x80 | (code & 63));
	}
	return to;
}

/* `at` stands behind the opening quote; decodes in place, which never needs more room. NULL if it has no end. */
static char *read_string(char *at, const char **text)
{
	char *to = at;

	*text = at;
	while (*at != '"') {
		if ((unsigned char)*at < ' ')
			return NULL;
		if (*at != '\\') {
			*to++ = *at++;
			continue;
		}
		static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
		const char *escape = at[1] ? strchr(from, at[1]) : NULL;
		unsigned code, low;

		if (escape) {
			*to++ = meant[escape - from];
			at += 2;
		} else if (at[1] == 'u' && hex4(at + 2, &code)) {
			at += 6;
			if (code >= 0xd800 && code < 0xdc00 && at[0] == '\\' && at[1] == 'u' && hex4(at + 2, &low) &&
			    low >= 0xdc00 && low < 0xe000) {
				code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
				at += 6;
			}
			to = encode(to, code);
		} else {
			return NULL;
		}
	}
	*to = '\0';
	return at + 1;
}

static char *read_value(char *at, struct json **value, int depth);

/* The members of an array or object, up to its closing mark. */
static char *read_members(char *at, struct json *parent, char close, int depth)
{
	struct json **link = &parent->first;

	at = skip(at);
	if (*at == close)
		return at + 1;
	for (;;) {
		const char *key = NULL;

		if (close == '}') {
			at = skip(at);
			if (*at != '"' || !(at = read_string(at + 1, &key)))
				return NULL;
			at = skip(at);
			if (*at++ != ':')
				return NULL;
		}
		if (!(at = read_value(at, link, depth)))
			return NULL;
		(*link)->key = key;
		link = &(*link)->next;
		at = skip(at);
		if (*at == close)
			return at + 1;
		if (*at++ != ',')
			return NULL;
	}
}

static char *read_value(char *at, struct json **value, int depth)
{
	static const struct { const char *word; enum json_type type; } words[] = {
		{ "null", JSON_NULL }, { "false", JSON_FALSE }, { "true", JSON_TRUE },
	};

	at = skip(at);
	if (depth > DEPTH_MAX)
		return NULL;
	if (*at == '{' || *at == '[') {
		*value = new_value(*at == '{' ? JSON_OBJECT : JSON_ARRAY);
		return read_members(at + 1, *value, *at == '{' ? '}' : ']', depth + 1);
	}
	if (*at == '"') {
		*value = new_value(JSON_STRING);
		return read_string(at + 1, &(*value)->text);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i].word);

		if (strncmp(at, words[i].word, length) == 0) {
			*value = new_value(words[i].type);
			return at + length;
		}
	}
	char *end;

	/* Something stands before the number, unless it is the whole text: the room for its end is there. */
	if ((*at != '-' && !isdigit((unsigned char)*at)) || depth == 0)
		return NULL;
	strtod(at, &end);
	memmove(at - 1, at, (size_t)(end - at));
	end[-1] = '\0';
	*value = new_value(JSON_NUMBER);
	(*value)->text = at - 1;
	return end;
}

struct json *json_parse(char *text)
{
	struct json *value = NULL;
	char *end = read_value(text, &value, 0);

	return end && *skip(end) == '\0' ? value : NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	if (!object || object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *one = object->first; one; one = one->next)
		if (strcmp(one->key, key) == 0)
			return one;
	return NULL;
}

const char *json_text(const struct json *value)
{
	return value && value->text ? value->text : "";
}

uint64_t json_u64(const struct json *value)
{
	return strtoull(json_text(value), NULL, 0);
}

void json_print(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}
