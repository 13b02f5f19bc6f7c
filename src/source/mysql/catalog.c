/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Queries of information_schema. Columns are described by the codes that the log has for their types. */
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "source/source.h"

/* Character sets ------------------------------------------------------------------------------- */

static int each_row(MYSQL *conn, const char *sql, void (*take)(struct my_charsets *set, MYSQL_ROW row), struct my_charsets *set,
		    struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "%s", sql);
	MYSQL_ROW row;

	if (!result)
		return -1;
	while ((row = mysql_fetch_row(result)))
		take(set, row);
	mysql_free_result(result);
	return 0;
}

static void take_charset(struct my_charsets *set, MYSQL_ROW row)
{
	my_charsets_add(set, row[0], (unsigned)strtoul(row[1], NULL, 10));
}

static void take_collation(struct my_charsets *set, MYSQL_ROW row)
{
	const struct my_charset *charset = row[0] && row[1] ? my_charset_named(set, row[1]) : NULL;

	if (charset)
		my_charsets_collation(set, (uint32_t)strtoul(row[0], NULL, 10), charset);
}

/* Collations of MariaDB from 10.10 on are for several character sets, and have a number with each. */
static const char applicable[] =
	"SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY";
static const char collations[] = "SELECT ID, CHARACTER_SET_NAME FROM information_schema.COLLATIONS";

int my_catalog_charsets(MYSQL *conn, struct my_charsets *set, struct error *err)
{
	bool each = strstr(mysql_get_server_info(conn), "MariaDB") && mysql_get_server_version(conn) >= 101001;

	if (each_row(conn, "SELECT CHARACTER_SET_NAME, MAXLEN FROM information_schema.CHARACTER_SETS", take_charset, set, err) < 0)
		return -1;
	return each_row(conn, each ? applicable : collations, take_collation, set, err);
}

/* Columns -------------------------------------------------------------------------------------- */

/* As they stand in the query below. */
enum { NAME, DATA_TYPE, COLUMN_TYPE, OCTETS, PRECISION, SCALE, FRACTION, CHARSET, GENERATED, NULLABLE };

/* How many bytes of meta are made of what. */
enum made { NOTHING, MADE_DECIMAL, MADE_OCTETS, MADE_FRACTION, MADE_BITS, MADE_ENUM, MADE_SET, MADE_NATIVE, MADE_1, MADE_2, MADE_3,
	    MADE_4, MADE_8 };

static const struct data_type {
	const char *name;
	uint8_t code;
	enum made made;
	bool binary;
} data_types[] = {
	{"tinyint", MY_TINY, NOTHING, false},          {"smallint", MY_SHORT, NOTHING, false},
	{"mediumint", MY_INT24, NOTHING, false},       {"int", MY_LONG, NOTHING, false},
	{"bigint", MY_LONGLONG, NOTHING, false},       {"float", MY_FLOAT, MADE_4, false},
	{"double", MY_DOUBLE, MADE_8, false},          {"decimal", MY_DECIMAL, MADE_DECIMAL, false},
	{"year", MY_YEAR, NOTHING, false},             {"bit", MY_BIT, MADE_BITS, false},
	{"date", MY_DATE, NOTHING, false},             {"time", MY_TIME, MADE_FRACTION, false},
	{"datetime", MY_DATETIME, MADE_FRACTION, false}, {"timestamp", MY_TIMESTAMP, MADE_FRACTION, false},
	{"char", MY_STRING, MADE_OCTETS, false},       {"binary", MY_STRING, MADE_OCTETS, true},
	{"varchar", MY_VARCHAR, MADE_OCTETS, false},   {"varbinary", MY_VARCHAR, MADE_OCTETS, true},
	{"tinytext", MY_BLOB, MADE_1, false},          {"text", MY_BLOB, MADE_2, false},
	{"mediumtext", MY_BLOB, MADE_3, false},        {"longtext", MY_BLOB, MADE_4, false},
	{"tinyblob", MY_BLOB, MADE_1, true},           {"blob", MY_BLOB, MADE_2, true},
	{"mediumblob", MY_BLOB, MADE_3, true},         {"longblob", MY_BLOB, MADE_4, true},
	{"enum", MY_ENUM, MADE_ENUM, false},           {"set", MY_SET, MADE_SET, false},
	{"uuid", MY_STRING, MADE_NATIVE, true},        {"inet6", MY_STRING, MADE_NATIVE, true},
	{"inet4", MY_STRING, MADE_NATIVE, true},       {"json", MY_JSON, MADE_4, false},
	{"geometry", MY_GEOMETRY, MADE_4, true},       {"point", MY_GEOMETRY, MADE_4, true},
	{"linestring", MY_GEOMETRY, MADE_4, true},     {"polygon", MY_GEOMETRY, MADE_4, true},
	{"multipoint", MY_GEOMETRY, MADE_4, true},     {"multilinestring", MY_GEOMETRY, MADE_4, true},
	{"multipolygon", MY_GEOMETRY, MADE_4, true},   {"geometrycollection", MY_GEOMETRY, MADE_4, true},
	{"geomcollection", MY_GEOMETRY, MADE_4, true}, {"vector", MY_VECTOR, MADE_4, true},
};

