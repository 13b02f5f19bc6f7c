/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Which SQL functions a mapping may call, and those of ours that are not about decimals. SQLite's own date functions
 * are wrapped: 'now' and the process's time zone would make a replay come out different, so they are refused.
 */
#include "canonical/functions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "base/decimal.h"
#include "base/map.h"
#include "base/memory.h"
#include "canonical/root.h"
#include "function_table.h"
#include "state/key.h"
#include "zone.h"

#define DATE_ARGUMENTS 8
#define MAX_ZONES 1000 /* names come from data: a ceiling against memory without bound */

/* What the functions of one connection share; freed with the connection. */
struct functions {
	struct view instance;     /* owned, percent-encoded */
	struct map zones;         /* name -> struct zone or &no_zone; names owned */
	struct writer text;
	sqlite3 *plain;           /* a connection whose date functions are SQLite's own */
	sqlite3_stmt *dates[6][DATE_ARGUMENTS + 1];
};

static char no_zone;

static const struct allowed_function allowed[] = {
	{"->", DECIMAL_REFUSED},          {"->>", DECIMAL_REFUSED},
	{"abs", DECIMAL_KEPT},            {"avg", DECIMAL_MADE},
	{"ceil", DECIMAL_REFUSED},        {"ceiling", DECIMAL_REFUSED},
	{"char", DECIMAL_REFUSED},        {"coalesce", DECIMAL_KEPT},
	{"count", DECIMAL_AS_TEXT},       {"cume_dist", DECIMAL_REFUSED},
	{"date", DECIMAL_REFUSED},        {"datetime", DECIMAL_REFUSED},
	{"dec_add", DECIMAL_MADE},        {"dec_cmp", DECIMAL_AS_TEXT},
	{"dec_div", DECIMAL_MADE},        {"dec_max", DECIMAL_MADE},
	{"dec_min", DECIMAL_MADE},        {"dec_mul", DECIMAL_MADE},
	{"dec_neg", DECIMAL_MADE},        {"dec_round", DECIMAL_MADE},
	{"dec_round_even", DECIMAL_MADE}, {"dec_sub", DECIMAL_MADE},
	{"dense_rank", DECIMAL_REFUSED},
	{"first_value", DECIMAL_KEPT},    {"floor", DECIMAL_REFUSED},
	{"format", DECIMAL_REFUSED},      {"glob", DECIMAL_AS_TEXT},
	{"group_concat", DECIMAL_AS_TEXT}, {"hex", DECIMAL_AS_TEXT},
	{"hours", DECIMAL_MADE},          {"ifnull", DECIMAL_KEPT},
	{"iif", DECIMAL_KEPT},            {"instr", DECIMAL_AS_TEXT},
	{"json", DECIMAL_REFUSED},        {"json_array", DECIMAL_AS_TEXT},
	{"json_array_length", DECIMAL_REFUSED}, {"json_extract", DECIMAL_REFUSED},
	{"json_object", DECIMAL_AS_TEXT}, {"json_type", DECIMAL_REFUSED},
	{"json_valid", DECIMAL_REFUSED},  {"julianday", DECIMAL_REFUSED},
	{"lag", DECIMAL_KEPT},            {"last_value", DECIMAL_KEPT},
	{"lead", DECIMAL_KEPT},           {"length", DECIMAL_AS_TEXT},
	{"like", DECIMAL_AS_TEXT},        {"lower", DECIMAL_AS_TEXT},
	{"ltrim", DECIMAL_AS_TEXT},       {"max", DECIMAL_KEPT},
	{"min", DECIMAL_KEPT},            {"nth_value", DECIMAL_KEPT},
	{"ntile", DECIMAL_REFUSED},       {"nullif", DECIMAL_REFUSED},
	{"percent_rank", DECIMAL_REFUSED}, {"printf", DECIMAL_REFUSED},
	{"quote", DECIMAL_AS_TEXT},       {"rank", DECIMAL_REFUSED},
	{"ref", DECIMAL_AS_TEXT},         {"replace", DECIMAL_AS_TEXT},
	{"round", DECIMAL_KEPT},          {"row_number", DECIMAL_REFUSED},
	{"rtrim", DECIMAL_AS_TEXT},       {"sign", DECIMAL_REFUSED},
	{"strftime", DECIMAL_REFUSED},    {"substr", DECIMAL_AS_TEXT},
	{"substring", DECIMAL_AS_TEXT},   {"sum", DECIMAL_KEPT},
	{"time", DECIMAL_REFUSED},        {"total", DECIMAL_KEPT},
	{"trim", DECIMAL_AS_TEXT},        {"trunc", DECIMAL_REFUSED},
	{"typeof", DECIMAL_AS_TEXT},      {"unicode", DECIMAL_REFUSED},
	{"unixepoch", DECIMAL_REFUSED},   {"upper", DECIMAL_AS_TEXT},
	{"utc", DECIMAL_REFUSED},
};

