/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Logs that were recorded from real servers (binlogs/record makes them again): the same statements say the same on every
 * server, in the log files of each. What the changes are stands in FEATURE.txt, or in SERVER-FEATURE.txt where a server says it
 * otherwise; what the rows become is compared with what the server itself has selected then (SERVER-FEATURE.rows). With
 * TAILWATER_WRITE=1 the texts are written anew, to be looked at, and what the fuzz target begins with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/writer.h"
#include "mysql/binlog.h"
#include "mysql/history.h"
#include "mysql/shapes.h"
#include "schema/catalog.h"
#include "unit/unit.h"

#define SHOWN_MOST 50
#define MAGIC_BYTES 4
#define HEADER_BYTES 19

/* What the folder has of whom. */
static const struct recording {
	const char *server;
	bool mariadb;
	const char *features;
	bool corpus;      /* of the fuzz target, too */
} recordings[] = {
	{"mariadb-11.8", true, "base fractions images packed geometry vector hidden native altered xa versioned", true},
	{"mariadb-11.4", true, "base fractions images packed", false},
	{"mariadb-10.11", true, "base fractions images packed geometry hidden native xa versioned", false},
	{"mariadb-10.5", true, "base fractions images packed geometry hidden xa versioned", false},
	{"mariadb-10.2", true, "base fractions images packed xa", false},
	{"mariadb-10.1", true, "base fractions images", false},
	{"mysql-9.7", false, "base fractions images json partial payload geometry vector hidden xa tagged", true},
	{"mysql-8.0.33", false, "base fractions images json partial payload geometry hidden", false},
	{"mysql-8.0.31", false, "base images payload", false},
	{"mysql-8.0.15", false, "base fractions images json partial", false},
	{"mysql-5.7", false, "base fractions images json xa", false},
	{"mysql-5.6", false, "base fractions images", false},
	{"mysql-5.5", false, "base", false},
};

/* Collations that the tables have. */
static const struct {
	const char *name;
	unsigned most_bytes;
	uint32_t collations[6];
} charsets[] = {
	{"binary", 1, {63}},      {"utf8mb4", 4, {45, 46, 224, 255, 2304}}, {"utf8mb3", 3, {33, 192, 2048}},
	{"latin1", 1, {8, 48}},   {"cp932", 2, {95}},
};

static const char *const tables[] = {"n", "s", "m", "mine", "fr", "i", "k", "js", "p", "z", "x", "g", "nat", "ver", "pc", "vec", "inv"};

/* A player of a recording: the decoder, what it told, and the rows as they are by that. */
struct player {
	struct catalog *catalog;
	struct my_charsets charsets;
	struct my_tables tables;
	bool short_zeros;  /* the server prints documents otherwise than its successors */
	struct my_history history;
	struct my_shapes shapes;
	struct binlog log;
	struct writer told;
	struct arena arena;
	struct my_prepared_set prepared;
	struct map rows;   /* "table id" -> texts of its values */
	struct error err;
};

static const struct my_column natives[] = {
	{.name = "id", .code = MY_LONG},
	{.name = "u", .code = MY_STRING, .meta = 16, .native = "uuid"},
	{.name = "i6", .code = MY_STRING, .meta = 16, .native = "inet6"},
	{.name = "til", .code = MY_TIMESTAMP, .meta = 6, .native = "row end"},
	{.name = "i4", .code = MY_STRING, .meta = 4, .native = "inet4"},
};

