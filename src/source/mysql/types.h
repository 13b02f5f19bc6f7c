/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The types of MySQL and MariaDB: which of ours each is, how its values are read from the log and from a result, and
 * what the manual says of it. One table. A column is described as a table map of the log describes it (MySQL source,
 * "Table_map_event"; MariaDB documentation, "TABLE_MAP_EVENT"), also where the catalogue tells of it, so that the two
 * can be compared.
 */
#ifndef MYSQL_TYPES_H
#define MYSQL_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/reader.h"
#include "charset.h"
#include "model/table.h"
#include "model/type.h"
#include "model/value.h"

struct source_type;

/* Codes of the log. CHAR, ENUM and SET, which are all 254 there, are told apart. */
enum my_code {
	MY_TINY = 1, MY_SHORT = 2, MY_LONG = 3, MY_FLOAT = 4, MY_DOUBLE = 5, MY_OLD_TIMESTAMP = 7, MY_LONGLONG = 8, MY_INT24 = 9,
	MY_DATE = 10, MY_OLD_TIME = 11, MY_OLD_DATETIME = 12, MY_YEAR = 13, MY_VARCHAR = 15, MY_BIT = 16, MY_TIMESTAMP = 17,
	MY_DATETIME = 18, MY_TIME = 19, MY_PACKED_BLOB = 140, MY_PACKED_VARCHAR = 141, MY_VECTOR = 242, MY_JSON = 245, MY_DECIMAL = 246, MY_ENUM = 247, MY_SET = 248, MY_BLOB = 252, MY_STRING = 254,
	MY_GEOMETRY = 255,
};

struct my_column {
	const char *name;
	uint8_t code;
	uint16_t meta;                    /* as in the table map; ENUM, SET: bytes; STRING: bytes at most */
	bool is_unsigned;
	bool key;                         /* of the primary key */
	enum { NULLS_UNKNOWN, NULLS_SOME, NULLS_NONE } nulls;
	const struct my_charset *charset; /* of texts and labels; NULL: not told */
	const struct view *labels;        /* of ENUM and SET, in UTF-8 */
	unsigned label_count;
	uint8_t dates;                    /* enum source_dates: what is done with those that the calendar does not have */
	const char *native;               /* of the catalogue alone: uuid, inet4, inet6, which look like binary(16) in the log; row end */
};

/* A value from the log, of the column as it is described; -1: it is no value of it. */
typedef int my_read(struct reader *rd, const struct my_column *column, struct arena *arena, struct value *ret);

/* A value from a result of the text protocol. */
typedef int my_parse(struct view text, const struct my_column *column, struct arena *arena, struct value *ret);

struct my_type {
	const char *name;                 /* in the manual */
	uint8_t code;
	enum type_kind kind;
	my_read *read;
	my_parse *parse;
	const char *remark;               /* may be NULL */
};

/* The row of the table that is for a column, or NULL: there is none. */
const struct my_type *my_type_of(const struct my_column *column);

/* Our type of a column, and the server's name of it ("varchar(20)", "int unsigned"), in the arena. */
struct type my_column_type(const struct my_column *column);
const char *my_column_print(const struct my_column *column, struct arena *arena);

/* What stands behind its name where it is selected, so that `parse` can read it; NULL: nothing. */
const char *my_column_select(const struct my_column *column);

/* What source_ops.type says. */
bool my_type_at(size_t number, struct source_type *ret);

#endif