static int compare_allowed(const void *key, const void *entry)
{
	return strcasecmp(key, ((const struct allowed_function *)entry)->name);
}

const struct allowed_function *function_allowed(const char *name)
{
	return bsearch(name, allowed, sizeof(allowed) / sizeof(allowed[0]), sizeof(allowed[0]), compare_allowed);
}

void function_fail(sqlite3_context *context, const char *format, ...)
{
	char message[300];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	sqlite3_result_error(context, message, -1);
}

/* What stands in an identifier as it is. */
static const bool unreserved[256] = {
	['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true,
	['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,
};

static const bool separators[256] = {[','] = true, ['%'] = true};

/*
 * Of characters that the table has, `listed` says whether they are kept, and of the others the opposite. Runs of kept ones
 * are copied as such: nearly everything is kept.
 */
static void write_escaped(struct writer *wr, struct view text, const bool table[256], bool listed)
{
	size_t start = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (table[c] == listed)
			continue;
		wr_bytes(wr, text.ptr + start, i - start);
		wr_printf(wr, "%%%02X", c);
		start = i + 1;
	}
	wr_bytes(wr, text.ptr + start, text.len - start);
}

void id_write_segment(struct writer *wr, struct view segment)
{
	write_escaped(wr, segment, unreserved, true);
}

void key_write_part(struct writer *wr, struct view part)
{
	write_escaped(wr, part, separators, false);
}

static struct view value_view(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return (struct view){text ? text : "", (size_t)sqlite3_value_bytes(value)};
}

static void write_key(struct writer *wr, int count, sqlite3_value **values)
{
	struct writer key = {0};

	if (count == 1 && sqlite3_value_type(values[0]) == SQLITE_INTEGER) {
		char buffer[ROOT_KEY_BYTES];
		struct root_key number = {.is_number = true, .number = sqlite3_value_int64(values[0])};

		wr_view_bytes(wr, root_key_text(number, buffer));
		return;
	}
	if (count == 1) {
		id_write_segment(wr, value_view(values[0]));
		return;
	}
	for (int i = 0; i < count; i++) {
		if (i)
			wr_u8(&key, ',');
		key_write_part(&key, value_view(values[i]));
	}
	id_write_segment(wr, wr_view(&key));
	wr_done(&key);
}

/* ref('Customer', id ...): <instance>/<Entity>/<key>; NULL if any part of the key is. */
static void ref(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct functions *functions = sqlite3_user_data(context);
	struct writer *wr = &functions->text;

	if (count < 2) {
		function_fail(context, "ref() wants an entity and a key");
		return;
	}
	for (int i = 0; i < count; i++)
		if (sqlite3_value_type(values[i]) == SQLITE_NULL)
			return;
	wr_clear(wr);
	wr_view_bytes(wr, functions->instance);
	wr_u8(wr, '/');
	id_write_segment(wr, value_view(values[0]));
	wr_u8(wr, '/');
	write_key(wr, count - 1, values + 1);
	sqlite3_result_text(context, wr->data, (int)wr->len, SQLITE_TRANSIENT);
}

static const struct zone *find_zone(struct functions *functions, struct view name)
{
	void *zone = map_get(&functions->zones, name);

	if (!zone) {
		zone = zone_load(name);
		if (!zone)
			zone = &no_zone;
		if (functions->zones.live < MAX_ZONES)
			map_put(&functions->zones, (struct view){mem_text(name), name.len}, zone);
		else if (zone != &no_zone)
			zone_free(zone), zone = &no_zone;
	}
	return zone == &no_zone ? NULL : zone;
}

/* utc('2024-03-31 02:30:00', 'Europe/Oslo'): the text of the instant, in UTC. */
static void utc(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct view text, name;
	const struct zone *zone;
	char printed[DATETIME_TEXT_BYTES];
	int64_t local;

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL)
		return;
	text = value_view(values[0]);
	name = value_view(values[1]);
	zone = find_zone(sqlite3_user_data(context), name);
	if (!zone)
		function_fail(context, "there is no time zone '%.*s'", VIEW_ARG(name));
	else if (timestamp_parse(text, false, &local) < 0)
		function_fail(context, "'%.*s' is no timestamp without a zone", VIEW_ARG(text));
	else if (local == DATE_INFINITY || local == DATE_MINUS_INFINITY)
		sqlite3_result_value(context, values[0]);
	else
		sqlite3_result_text(context, printed, timestamp_print(zone_to_utc(zone, local), true, printed),
				    SQLITE_TRANSIENT);
}