static const struct data_type *find_type(const char *name)
{
	for (size_t i = 0; i < sizeof(data_types) / sizeof(data_types[0]); i++)
		if (strcmp(data_types[i].name, name) == 0)
			return &data_types[i];
	return NULL;
}

/* enum('a','it''s'): the labels between their quotes. */
static void take_labels(const char *text, struct my_column *column, struct arena *arena)
{
	struct view *labels = ARENA_ARRAY(arena, struct view, strlen(text) / 2 + 1);
	const char *at = strchr(text, '(');

	for (at = at ? at + 1 : ""; *at == '\''; at += *at == ',') {
		char *label = arena_alloc(arena, strlen(at) + 1), *to = label;

		for (at++; *at && (*at != '\'' || at[1] == '\''); at++) {
			at += *at == '\'';
			*to++ = *at;
		}
		*to = '\0';
		labels[column->label_count++] = (struct view){label, (size_t)(to - label)};
		at += *at == '\'';
	}
	column->labels = labels;
}

static unsigned number(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static uint16_t make_meta(const struct data_type *type, const struct my_column *column, MYSQL_ROW row)
{
	unsigned count = column->label_count;

	switch (type->made) {
	case MADE_DECIMAL:
		return (uint16_t)(number(row[PRECISION]) | number(row[SCALE]) << 8);
	case MADE_OCTETS:
		return (uint16_t)number(row[OCTETS]);
	case MADE_FRACTION:
		return (uint16_t)number(row[FRACTION]);
	case MADE_BITS:
		return (uint16_t)(number(row[PRECISION]) % 8 | number(row[PRECISION]) / 8 << 8);
	case MADE_ENUM:
		return count < 256 ? 1 : 2;
	case MADE_SET:
		return count > 32 ? 8 : (uint16_t)((count + 7) / 8);
	case MADE_NATIVE:
		return strcmp(type->name, "inet4") == 0 ? 4 : 16;
	case MADE_1: case MADE_2: case MADE_3: case MADE_4:
		return (uint16_t)(type->made - MADE_1 + 1);
	case MADE_8:
		return 8;
	default:
		return 0;
	}
}

static void read_column(MYSQL_ROW row, const struct my_charsets *charsets, struct my_column *ret, struct arena *arena)
{
	const struct data_type *type = find_type(row[DATA_TYPE]);

	*ret = (struct my_column){.name = arena_copy(arena, view_of(row[NAME])).ptr};
	if (!type)
		return; /* of code 0, which has no row in the table of types */
	ret->code = type->code;
	ret->is_unsigned = strstr(row[COLUMN_TYPE], "unsigned") != NULL;
	ret->charset = type->binary ? my_charset_named(charsets, "binary") : row[CHARSET] ? my_charset_named(charsets, row[CHARSET]) : NULL;
	ret->native = type->made == MADE_NATIVE ? type->name : row[GENERATED] && strcmp(row[GENERATED], "ROW END") == 0 ? "row end" : NULL;
	if (type->made == MADE_ENUM || type->made == MADE_SET)
		take_labels(row[COLUMN_TYPE], ret, arena);
	ret->nulls = strcmp(row[NULLABLE], "YES") == 0 ? NULLS_SOME : NULLS_NONE;
	ret->meta = make_meta(type, ret, row);
}

/* The old forms of times have no fractions, and nothing that tells of them. */
static const char *fraction_column(MYSQL *conn)
{
	bool mariadb = strstr(mysql_get_server_info(conn), "MariaDB") != NULL;

	return mariadb || mysql_get_server_version(conn) >= 50600 ? "DATETIME_PRECISION" : "NULL";
}

/* Which says of the times of system versioning, where there is that, what they are. */
static const char *generated_column(MYSQL *conn)
{
	bool mariadb = strstr(mysql_get_server_info(conn), "MariaDB") != NULL;

	return mariadb && mysql_get_server_version(conn) >= 100300 ? "GENERATION_EXPRESSION" : "NULL";
}

static int read_columns(MYSQL *conn, const struct my_charsets *charsets, const char *where, struct arena *arena, struct my_shape *ret,
			struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SELECT COLUMN_NAME, IF(DATA_TYPE = 'vector' AND version() LIKE '%%MariaDB%%', "
				     "'varbinary', DATA_TYPE), COLUMN_TYPE, CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, "
				     "NUMERIC_SCALE, %s, CHARACTER_SET_NAME, %s, IS_NULLABLE FROM information_schema.COLUMNS WHERE %s "
				     "ORDER BY ORDINAL_POSITION", fraction_column(conn), generated_column(conn), where);
	MYSQL_ROW row;

	if (!result)
		return -1;
	ret->columns = ARENA_ARRAY(arena, struct my_column, mysql_num_rows(result) + 1);
	while ((row = mysql_fetch_row(result)))
		read_column(row, charsets, &ret->columns[ret->count++], arena);
	mysql_free_result(result);
	return 0;
}

static int column_named(const struct my_shape *shape, const char *name)
{
	for (unsigned i = 0; i < shape->count; i++)
		if (strcmp(shape->columns[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int read_key(MYSQL *conn, const char *where, struct arena *arena, struct my_shape *ret, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE %s AND INDEX_NAME = 'PRIMARY' "
				     "ORDER BY SEQ_IN_INDEX", where);
	MYSQL_ROW row;

	if (!result)
		return -1;
	ret->key = ARENA_ARRAY(arena, unsigned, ret->count + 1);
	while ((row = mysql_fetch_row(result))) {
		int column = column_named(ret, row[0]);

		if (column < 0 || ret->key_count == ret->count)
			continue;
		ret->columns[column].key = true;
		ret->key[ret->key_count++] = (unsigned)column;
	}
	mysql_free_result(result);
	return 0;
}

static const char *escape(MYSQL *conn, const char *text, struct arena *arena)
{
	size_t len = strlen(text);
	char *to = arena_alloc(arena, 2 * len + 1);

	mysql_real_escape_string(conn, to, text, len);
	return to;
}

int my_catalog_shape(MYSQL *conn, const struct my_charsets *charsets, const char *schema, const char *name, struct arena *arena,
		     struct my_shape *ret, struct error *err)
{
	const char *where = arena_printf(arena, "TABLE_SCHEMA = '%s' AND TABLE_NAME = '%s'", escape(conn, schema, arena),
					 escape(conn, name, arena)).ptr;

	*ret = (struct my_shape){.schema = schema, .name = name};
	if (read_columns(conn, charsets, where, arena, ret, err) < 0 || read_key(conn, where, arena, ret, err) < 0)
		return -1;
	return ret->count > 0;
}

int my_catalog_charset(MYSQL *conn, const char *schema, const char *name, struct arena *arena, const char **ret, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE TABLE_SCHEMA = '%s' AND TABLE_NAME = '%s'",
				     escape(conn, schema, arena), escape(conn, name, arena));
	MYSQL_ROW row;

	if (!result)
		return -1;
	row = mysql_fetch_row(result);
	*ret = row && row[0] ? arena_copy(arena, view_of(row[0])).ptr : NULL;
	mysql_free_result(result);
	return 0;
}

/* Tables --------------------------------------------------------------------------------------- */

static size_t listing_bytes(MYSQL_RES *result)
{
	size_t bytes = 0;
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(result)))
		bytes += sizeof(struct source_listing) + strlen(row[0]) + strlen(row[1]) + 2;
	mysql_data_seek(result, 0);
	return bytes;
}

int my_catalog_list(MYSQL *conn, struct source_listing **ret, size_t *ret_count, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE IN "
				     "('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') "
				     "ORDER BY 1, 2");
	MYSQL_ROW row;
	char *text;

	if (!result)
		return -1;
	*ret_count = mysql_num_rows(result);
	*ret = mem_resize(NULL, 1, listing_bytes(result) + 1);
	text = (char *)(*ret + *ret_count);
	for (size_t i = 0; (row = mysql_fetch_row(result)); i++) {
		(*ret)[i].schema = text;
		text = stpcpy(text, row[0]) + 1;
		(*ret)[i].name = text;
		text = stpcpy(text, row[1]) + 1;
	}
	mysql_free_result(result);
	return 0;
}

static bool is_one_of(const struct table *const *tables, size_t count, MYSQL_ROW row)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tables[i]->name, row[1]) == 0 && strcmp(tables[i]->schema, row[0]) == 0)
			return true;
	return false;
}

int my_catalog_expected(MYSQL *conn, const struct table *const *tables, size_t count, struct source_progress *ret, struct error *err)
{
	MYSQL_RES *result = my_query(conn, err, "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES "
				     "WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')");
	MYSQL_ROW row;

	if (!result)
		return -1;
	while ((row = mysql_fetch_row(result))) {
		if (!is_one_of(tables, count, row))
			continue;
		ret->expected_rows += row[2] ? strtoull(row[2], NULL, 10) : 0;
		ret->expected_bytes += row[3] ? strtoull(row[3], NULL, 10) : 0;
	}
	mysql_free_result(result);
	return 0;
}
