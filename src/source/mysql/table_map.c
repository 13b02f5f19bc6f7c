/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 *   u48 number, u16 flags, u8 length and schema and NUL, u8 length and name and NUL, lenenc columns, type of each,
 *   lenenc length and metadata of the types, a bit for each that may be null, and optional fields: u8 what, lenenc length,
 *   value
 *
 * The optional fields refer to columns by their order within a class (numbers, texts, enums and sets).
 */
#include "table_map.h"

#include "rows.h"

/* Codes that are never a column's own to us. */
enum { WIRE_TINY_BLOB = 249, WIRE_MEDIUM_BLOB = 250, WIRE_LONG_BLOB = 251, WIRE_VAR_STRING = 253 };

enum field {
	FIELD_SIGNEDNESS = 1, FIELD_DEFAULT_CHARSET, FIELD_CHARSETS, FIELD_NAMES, FIELD_SETS, FIELD_ENUMS, FIELD_GEOMETRY, FIELD_KEY,
	FIELD_KEY_PREFIXES, FIELD_LABEL_CHARSET, FIELD_LABEL_CHARSETS, FIELDS,
};

int table_map_name(struct view body, uint64_t *ret_id, struct view *ret_schema, struct view *ret_name, struct error *err)
{
	struct reader rd = reader_of(body);

	*ret_id = rd_uint_le(&rd, 6);
	rd_u16le(&rd);
	*ret_schema = rd_bytes(&rd, rd_u8(&rd));
	rd_u8(&rd);
	*ret_name = rd_bytes(&rd, rd_u8(&rd));
	rd_u8(&rd);
	return rd.failed ? error_set(err, ERROR_TRANSIENT, "a table map that is cut short") : 0;
}

/* How many bytes of metadata a type has. */
static unsigned meta_bytes(uint8_t type)
{
	switch (type) {
	case MY_VARCHAR: case MY_BIT: case MY_DECIMAL: case MY_ENUM: case MY_SET: case MY_STRING: case WIRE_VAR_STRING:
	case MY_PACKED_VARCHAR:
		return 2;
	case MY_FLOAT: case MY_DOUBLE: case MY_TIME: case MY_DATETIME: case MY_TIMESTAMP: case MY_JSON: case MY_BLOB: case MY_GEOMETRY:
	case MY_VECTOR: case WIRE_TINY_BLOB: case WIRE_MEDIUM_BLOB: case WIRE_LONG_BLOB: case MY_PACKED_BLOB:
		return 1;
	default:
		return 0;
	}
}

/* What stands behind CHAR, ENUM and SET, and how long they are, is packed into two bytes. */
static void unpack_string(struct my_column *column)
{
	uint8_t first = (uint8_t)column->meta, second = (uint8_t)(column->meta >> 8);

	if ((first & 0x30) != 0x30) {
		column->meta = (uint16_t)(second | ((first & 0x30) ^ 0x30) << 4);
		first |= 0x30;
	} else {
		column->meta = second;
	}
	column->code = first == MY_ENUM || first == MY_SET ? first : MY_STRING;
}

static bool is_between(unsigned number, unsigned least, unsigned most)
{
	return number >= least && number <= most;
}

/* Lengths, digits and bits that columns can have. */
static bool fits(const struct my_column *column)
{
	unsigned low = column->meta & 0xff, high = column->meta >> 8;

	switch (column->code) {
	case MY_DECIMAL:
		return is_between(low, 1, 65) && high <= low;
	case MY_BIT:
		return low < 8 && is_between(high * 8 + low, 1, 64);
	case MY_TIME: case MY_DATETIME: case MY_TIMESTAMP:
		return column->meta <= 6;
	case MY_BLOB: case MY_JSON: case MY_GEOMETRY: case MY_VECTOR: case MY_PACKED_BLOB:
		return is_between(column->meta, 1, 4);
	case MY_ENUM:
		return is_between(column->meta, 1, 2);
	case MY_SET:
		return is_between(column->meta, 1, 8);
	default:
		return true;
	}
}

static void take_nulls(struct my_shape *shape, struct view bits)
{
	for (unsigned i = 0; i < shape->count && bits.ptr; i++)
		shape->columns[i].nulls = bits.ptr[i / 8] >> (i % 8) & 1 ? NULLS_SOME : NULLS_NONE;
}