static void player_init(struct player *player, bool mariadb)
{
	const struct my_table *table;

	*player = (struct player){.catalog = catalog_new()};
	FOR_EACH(row, charsets)
		for (size_t i = 0; i < COUNT_OF(row->collations) && row->collations[i]; i++)
			my_charsets_collation(&player->charsets, row->collations[i],
					      my_charsets_add(&player->charsets, row->name, row->most_bytes));
	my_tables_init(&player->tables, player->catalog, &player->charsets);
	player->tables.rules.mariadb = mariadb;
	for (size_t i = 0; i < COUNT_OF(tables); i++) {
		struct my_column columns[COUNT_OF(natives)];
		const struct my_shape shape = {.schema = "erp", .name = tables[i], .columns = columns, .count = COUNT_OF(natives)};

		memcpy(columns, natives, sizeof(natives));
		for (size_t k = 0; k < COUNT_OF(natives); k++)
			columns[k].charset = my_charset_named(&player->charsets, "binary");
		assert_ok(my_tables_capture(&player->tables, &shape, &table, &player->err), &player->err);
	}
	binlog_init(&player->log, &player->tables);
	player->shapes = (struct my_shapes){.charsets = &player->charsets, .mariadb = mariadb, .follows = true};
	player->tables.shapes = &player->shapes;
	player->log.history = &player->history;
	player->log.prepared_set = &player->prepared;
	binlog_restart(&player->log, binlog_position(1, MAGIC_BYTES), false);
}

static void player_done(struct player *player)
{
	binlog_done(&player->log);
	my_shapes_done(&player->shapes);
	my_history_done(&player->history);
	my_prepared_done(&player->prepared);
	my_tables_done(&player->tables);
	my_charsets_done(&player->charsets);
	catalog_free(player->catalog);
	map_done(&player->rows);
	arena_done(&player->arena);
	wr_done(&player->told);
}

/* Values ---------------------------------------------------------------------------------------- */

static struct view print_value(struct type type, const struct value *value, struct arena *arena)
{
	static const char *const states[] = {"-", "null", "~"};
	char *hex;

	if (value->state != VALUE_PRESENT)
		return view_of(states[value->state]);
	if (type_form(type) == FORM_INTEGER)
		return arena_printf(arena, "%lld", (long long)value->integer);
	if (type.kind != TYPE_BYTES)
		return arena_copy(arena, value->text);
	hex = arena_alloc(arena, 2 * value->text.len + 1);
	for (size_t i = 0; i < value->text.len; i++)
		sprintf(hex + 2 * i, "%02x", (unsigned char)value->text.ptr[i]);
	return (struct view){hex, 2 * value->text.len};
}

static void tell_row(struct player *player, const struct table *table, const struct row *row)
{
	wr_printf(&player->told, " %s{", row->image == IMAGE_KEY ? "key" : "");
	for (unsigned i = 0; i < table->column_count; i++) {
		struct view text = print_value(table->columns[i].type, &row->values[i], &player->arena);

		wr_printf(&player->told, "%s%s=%.*s", i ? ", " : "", table->columns[i].name, (int)(text.len < SHOWN_MOST ? text.len : SHOWN_MOST), text.ptr);
		if (text.len > SHOWN_MOST)
			wr_printf(&player->told, "... (%zu)", text.len);
	}
	wr_printf(&player->told, "}");
}

/* By its first column; a table without a key by all of them. */
static struct view row_key(struct player *player, const struct table *table, const struct row *row)
{
	struct writer key = {0};
	struct view ret;
	unsigned count = table->key_count ? 1 : table->column_count;

	wr_printf(&key, "%s", table->name);
	for (unsigned i = 0; i < count; i++) {
		wr_printf(&key, " ");
		wr_view_bytes(&key, print_value(table->columns[i].type, &row->values[i], &player->arena));
	}
	ret = arena_copy(&player->arena, wr_view(&key));
	wr_done(&key);
	return ret;
}

static void put_row(struct player *player, const struct table *table, const struct row *row, const struct view *known)
{
	struct view *texts = ARENA_ARRAY(&player->arena, struct view, table->column_count + 4);

	for (unsigned i = 0; i < table->column_count; i++)
		texts[i] = row->values[i].state == VALUE_UNCHANGED && known ? known[i] : print_value(table->columns[i].type, &row->values[i], &player->arena);
	map_put(&player->rows, row_key(player, table, row), texts);
}

