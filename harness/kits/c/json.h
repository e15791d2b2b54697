/* A small JSON reader: one text becomes one tree, all of it freed at once. MIT licence, as the rest of the project. */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>
#include <stdint.h>

enum json_type { JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
	enum json_type type;
	const char *key;          /* of a member of an object */
	const char *text;         /* of a string, decoded; of a number, as written */
	struct json *first, *next; /* of an array or object; behind this one */
};

/* Parses `text` in place; NULL if it is not JSON. Valid until json_free. */
struct json *json_parse(char *text);
void json_free(void);

/* The member of an object; NULL if there is none, or if `object` is none. */
const struct json *json_get(const struct json *object, const char *key);
/* The text of a string or number; "" for everything else. */
const char *json_text(const struct json *value);
/* A number, or a text such as "0x2d"; 0 for everything else. */
uint64_t json_u64(const struct json *value);
/* Writes a string with its quotes. */
void json_print(const char *text);

#endif