static void read_types(struct reader *rd, struct my_shape *shape)
{
	struct view types = rd_bytes(rd, shape->count);
	size_t len = rd_lenenc(rd);
	struct reader meta = reader_of(rd_bytes(rd, len));

	for (unsigned i = 0; i < shape->count && !rd->failed; i++) {
		struct my_column *column = &shape->columns[i];

		column->code = (uint8_t)types.ptr[i];
		column->meta = (uint16_t)rd_uint_le(&meta, meta_bytes(column->code));
		if (column->code == MY_STRING)
			unpack_string(column);
		else if (column->code == WIRE_VAR_STRING)
			column->code = MY_VARCHAR;
		rd->failed |= !fits(column);
	}
	rd->failed |= !rd_complete(&meta);
	take_nulls(shape, rd_bytes(rd, (shape->count + 7) / 8));
}

static void read_fields(struct reader *rd, struct view fields[FIELDS])
{
	while (!rd->failed && rd_left(rd)) {
		uint8_t what = rd_u8(rd);
		struct view value = rd_bytes(rd, rd_lenenc(rd));

		if (what < FIELDS)
			fields[what] = value;
	}
}

/* Classes of columns --------------------------------------------------------------------------- */

typedef bool column_class(const struct my_column *column, struct map_rules rules);

static bool is_number(const struct my_column *column, struct map_rules rules)
{
	switch (column->code) {
	case MY_TINY: case MY_SHORT: case MY_INT24: case MY_LONG: case MY_LONGLONG: case MY_FLOAT: case MY_DOUBLE: case MY_DECIMAL:
		return true;
	case MY_YEAR:
		return rules.years == YEARS_HAVE_SIGNS;
	default:
		return false;
	}
}

static bool has_charset(const struct my_column *column, struct map_rules rules)
{
	switch (column->code) {
	case MY_STRING: case MY_VARCHAR: case MY_BLOB: case MY_PACKED_VARCHAR: case MY_PACKED_BLOB:
		return true;
	default:
		return column->code == (rules.mariadb ? MY_GEOMETRY : MY_VECTOR);
	}
}

static bool has_labels(const struct my_column *column, struct map_rules rules)
{
	(void)rules;
	return column->code == MY_ENUM || column->code == MY_SET;
}

/* The next of a class from *at on, or NULL. */
static struct my_column *next_of(struct my_shape *shape, column_class *class, struct map_rules rules, unsigned *at)
{
	while (*at < shape->count) {
		struct my_column *column = &shape->columns[(*at)++];

		if (class(column, rules))
			return column;
	}
	return NULL;
}

static void take_signs(struct my_shape *shape, struct view bits, struct map_rules rules)
{
	struct my_column *column;

	for (unsigned at = 0, number = 0; (column = next_of(shape, is_number, rules, &at)) && number / 8 < bits.len; number++)
		column->is_unsigned = bits.ptr[number / 8] >> (7 - number % 8) & 1;
}

/* Whether the two ways to count them, one of which it is, come to the same. */
static bool signs_are_clear(struct my_shape *shape, struct view bits)
{
	bool known[MY_COLUMNS_MAX];

	take_signs(shape, bits, (struct map_rules){.years = YEARS_HAVE_SIGNS});
	for (unsigned i = 0; i < shape->count; i++)
		known[i] = shape->columns[i].is_unsigned;
	take_signs(shape, bits, (struct map_rules){.years = YEARS_HAVE_NONE});
	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i].code != MY_YEAR && known[i] != shape->columns[i].is_unsigned)
			return false;
	return true;
}

static int unclear_signs(const struct my_shape *shape, struct error *err)
{
	error_state(err, STATE_UNSUPPORTED, "table %s.%s has a column of type year before numbers with and without sign: which is which "
		    "is not known of a log of MySQL 8.0.16 to 8.0.30", shape->schema, shape->name);
	return error_hint(err, "exclude the table (tables.exclude), or upgrade the server");
}

/* One collation for most columns, and those that differ. */
static int take_default_charset(struct my_shape *shape, column_class *class, struct map_rules rules, struct view field,
				const struct my_charsets *charsets)
{
	struct reader rd = reader_of(field);
	const struct my_charset *usual = my_charset_of(charsets, (uint32_t)rd_lenenc(&rd));
	struct my_column *column;

	for (unsigned at = 0; (column = next_of(shape, class, rules, &at));)
		column->charset = usual;
	for (unsigned pairs = 0; !rd.failed && rd_left(&rd); pairs++) {
		uint64_t number = rd_lenenc(&rd);
		unsigned at = 0;

		do
			column = next_of(shape, class, rules, &at);
		while (column && number--);
		if (!column || pairs == shape->count)
			return -1;
		column->charset = my_charset_of(charsets, (uint32_t)rd_lenenc(&rd));
	}
	return rd.failed ? -1 : 0;
}

static int take_charsets(struct my_shape *shape, column_class *class, struct map_rules rules, struct view field,
			 const struct my_charsets *charsets)
{
	struct reader rd = reader_of(field);
	struct my_column *column;

	for (unsigned at = 0; (column = next_of(shape, class, rules, &at));)
		column->charset = my_charset_of(charsets, (uint32_t)rd_lenenc(&rd));
	return rd_complete(&rd) ? 0 : -1;
}