static struct view *take_row(struct player *player, const struct table *table, const struct row *row)
{
	struct view key = row_key(player, table, row), *texts = map_remove(&player->rows, key);

	if (!texts)
		fail_msg("a change of a row that is not there: %.*s\n%.*s", VIEW_ARG(key), VIEW_ARG(wr_view(&player->told)));
	return texts;
}

static void truncate_rows(struct player *player, const struct table *table)
{
	struct view name = arena_printf(&player->arena, "%s ", table->name);

	for (struct map_entry *entry = NULL; (entry = map_next(&player->rows, entry));)
		if (entry->key.len > name.len && memcmp(entry->key.ptr, name.ptr, name.len) == 0)
			map_remove(&player->rows, entry->key);
}

/* uuid:tag:number; what else it has is another one at each recording. */
static void tell_tag(struct player *player, struct view gtid)
{
	const char *tag = gtid.len ? memchr(gtid.ptr, ':', gtid.len) : NULL, *end = gtid.ptr + gtid.len, *number;

	number = tag ? memchr(tag + 1, ':', (size_t)(end - tag - 1)) : NULL;
	if (number)
		wr_printf(&player->told, " tagged %.*s", (int)(number - tag - 1), tag + 1);
}

static void take_change(struct player *player, const struct change *change)
{
	static const char *const names[] = {
		[CHANGE_BEGIN] = "begin", [CHANGE_TABLE] = "table", [CHANGE_INSERT] = "insert", [CHANGE_UPDATE] = "update", [CHANGE_DELETE] = "delete",
		[CHANGE_TRUNCATE] = "truncate", [CHANGE_COMMIT] = "commit", [CHANGE_IDLE] = "idle",
	};
	const struct view *known = NULL;

	wr_printf(&player->told, "%s%s%s", names[change->op], change->table ? " " : "", change->table ? change->table->name : "");
	if (change->op == CHANGE_BEGIN)
		tell_tag(player, change->txn->gtid);
	if (change->op == CHANGE_TABLE)
		for (unsigned i = 0; i < change->table->column_count; i++)
			wr_printf(&player->told, "%s%s %s", i ? ", " : ": ", change->table->columns[i].name, change->table->columns[i].source_type);
	if (change->before.image) {
		tell_row(player, change->table, &change->before);
		known = take_row(player, change->table, &change->before);
	}
	if (change->after.image) {
		tell_row(player, change->table, &change->after);
		put_row(player, change->table, &change->after, known);
	}
	if (change->op == CHANGE_TRUNCATE)
		truncate_rows(player, change->table);
	wr_printf(&player->told, "\n");
}

/* Files ------------------------------------------------------------------------------------------ */

static void path_of(const char *name, char path[400])
{
	const char *srcdir = getenv("srcdir");

	snprintf(path, 400, "%s/tests/unit/source/binlogs/%s", srcdir ? srcdir : "..", name);
}

static struct view read_file(const char *name, struct arena *arena)
{
	char path[400];
	FILE *file;
	char *bytes;
	long len;

	path_of(name, path);
	file = fopen(path, "r");
	if (!file)
		return VIEW_NONE;
	fseek(file, 0, SEEK_END);
	len = ftell(file);
	rewind(file);
	bytes = arena_alloc(arena, (size_t)len + 1);
	assert_int_equal(fread(bytes, 1, (size_t)len, file), len);
	fclose(file);
	return (struct view){bytes, (size_t)len};
}

