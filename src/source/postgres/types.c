/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The table of types, in the order of the manual. It has every type that is built in (PostgreSQL documentation, chapter
 * 8; pg_type.dat of the server) and a column can have, so that none of them depends on what the catalogue says.
 */
#include "types.h"

#include <string.h>

#include "source/source.h"

enum {
	BPCHAROID = 1042,
	VARCHAROID = 1043,
	MONEYOID = 790,
	NUMERICOID = 1700,
};

#define VARHDRSZ 4 /* the server adds it to length and numeric modifiers */

#define AS_PRINTED "As the server prints it."
#define UNTIL_11 "Until PostgreSQL 11. As the server prints it."
#define LAST_BIT_FIRST "The last bit is the lowest of the first byte; zero bytes at the end are left out."
#define NUMBER_OR_NAME "Its name, or its number if nothing has it any more."

static const struct pg_type types[] = {
	{16, 1000, "bool", NULL, TYPE_BOOL, convert_bool, NULL, 0, 0},
	{21, 1005, "int2", NULL, TYPE_INT16, convert_int2, NULL, 0, 0},
	{23, 1007, "int4", NULL, TYPE_INT32, convert_int4, NULL, 0, 0},
	{20, 1016, "int8", NULL, TYPE_INT64, convert_integer, NULL, 0, 0},
	{26, 1028, "oid", NULL, TYPE_INT64, convert_integer, NULL, 0, 0},
	{700, 1021, "float4", NULL, TYPE_FLOAT32, convert_real, "NaN and the infinities are themselves.", 0, 0},
	{701, 1022, "float8", NULL, TYPE_FLOAT64, convert_real, "NaN and the infinities are themselves.", 0, 0},
	{NUMERICOID, 1231, "numeric", "numeric(p,s)", TYPE_DECIMAL, convert_text,
	 "Exact. A negative scale becomes 0 and a scale beyond the precision becomes the precision, with as many digits more. "
	 "NaN has no form: see on_bad_record.", VARHDRSZ, INT32_MAX},
	{NUMERICOID, 1231, "numeric", NULL, TYPE_DECIMAL_VARIABLE, convert_text,
	 "Exact, of any length, each value at its own scale without zeros at the end. NaN and the infinities have no form: see "
	 "on_bad_record.", 0, 0},
	{MONEYOID, 0, "money", NULL, TYPE_DECIMAL, convert_money,
	 "Exact, with as many digits behind the point as lc_monetary of the database has: usually 2.", 0, 0},

	{25, 1009, "text", NULL, TYPE_TEXT, convert_text, NULL, 0, 0},
	{VARCHAROID, 1015, "varchar", NULL, TYPE_TEXT, convert_text, NULL, 0, 0},
	{BPCHAROID, 1014, "bpchar", "char(n)", TYPE_TEXT, convert_text, "With the blanks that fill it.", 0, 0},
	{18, 1002, "char", "\"char\"", TYPE_TEXT, convert_text, NULL, 0, 0},
	{19, 0, "name", NULL, TYPE_TEXT, convert_text, NULL, 0, 0},
	{17, 1001, "bytea", NULL, TYPE_BYTES, convert_bytes, NULL, 0, 0},
	{2950, 2951, "uuid", NULL, TYPE_UUID, convert_text, NULL, 0, 0},
	{114, 199, "json", NULL, TYPE_JSON, convert_text, "As it was written.", 0, 0},
	{3802, 3807, "jsonb", NULL, TYPE_JSON, convert_text, "As the server prints it: keys in its order.", 0, 0},
	{142, 0, "xml", NULL, TYPE_XML, convert_text, NULL, 0, 0},
	{4072, 0, "jsonpath", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{3614, 0, "tsvector", NULL, TYPE_TSVECTOR, convert_text, AS_PRINTED, 0, 0},
	{3615, 0, "tsquery", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{1560, 0, "bit", "bit(1)", TYPE_BOOL, convert_bit, NULL, 1, 1},
	{1560, 0, "bit", "bit(n)", TYPE_BITS, convert_bits, LAST_BIT_FIRST " A mapping has the text, as in 0101.", 0, 0},
	{1562, 0, "varbit", NULL, TYPE_BITS, convert_bits,
	 LAST_BIT_FIRST " How many bits the value has is not told. A mapping has the text, as in 0101.", 0, 0},

	{1082, 1182, "date", NULL, TYPE_DATE, convert_date,
	 "Days since 1970-01-01 in the Gregorian calendar, also before its time and BC; infinity is the largest number, -infinity "
	 "the smallest.", 0, 0},
	{1083, 1183, "time", "time(0) to time(3)", TYPE_TIME, convert_time, "Milliseconds since midnight; 24:00 is 86400000.", 0, 3},
	{1083, 1183, "time", NULL, TYPE_TIME, convert_time, "Microseconds since midnight; 24:00 is 86400000000.", 0, 0},
	{1266, 1270, "timetz", NULL, TYPE_TIME_ZONED, convert_time_zoned,
	 "10:34:56.789Z, in UTC with as many digits as it needs; 24:00:00+00 is 24:00:00Z. A mapping has the text as PostgreSQL "
	 "prints it.", 0, 0},
	{1114, 1115, "timestamp", "timestamp(0) to timestamp(3)", TYPE_TIMESTAMP, convert_timestamp,
	 "Milliseconds since 1970-01-01 00:00 as if it were UTC; infinity and -infinity are the outermost numbers.", 0, 3},
	{1114, 1115, "timestamp", NULL, TYPE_TIMESTAMP, convert_timestamp,
	 "Microseconds since 1970-01-01 00:00 as if it were UTC; infinity and -infinity are the outermost numbers. Those from the "
	 "year 294247 on have no form: see on_bad_record.", 0, 0},
	{1184, 1185, "timestamptz", NULL, TYPE_TIMESTAMP_ZONED, convert_timestamp_zoned,
	 "2024-02-29T12:34:56.123456Z, in UTC with as many digits as the column has; -0043 is the year 44 BC; infinity and "
	 "-infinity are those words. Those from the year 294247 on have no form: see on_bad_record.", 0, 0},
	{1186, 0, "interval", NULL, TYPE_INTERVAL, convert_interval,
	 "Microseconds, with a month of a twelfth of 365.25 days. A mapping has the text as PostgreSQL prints it. Infinities "
	 "are the outermost numbers; what does not fit otherwise has no form: see on_bad_record.", 0, 0},

	{869, 1041, "inet", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{650, 651, "cidr", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{829, 1040, "macaddr", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{774, 775, "macaddr8", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3904, 3905, "int4range", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3926, 3927, "int8range", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3906, 3907, "numrange", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3908, 3909, "tsrange", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3910, 3911, "tstzrange", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{3912, 3913, "daterange", NULL, TYPE_TEXT, convert_text, AS_PRINTED, 0, 0},
	{4451, 0, "int4multirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4536, 0, "int8multirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4532, 0, "nummultirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4533, 0, "tsmultirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4534, 0, "tstzmultirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4535, 0, "datemultirange", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{600, 0, "point", NULL, TYPE_POINT, convert_point,
	 "The coordinates, and the same as well-known binary. A mapping has the text, as in (1.5,-2).", 0, 0},
	{628, 0, "line", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{601, 0, "lseg", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{603, 0, "box", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{602, 0, "path", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{604, 0, "polygon", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{718, 0, "circle", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},

	{3220, 0, "pg_lsn", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{27, 0, "tid", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{28, 0, "xid", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{5069, 0, "xid8", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{29, 0, "cid", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{5038, 0, "pg_snapshot", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{2970, 0, "txid_snapshot", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{1790, 0, "refcursor", NULL, TYPE_OTHER, convert_text, NULL, 0, 0},
	{1033, 0, "aclitem", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{22, 0, "int2vector", NULL, TYPE_OTHER, convert_text, "The numbers with blanks between them.", 0, 0},
	{30, 0, "oidvector", NULL, TYPE_OTHER, convert_text, "The numbers with blanks between them.", 0, 0},
	{24, 0, "regproc", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{2202, 0, "regprocedure", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{2203, 0, "regoper", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{2204, 0, "regoperator", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{2205, 0, "regclass", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{2206, 0, "regtype", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{4096, 0, "regrole", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{4089, 0, "regnamespace", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{4191, 0, "regcollation", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{3734, 0, "regconfig", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{3769, 0, "regdictionary", NULL, TYPE_OTHER, convert_text, NUMBER_OR_NAME, 0, 0},
	{3642, 0, "gtsvector", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{702, 0, "abstime", NULL, TYPE_OTHER, convert_text, UNTIL_11, 0, 0},
	{703, 0, "reltime", NULL, TYPE_OTHER, convert_text, UNTIL_11, 0, 0},
	{704, 0, "tinterval", NULL, TYPE_OTHER, convert_text, UNTIL_11, 0, 0},
	{210, 0, "smgr", NULL, TYPE_OTHER, convert_text, UNTIL_11, 0, 0},
	{194, 0, "pg_node_tree", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{3361, 0, "pg_ndistinct", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{3402, 0, "pg_dependencies", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{5017, 0, "pg_mcv_list", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4600, 0, "pg_brin_bloom_summary", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},
	{4601, 0, "pg_brin_minmax_multi_summary", NULL, TYPE_OTHER, convert_text, AS_PRINTED, 0, 0},

	{0, 0, "citext", NULL, TYPE_TEXT, convert_text, "Of the extension.", 0, 0},
	{0, 0, "hstore", NULL, TYPE_JSON, convert_hstore, "Of the extension: an object of texts and nulls, also for a mapping.", 0, 0},
	{0, 0, "ltree", NULL, TYPE_LTREE, convert_text, "Of the extension.", 0, 0},
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const struct pg_type pg_type_enum = {0, 0, "", "any enum", TYPE_ENUM, convert_text,
	"The label. The schema names those that there were when the agent connected; others are published, too.", 0, 0};
const struct pg_type pg_type_other = {0, 0, "", "any other type", TYPE_OTHER, convert_text,
	"Composite types, ranges made by users, types of extensions, other arrays: as the server prints them. A domain is what "
	"its base type is.", 0, 0};
static const struct pg_type array_type = {0, 0, "", "array[]", TYPE_ARRAY, convert_array,
	"Elements may be null; lower bounds are left out. A column declared with several dimensions (int4[][]) is text as the "
	"server prints it; a value of several dimensions in another column has no form: see on_bad_record. A mapping has the "
	"text.", 0, 0};

/* Money in a database whose lc_monetary has so many digits behind the point. */
static const struct pg_type money_types[] = {
	[0] = {MONEYOID, 0, "money", NULL, TYPE_DECIMAL, convert_money0, NULL, 0, 0},
	[2] = {MONEYOID, 0, "money", NULL, TYPE_DECIMAL, convert_money, NULL, 0, 0},
	[3] = {MONEYOID, 0, "money", NULL, TYPE_DECIMAL, convert_money3, NULL, 0, 0},
};

bool pg_type_is_money(const struct pg_type *type)
{
	return type->oid == MONEYOID;
}

const struct pg_type *pg_type_money(int digits)
{
	bool known = digits >= 0 && digits < (int)(sizeof(money_types) / sizeof(money_types[0]));

	return known && money_types[digits].oid ? &money_types[digits] : NULL;
}

static int16_t money_scale(const struct pg_type *type)
{
	return type->convert == convert_money0 ? 0 : type->convert == convert_money3 ? 3 : 2;
}

static bool fits(const struct pg_type *type, int32_t modifier)
{
	return (!type->least && !type->most) || (modifier >= type->least && modifier <= type->most);
}

const struct pg_type *pg_type_find(uint32_t oid, int32_t modifier)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (oid && types[i].oid == oid && fits(&types[i], modifier))
			return &types[i];
	return NULL;
}

const struct pg_type *pg_type_find_array(uint32_t oid, int32_t modifier)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (oid && types[i].array == oid && fits(&types[i], modifier))
			return &types[i];
	return NULL;
}

const struct pg_type *pg_type_find_name(const char *name, int32_t modifier)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (strcmp(types[i].name, name) == 0 && fits(&types[i], modifier))
			return &types[i];
	return NULL;
}

const struct pg_type *pg_type_find_extension(const char *name)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (!types[i].oid && strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

/* From version 15 the scale is signed, in 11 bits. */
static int16_t numeric_scale(int32_t modifier)
{
	return (int16_t)((((modifier - VARHDRSZ) & 0x7ff) ^ 1024) - 1024);
}

static int16_t numeric_precision(int32_t modifier)
{
	return (int16_t)(((modifier - VARHDRSZ) >> 16) & 0xffff);
}

struct type pg_type_of(const struct pg_type *type, int32_t modifier)
{
	struct type ret = {.kind = type->kind};

	if (type->kind == TYPE_DECIMAL && type->oid == NUMERICOID)
		return (struct type){TYPE_DECIMAL, numeric_precision(modifier), numeric_scale(modifier)};
	if (pg_type_is_money(type))
		return (struct type){TYPE_DECIMAL, 0, money_scale(type)};
	if (type->kind == TYPE_BITS)
		ret.precision = modifier > 0 ? modifier : 0;
	if (type->kind == TYPE_TIME || type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIMESTAMP_ZONED)
		ret.scale = modifier >= 0 && modifier <= 6 ? (int16_t)modifier : 6;
	return ret;
}

const char *pg_type_print(const char *name, uint32_t oid, int32_t modifier, struct arena *arena)
{
	if (modifier < 0)
		return arena_copy(arena, view_of(name)).ptr;
	switch (oid) {
	case NUMERICOID:
		return arena_printf(arena, "%s(%d,%d)", name, numeric_precision(modifier), numeric_scale(modifier)).ptr;
	case BPCHAROID:
	case VARCHAROID:
		return arena_printf(arena, "%s(%d)", name, modifier - VARHDRSZ).ptr;
	default:
		return arena_printf(arena, "%s(%d)", name, modifier).ptr;
	}
}

static const struct pg_type *row_at(size_t number)
{
	static const struct pg_type *const further[] = {&pg_type_enum, &array_type, &pg_type_other};

	if (number < TYPE_COUNT)
		return &types[number];
	return number < TYPE_COUNT + 3 ? further[number - TYPE_COUNT] : NULL;
}

bool pg_type_at(size_t number, struct source_type *ret)
{
	const struct pg_type *row = row_at(number);
	bool limited = row && (row->least || row->most);

	if (!row)
		return false;
	*ret = (struct source_type){
		.name = row->shown ? row->shown : row->name,
		.type = pg_type_of(row, limited ? row->least : -1),
		.source_type = row->name,
		.remark = row->remark ? row->remark : "",
		.element = row->array || (!row->oid && (row->kind == TYPE_ENUM || *row->name)),
	};
	return true;
}