static int take_each_charset(struct my_shape *shape, struct map_rules rules, const struct view fields[FIELDS], const struct my_charsets *charsets)
{
	if (fields[FIELD_DEFAULT_CHARSET].ptr &&
	    take_default_charset(shape, has_charset, rules, fields[FIELD_DEFAULT_CHARSET], charsets) < 0)
		return -1;
	if (fields[FIELD_CHARSETS].ptr && take_charsets(shape, has_charset, rules, fields[FIELD_CHARSETS], charsets) < 0)
		return -1;
	if (fields[FIELD_LABEL_CHARSET].ptr &&
	    take_default_charset(shape, has_labels, rules, fields[FIELD_LABEL_CHARSET], charsets) < 0)
		return -1;
	return fields[FIELD_LABEL_CHARSETS].ptr ? take_charsets(shape, has_labels, rules, fields[FIELD_LABEL_CHARSETS], charsets) : 0;
}

static int take_names(struct my_shape *shape, struct view field, struct arena *arena)
{
	struct reader rd = reader_of(field);

	for (unsigned i = 0; i < shape->count; i++)
		shape->columns[i].name = arena_copy(arena, rd_bytes(&rd, rd_lenenc(&rd))).ptr;
	return rd_complete(&rd) ? 0 : -1;
}

static int read_labels(struct reader *rd, struct my_column *column, struct arena *arena)
{
	uint64_t count = rd_lenenc(rd);
	struct view *labels;

	if (rd->failed || count > 65535 || count > rd_left(rd))
		return -1;
	labels = ARENA_ARRAY(arena, struct view, count + 1);
	for (uint64_t i = 0; i < count; i++) {
		struct view bytes = rd_bytes(rd, rd_lenenc(rd));

		if (column->charset && my_charset_text(column->charset, bytes, arena, &bytes) < 0)
			return -1;
		labels[i] = arena_copy(arena, bytes);
	}
	column->labels = labels;
	column->label_count = (unsigned)count;
	return 0;
}

static int take_labels(struct my_shape *shape, uint8_t code, struct view field, struct arena *arena)
{
	struct reader rd = reader_of(field);

	for (unsigned i = 0; i < shape->count; i++)
		if (shape->columns[i].code == code && read_labels(&rd, &shape->columns[i], arena) < 0)
			return -1;
	return rd_complete(&rd) ? 0 : -1;
}

/* The key's columns; `pairs`: each with the length of the prefix that is in it. */
static int take_key(struct my_shape *shape, struct view field, bool pairs, struct arena *arena)
{
	struct reader rd = reader_of(field);

	shape->key = ARENA_ARRAY(arena, unsigned, shape->count);
	while (!rd.failed && rd_left(&rd)) {
		uint64_t number = rd_lenenc(&rd);

		if (pairs)
			rd_lenenc(&rd);
		if (number >= shape->count || shape->key_count == shape->count)
			return -1;
		shape->columns[number].key = true;
		shape->key[shape->key_count++] = (unsigned)number;
	}
	return rd.failed ? -1 : 0;
}

static int take_fields(struct my_shape *shape, const struct view fields[FIELDS], const struct my_charsets *charsets, struct map_rules rules,
		       struct arena *arena)
{
	take_signs(shape, fields[FIELD_SIGNEDNESS], rules);
	if (take_each_charset(shape, rules, fields, charsets) < 0 || take_names(shape, fields[FIELD_NAMES], arena) < 0)
		return -1;
	if ((fields[FIELD_SETS].ptr && take_labels(shape, MY_SET, fields[FIELD_SETS], arena) < 0) ||
	    (fields[FIELD_ENUMS].ptr && take_labels(shape, MY_ENUM, fields[FIELD_ENUMS], arena) < 0))
		return -1;
	if (fields[FIELD_KEY].ptr)
		return take_key(shape, fields[FIELD_KEY], false, arena);
	return fields[FIELD_KEY_PREFIXES].ptr ? take_key(shape, fields[FIELD_KEY_PREFIXES], true, arena) : 0;
}

static int no_names(const struct my_shape *shape, struct error *err)
{
	error_state(err, STATE_SHAPE_UNKNOWN, "the log does not tell the names of the columns of table %s.%s, and what they were when this was "
		    "written is not known", shape->schema, shape->name);
	return error_hint(err, "SET GLOBAL binlog_row_metadata = 'FULL', where the server has it; what was written before cannot be read: begin anew "
			       "behind it");
}

/* What is known ------------------------------------------------------------------------------- */