/* hours('1 day 02:30:00'): decimal hours with up to 9 digits; months and years have no number of hours. */
static void hours(sqlite3_context *context, int count, sqlite3_value **values)
{
	struct decimal us = {0}, hour = {.coefficient = 3600 * (__int128)USEC_PER_SEC}, quotient;
	char printed[DECIMAL_TEXT_BYTES];
	struct view text;
	int64_t value;

	(void)count;
	if (sqlite3_value_type(values[0]) == SQLITE_NULL)
		return;
	text = value_view(values[0]);
	if (interval_parse(text, &value) < 0 || memmem(text.ptr, text.len, "mon", 3) ||
	    memmem(text.ptr, text.len, "year", 4)) {
		function_fail(context, "'%.*s' is no interval of days, hours, minutes and seconds", VIEW_ARG(text));
		return;
	}
	us.coefficient = value;
	if (decimal_div(us, hour, 9, &quotient) == 0)
		sqlite3_result_text(context, printed, decimal_print(quotient, printed), SQLITE_TRANSIENT);
}

static const char *const date_names[] = {"date", "time", "datetime", "julianday", "strftime", "unixepoch"};

static bool depends_on_clock(sqlite3_value *value)
{
	static const char *const words[] = {"now", "localtime", "utc"};
	const char *text = (const char *)sqlite3_value_text(value);

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static sqlite3_stmt *date_statement(struct functions *functions, size_t function, int count)
{
	sqlite3_stmt **stmt = &functions->dates[function][count];

	if (!*stmt) {
		char *sql = mem_printf("SELECT %s(%.*s)", date_names[function], count * 2 - 1, "?,?,?,?,?,?,?,?");

		sqlite3_prepare_v2(functions->plain, sql, -1, stmt, NULL);
		free(sql);
	}
	return *stmt;
}

static void call_date(sqlite3_context *context, size_t function, int count, sqlite3_value **values)
{
	sqlite3_stmt *stmt;
	int first = strcmp(date_names[function], "strftime") == 0;

	if (count <= first || count > DATE_ARGUMENTS) {
		function_fail(context, "%s() without a time asks for the present, which no replay can know",
			      date_names[function]);
		return;
	}
	for (int i = 0; i < count; i++) {
		if (depends_on_clock(values[i])) {
			function_fail(context, "%s('%s') depends on when and where it runs", date_names[function],
				      (const char *)sqlite3_value_text(values[i]));
			return;
		}
	}
	stmt = date_statement(sqlite3_user_data(context), function, count);
	for (int i = 0; stmt && i < count; i++)
		sqlite3_bind_value(stmt, i + 1, values[i]);
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		sqlite3_result_value(context, sqlite3_column_value(stmt, 0));
	sqlite3_reset(stmt);
}

#define DATE_FUNCTION(name, number) \
	static void name(sqlite3_context *context, int count, sqlite3_value **values) \
	{ \
		call_date(context, number, count, values); \
	}

DATE_FUNCTION(pure_date, 0)
DATE_FUNCTION(pure_time, 1)
DATE_FUNCTION(pure_datetime, 2)
DATE_FUNCTION(pure_julianday, 3)
DATE_FUNCTION(pure_strftime, 4)
DATE_FUNCTION(pure_unixepoch, 5)

static const struct function other_functions[] = {
	{.name = "ref", .arguments = -1, .call = ref},
	{.name = "utc", .arguments = 2, .call = utc},
	{.name = "hours", .arguments = 1, .call = hours},
	{.name = "date", .arguments = -1, .call = pure_date},
	{.name = "time", .arguments = -1, .call = pure_time},
	{.name = "datetime", .arguments = -1, .call = pure_datetime},
	{.name = "julianday", .arguments = -1, .call = pure_julianday},
	{.name = "strftime", .arguments = -1, .call = pure_strftime},
	{.name = "unixepoch", .arguments = -1, .call = pure_unixepoch},
	{.name = NULL},
};

static void functions_free(void *arg)
{
	struct functions *functions = arg;

	for (struct map_entry *entry = NULL; (entry = map_next(&functions->zones, entry));) {
		if (entry->value != &no_zone)
			zone_free(entry->value);
		free((char *)entry->key.ptr);
	}
	map_done(&functions->zones);
	for (size_t i = 0; i < sizeof(date_names) / sizeof(date_names[0]); i++)
		for (int j = 0; j <= DATE_ARGUMENTS; j++)
			sqlite3_finalize(functions->dates[i][j]);
	sqlite3_close(functions->plain);
	wr_done(&functions->text);
	free((char *)functions->instance.ptr);
	free(functions);
}

static int install(sqlite3 *handle, const struct function *function, struct functions *functions)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;

	if (function->value)
		return sqlite3_create_window_function(handle, function->name, function->arguments, flags, functions,
						      function->call, function->value, function->value,
						      function->inverse, NULL);
	return sqlite3_create_function_v2(handle, function->name, function->arguments, flags, functions, function->call,
					  NULL, NULL, NULL);
}