static void write_file(const char *name, struct view text)
{
	char path[400];
	FILE *file;

	path_of(name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(text.ptr, 1, text.len, file);
	assert_int_equal(fclose(file), 0);
}

/* The next event: 0, or -1. It is copied, so that reading beyond it is seen. */
static int play_event(struct player *player, struct binlog *log, struct reader *rd)
{
	struct reader size = reader_of((struct view){rd->pos + 9, 4});
	struct view event = rd_bytes(rd, rd_u32le(&size));
	char *copy = memcpy(malloc(event.len + !event.len), event.ptr, event.len);
	struct change change;
	int got;

	assert_false(rd->failed);
	for (got = binlog_decode(log, (struct view){copy, event.len}, &change, &player->err); got > 0; got = binlog_more(log, &change, &player->err))
		if (change.op != CHANGE_COMMIT || log == &player->log)
			take_change(player, &change);
	free(copy);
	return got;
}

/* What was prepared is looked at once more when it is committed. */
static int play_again(struct player *player, struct view file)
{
	uint64_t from = position_offset(player->log.recalled_from.lsn);
	struct reader rd = reader_of((struct view){file.ptr + from, file.len - from});
	struct change commit;
	struct binlog again;
	int got = 0;

	binlog_init(&again, &player->tables);
	again.recalling = true;
	binlog_restart(&again, player->log.recalled_from, player->log.checksums);
	while (got == 0 && position_compare(again.reached, player->log.recalled_from) == 0)
		got = play_event(player, &again, &rd);
	assert_true(view_equal(again.xid, player->log.xid));
	binlog_done(&again);
	assert_int_equal(binlog_settle(&player->log, true, &commit), 1);
	take_change(player, &commit);
	return got;
}

/* To its end, or to what is refused, which is told. */
static void play(struct player *player, struct view file)
{
	struct reader rd = reader_of(file);
	int got = 0;

	rd_bytes(&rd, MAGIC_BYTES);
	while (rd_left(&rd) && got == 0) {
		got = play_event(player, &player->log, &rd);
		if (got == 0 && player->log.recalled)
			got = play_again(player, file);
	}
	if (got < 0)
		wr_printf(&player->told, "refused: %s\n", player->err.text);
}

static void check_told(struct player *player, const char *server, const char *feature)
{
	char own[200], common[200];
	struct view expected;

	snprintf(own, sizeof(own), "%s-%s.txt", server, feature);
	snprintf(common, sizeof(common), "%s.txt", feature);
	expected = read_file(own, &player->arena);
	if (!expected.ptr)
		expected = read_file(common, &player->arena);
	if (expected.ptr && view_equal(expected, wr_view(&player->told)))
		return;
	if (!getenv("TAILWATER_WRITE"))
		fail_msg("%s has told of %s:\n%.*s", server, feature, VIEW_ARG(wr_view(&player->told)));
	write_file(expected.ptr ? own : common, wr_view(&player->told));
}

/* Text without what the client has escaped in it. */
static char *unescape(struct view text, struct arena *arena, unsigned long *ret_len)
{
	char *to = arena_alloc(arena, text.len + 1), *from = to;

	for (size_t i = 0; i < text.len; i++) {
		static const char letters[] = "nt0\\", meant[] = "\n\t\0\\";
		const char *found = text.ptr[i] == '\\' && i + 1 < text.len ? strchr(letters, text.ptr[i + 1]) : NULL;

		*to++ = found ? meant[found - letters] : text.ptr[i];
		i += found != NULL;
	}
	*to = '\0';
	*ret_len = (unsigned long)(to - from);
	return from;
}

static struct view next_field(struct reader *rd, char end)
{
	const char *from = rd->pos;
	size_t len = 0;

	while (len < rd_left(rd) && from[len] != end)
		len++;
	rd_bytes(rd, len);
	rd_bytes(rd, rd_left(rd) > 0);
	return (struct view){from, len};
}

static void check_row(struct player *player, struct view line)
{
	struct reader rd = reader_of(line);
	const struct my_table *table = my_tables_named(&player->tables, VIEW("erp"), next_field(&rd, '\t'));
	unsigned count = table->table->column_count;
	char **texts = ARENA_ARRAY(&player->arena, char *, count);
	unsigned long *lengths = ARENA_ARRAY(&player->arena, unsigned long, count);
	const struct view *streamed;
	struct change change;

	for (unsigned i = 0; i < count; i++) {
		struct view field = next_field(&rd, '\t');

		texts[i] = view_equal(field, VIEW("NULL")) ? NULL : unescape(field, &player->arena, &lengths[i]);
	}
	assert_int_equal(binlog_result_row(&player->log, table, texts, lengths, &change, &player->err), 1);
	streamed = map_get(&player->rows, row_key(player, table->table, &change.after));
	if (!streamed)
		fail_msg("not streamed: %.*s", VIEW_ARG(line));
	for (unsigned i = 0; i < count; i++) { /* a row from before a column was added has none */
		struct view selected = print_value(table->table->columns[i].type, &change.after.values[i], &player->arena);

		if (player->short_zeros && table->table->columns[i].type.kind == TYPE_JSON)
			continue; /* -0.0 as -0 */
		if (streamed[i].ptr && !view_equal(selected, streamed[i]))
			fail_msg("%s.%s: %.*s selected, %.*s streamed", table->table->name, table->table->columns[i].name, VIEW_ARG(selected),
				 VIEW_ARG(streamed[i]));
	}
}

static void check_rows(struct player *player, const char *server, const char *feature)
{
	char name[200];
	struct reader rd;
	size_t count = 0;

	snprintf(name, sizeof(name), "%s-%s.rows", server, feature);
	for (rd = reader_of(read_file(name, &player->arena)); rd_left(&rd); count++)
		check_row(player, next_field(&rd, '\n'));
	assert_int_equal(player->rows.live, count);
}

/* For the fuzz target: events behind their length in two bytes; which are larger has no use. */
static void write_corpus(const struct recording *recording, const char *feature, struct view file)
{
	struct reader rd = reader_of(file);
	struct writer corpus = {0};
	char name[200];

	wr_u8(&corpus, recording->mariadb ? 'm' : 'M');
	rd_bytes(&rd, MAGIC_BYTES);
	while (rd_left(&rd)) {
		struct reader size = reader_of((struct view){rd.pos + 9, 4});
		struct view event = rd_bytes(&rd, rd_u32le(&size));

		if (event.len > INT16_MAX)
			continue;
		wr_u8(&corpus, (uint8_t)(event.len >> 8));
		wr_u8(&corpus, (uint8_t)event.len);
		wr_view_bytes(&corpus, event);
	}
	snprintf(name, sizeof(name), "../../../fuzz/corpus/binlog/%s-%s", recording->server, feature);
	write_file(name, wr_view(&corpus));
	wr_done(&corpus);
}

static void check_recording(const struct recording *recording, const char *feature)
{
	struct player player;
	char name[200];
	struct view file;

	snprintf(name, sizeof(name), "%s-%s.binlog", recording->server, feature);
	print_message("%s\n", name);
	player_init(&player, recording->mariadb);
	player.short_zeros = strcmp(recording->server, "mysql-5.7") == 0;
	file = read_file(name, &player.arena);
	if (!file.ptr)
		fail_msg("there is no %s", name);
	if (recording->corpus && getenv("TAILWATER_WRITE"))
		write_corpus(recording, feature, file);
	play(&player, file);
	check_told(&player, recording->server, feature);
	if (!strstr(wr_view(&player.told).ptr, "refused: "))
		check_rows(&player, recording->server, feature);
	player_done(&player);
}

static void what_servers_have_logged_is_what_they_have(void **state)
{
	(void)state;
	FOR_EACH(recording, recordings) {
		struct reader features = reader_of(view_of(recording->features));

		while (rd_left(&features)) {
			char feature[40];

			struct view name = next_field(&features, ' ');

			snprintf(feature, sizeof(feature), "%.*s", VIEW_ARG(name));
			check_recording(recording, feature);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what servers have logged is what they have", what_servers_have_logged_is_what_they_have),
	};

	return RUN_TESTS(tests);
}
