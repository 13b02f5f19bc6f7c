/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Character sets of MySQL and MariaDB. The log has texts as they are stored; here they become UTF-8, so that they are
 * what the server gives to a client that has asked for utf8mb4.
 */
#ifndef MYSQL_CHARSET_H
#define MYSQL_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/view.h"

enum my_charset_form { CHARSET_BYTES, CHARSET_UTF8, CHARSET_LATIN1, CHARSET_OTHER };

struct my_charset {
	const char *name;
	unsigned most_bytes;       /* of a character */
	enum my_charset_form form;
	void *converter;           /* CHARSET_OTHER: an iconv_t; NULL: there is none for it */
};

/* Those of one server: by name, and by the numbers of their collations. All zero: none. */
struct my_charsets {
	struct arena arena;
	struct map by_name;        /* name -> struct my_charset */
	struct map by_collation;   /* number -> struct my_charset */
};

void my_charsets_done(struct my_charsets *set);

/* Adds one, which is returned; or the one of that name. */
const struct my_charset *my_charsets_add(struct my_charsets *set, const char *name, unsigned most_bytes);
void my_charsets_collation(struct my_charsets *set, uint32_t number, const struct my_charset *charset);

/* NULL: not known. */
const struct my_charset *my_charset_named(const struct my_charsets *set, const char *name);
const struct my_charset *my_charset_of(const struct my_charsets *set, uint32_t collation);

/*
 * The bytes as UTF-8, in place or in the arena: 0, or -1 if they are to be UTF-8 and are not, or nothing can be told of the set. What the set has
 * and Unicode has not is '?'.
 */
int my_charset_text(const struct my_charset *charset, struct view bytes, struct arena *arena, struct view *ret) MUST_CHECK;

#endif