/* Times of the old forms and of the new ones have one declaration; texts tell how many bytes their length has, whatever they are called. */
static bool fits_type(const struct my_column *found, const struct my_column *known)
{
	static const uint8_t old_times[][2] = {{MY_OLD_TIME, MY_TIME}, {MY_OLD_DATETIME, MY_DATETIME}, {MY_OLD_TIMESTAMP, MY_TIMESTAMP}};

	for (size_t i = 0; i < sizeof(old_times) / sizeof(old_times[0]); i++)
		if (found->code == old_times[i][0])
			return known->meta == 0 && (known->code == old_times[i][0] || known->code == old_times[i][1]);
	if (found->code != known->code)
		return false;
	return found->meta == known->meta || found->code == MY_BLOB || found->code == MY_PACKED_BLOB;
}

static bool fits_column(const struct my_column *found, const struct my_column *known)
{
	return fits_type(found, known) && (known->nulls == NULLS_UNKNOWN || found->nulls == known->nulls);
}

static int does_not_fit(const struct my_shape *shape, const char *column, struct error *err)
{
	error_state(err, STATE_SHAPE_UNKNOWN, "the log has table %s.%s otherwise than its statements made it (%s%s)", shape->schema, shape->name,
		    *column ? "column " : "the number of columns", column);
	return error_hint(err, "begin anew with a snapshot; where the server has it, SET GLOBAL binlog_row_metadata = 'FULL' makes the log tell of "
			       "columns itself");
}

/* Signs that the log tells have to be those that are known. */
static bool fits_signs(struct my_shape *shape, const struct my_shape *known, struct view bits, struct map_rules rules)
{
	if (!bits.ptr || rules.years == YEARS_UNKNOWN)
		return true;
	take_signs(shape, bits, rules);
	for (unsigned i = 0; i < shape->count; i++)
		if (is_number(&shape->columns[i], rules) && shape->columns[i].code != MY_YEAR &&
		    shape->columns[i].is_unsigned != known->columns[i].is_unsigned)
			return false;
	return true;
}

static int take_known(struct my_shape *shape, const struct my_shape *known, struct view signs, struct map_rules rules, struct arena *arena,
		      struct error *err)
{
	if (shape->count != known->count)
		return does_not_fit(shape, "", err);
	if (!fits_signs(shape, known, signs, rules))
		return does_not_fit(shape, "with another sign", err);
	for (unsigned i = 0; i < shape->count; i++) {
		struct my_column found = shape->columns[i];

		if (!fits_column(&found, &known->columns[i]))
			return does_not_fit(shape, known->columns[i].name, err);
		shape->columns[i] = known->columns[i];
		shape->columns[i].code = found.code;
		shape->columns[i].meta = found.meta;
	}
	shape->key = ARENA_ARRAY(arena, unsigned, known->key_count + 1);
	shape->key_count = known->key_count;
	for (unsigned i = 0; i < known->key_count; i++)
		shape->key[i] = known->key[i];
	return 1;
}

int table_map_read(struct view body, const struct my_charsets *charsets, struct map_rules rules, const struct my_shape *known,
		   struct arena *arena, struct my_shape *ret, struct error *err)
{
	struct reader rd = reader_of(body);
	struct view fields[FIELDS] = {{0}}, schema, name;
	uint64_t count;

	rd_bytes(&rd, 8);
	schema = rd_bytes(&rd, rd_u8(&rd));
	rd_u8(&rd);
	name = rd_bytes(&rd, rd_u8(&rd));
	rd_u8(&rd);
	count = rd_lenenc(&rd);
	if (rd.failed || !count || count > MY_COLUMNS_MAX)
		return error_set(err, ERROR_TRANSIENT, "a table map that is garbled");
	*ret = (struct my_shape){.schema = arena_copy(arena, schema).ptr, .name = arena_copy(arena, name).ptr,
				 .columns = ARENA_ARRAY(arena, struct my_column, count), .count = (unsigned)count,
				 .visible = (unsigned)count};
	read_types(&rd, ret);
	read_fields(&rd, fields);
	if (!rd.failed && !fields[FIELD_NAMES].ptr)
		return known ? take_known(ret, known, fields[FIELD_SIGNEDNESS], rules, arena, err) : no_names(ret, err);
	if (!rd.failed && rules.years == YEARS_UNKNOWN && !signs_are_clear(ret, fields[FIELD_SIGNEDNESS]))
		return unclear_signs(ret, err);
	if (rd.failed || take_fields(ret, fields, charsets, rules, arena) < 0)
		return error_set(err, ERROR_TRANSIENT, "the table map of %s.%s is garbled", ret->schema, ret->name);
	return 0;
}