static int install_all(sqlite3 *handle, const struct function *table, struct functions *functions)
{
	for (; table->name; table++)
		if (install(handle, table, functions) != SQLITE_OK)
			return -1;
	return 0;
}

static struct functions *functions_new(const char *instance)
{
	struct functions *functions = MEM_NEW(struct functions);
	struct writer encoded = {0};

	id_write_segment(&encoded, view_of(instance));
	functions->instance = (struct view){mem_text(wr_view(&encoded)), encoded.len};
	wr_done(&encoded);
	return functions;
}

static void nothing(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)count;
	(void)values;
	sqlite3_result_null(context);
}

/* The function that owns what the others share is a name that no mapping may call. */
int functions_install(struct db *db, const char *instance, struct error *err)
{
	struct functions *functions = functions_new(instance);
	sqlite3 *handle = db_handle(db);

	if (sqlite3_open(":memory:", &functions->plain) != SQLITE_OK) {
		functions_free(functions);
		return error_set(err, ERROR_INTERNAL, "cannot open a database in memory");
	}
	if (sqlite3_create_function_v2(handle, "_tw_owner", 0, SQLITE_UTF8, functions, nothing, NULL, NULL,
				       functions_free) != SQLITE_OK ||
	    install_all(handle, decimal_functions, functions) < 0 ||
	    install_all(handle, other_functions, functions) < 0)
		return db_error(db, "cannot install the functions of mappings", err);
	return 0;
}
