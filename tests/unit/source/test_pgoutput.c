/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of pgoutput against bytes captured from a PostgreSQL 15: each line of pgoutput.txt is one message in
 * hexadecimal, and behind it what it must become. A line is added by capturing it
 * (pg_logical_slot_peek_binary_changes).
 */
#include <stdlib.h>

#include "base/datetime.h"
#include "base/memory.h"
#include "base/writer.h"
#include "postgres/pgoutput.h"
#include "schema/catalog.h"
#include "unit/source/captured.h"
#include "unit/unit.h"

#define LINE_BYTES 65536

struct decoder {
	struct catalog *catalog;
	struct pg_relations relations;
	struct pgoutput pgoutput;
};

static int make_decoder(void **state)
{
	struct decoder *dec = MEM_NEW(struct decoder);

	dec->catalog = catalog_new();
	captured_relations(&dec->relations, dec->catalog);
	pgoutput_init(&dec->pgoutput, &dec->relations);
	*state = dec;
	return 0;
}

static int drop_decoder(void **state)
{
	struct decoder *dec = *state;

	pgoutput_done(&dec->pgoutput);
	pg_relations_done(&dec->relations);
	catalog_free(dec->catalog);
	free(dec);
	return 0;
}

static void print_bytes(struct writer *out, struct view bytes)
{
	for (size_t i = 0; i < bytes.len; i++)
		wr_printf(out, "%02x", (unsigned char)bytes.ptr[i]);
}

/* Long texts by their length, so that a line can be read. */
static void print_text(struct writer *out, struct view text)
{
	if (text.len > 100)
		wr_printf(out, "<%zu bytes>", text.len);
	else
		wr_printf(out, "%.*s", VIEW_ARG(text));
}

static void print_value(struct writer *out, struct type type, const struct value *value)
{
	char text[DATETIME_TEXT_BYTES];

	switch (type.kind) {
	case TYPE_BOOL:
	case TYPE_INT16:
	case TYPE_INT32:
	case TYPE_INT64:
		wr_printf(out, "%lld", (long long)value->integer);
		return;
	case TYPE_DATE:
		date_print(value->integer, text);
		break;
	case TYPE_TIME:
		time_print(value->integer, text);
		break;
	case TYPE_TIMESTAMP:
	case TYPE_TIMESTAMP_ZONED:
		timestamp_print(value->integer, type.kind == TYPE_TIMESTAMP_ZONED, text);
		break;
	case TYPE_FLOAT32:
	case TYPE_FLOAT64:
		wr_printf(out, "%g", value->real);
		return;
	case TYPE_BYTES:
		print_bytes(out, value->text);
		return;
	default:
		print_text(out, value->text);
		return;
	}
	wr_printf(out, "%s", text);
}

static void print_row(struct writer *out, const char *label, const struct table *table, const struct row *row)
{
	static const char *const states[] = {"absent", "null", "unchanged"};

	if (row->image == IMAGE_NONE)
		return;
	wr_printf(out, " %s", label);
	for (unsigned i = 0; i < table->column_count; i++) {
		wr_printf(out, "%s%s=", i ? " " : "(", table->columns[i].name);
		if (row->values[i].state == VALUE_PRESENT)
			print_value(out, table->columns[i].type, &row->values[i]);
		else
			wr_printf(out, "%s", states[row->values[i].state]);
	}
	wr_printf(out, ")");
}

static void print_table(struct writer *out, const struct table *table)
{
	wr_printf(out, "table %s.%s identity %s", table->schema, table->name, identity_names[table->identity]);
	for (unsigned i = 0; i < table->column_count; i++)
		wr_printf(out, ", %s %s%s", table->columns[i].name, table->columns[i].source_type,
			  table->columns[i].identity ? " key" : "");
}

static void print_change(struct writer *out, const struct change *change)
{
	static const char *const names[] = {
		[CHANGE_INSERT] = "insert", [CHANGE_UPDATE] = "update", [CHANGE_DELETE] = "delete", [CHANGE_TRUNCATE] = "truncate",
	};

	switch (change->op) {
	case CHANGE_BEGIN:
		wr_printf(out, "begin");
		return;
	case CHANGE_ORIGIN:
		wr_printf(out, "origin %.*s, %llu there", VIEW_ARG(change->txn->origin), (unsigned long long)change->txn->origin_lsn);
		return;
	case CHANGE_COMMIT:
		wr_printf(out, "commit");
		return;
	case CHANGE_TABLE:
		print_table(out, change->table);
		return;
	case CHANGE_MESSAGE:
		wr_printf(out, "message %llu %.*s: %.*s", (unsigned long long)change->index, VIEW_ARG(change->prefix),
			  VIEW_ARG(change->content));
		return;
	default:
		wr_printf(out, "%s %llu %s", names[change->op], (unsigned long long)change->index, change->table->name);
		print_row(out, "before", change->table, &change->before);
		print_row(out, "after", change->table, &change->after);
	}
}

static struct view unhex(char *text)
{
	struct view bytes = {text, strlen(text) / 2};

	for (size_t i = 0; i < bytes.len; i++) {
		unsigned byte;

		sscanf(text + 2 * i, "%2x", &byte);
		text[i] = (char)byte;
	}
	return bytes;
}

static void decode_into(struct decoder *dec, struct view message, struct writer *out)
{
	struct error err = {0};
	struct change change;
	int got = pgoutput_decode(&dec->pgoutput, message, 0, &change, &err);

	wr_clear(out);
	if (got < 0)
		wr_printf(out, "error: %s", err.text);
	while (got > 0) {
		wr_printf(out, "%s", out->len ? "; " : "");
		print_change(out, &change);
		got = pgoutput_more(&dec->pgoutput, &change);
	}
	wr_u8(out, 0);
}

static FILE *open_fixture(void)
{
	const char *srcdir = getenv("srcdir");
	char path[1000];
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/unit/source/pgoutput.txt", srcdir ? srcdir : "..");
	file = fopen(path, "r");
	assert_non_null(file);
	return file;
}

static void captured_messages_become_the_changes_they_were(void **state)
{
	static char line[LINE_BYTES];
	FILE *file = open_fixture();
	struct writer out = {0};
	int messages = 0;

	while (fgets(line, sizeof(line), file)) {
		char *expected = strchr(line, ' ');

		if (line[0] == '#' || !expected)
			continue;
		*expected++ = '\0';
		expected[strcspn(expected, "\n")] = '\0';
		decode_into(*state, unhex(line), &out);
		assert_string_equal(out.data, expected);
		messages++;
	}
	assert_true(messages > 20);
	wr_done(&out);
	fclose(file);
}

/* PostgreSQL 10 to 13 send it in the place of an origin that was dropped, or is made by the transaction itself. */
static void an_origin_without_a_name_is_an_empty_message(void **state)
{
	char begin[] = "42000000004d49faf8000303c326f2e4460000ed60";
	char commit[] = "4300000000004d49faf8000000004d49fb28000303c326f2e446";
	struct writer out = {0};

	decode_into(*state, VIEW_NONE, &out);
	assert_string_equal(out.data, "error: pgoutput message (tag 0x00), which was not asked for");
	decode_into(*state, unhex(begin), &out);
	assert_string_equal(out.data, "begin");
	decode_into(*state, VIEW_NONE, &out);
	assert_string_equal(out.data, "");
	decode_into(*state, unhex(commit), &out);
	assert_string_equal(out.data, "commit");
	wr_done(&out);
}

/* Every prefix of every message, and every message with a byte too many, is an error or nothing; never a crash. */
static void half_messages_are_refused(void **state)
{
	static char line[LINE_BYTES];
	FILE *file = open_fixture();
	struct writer out = {0};

	while (fgets(line, sizeof(line), file)) {
		char *space = strchr(line, ' ');
		struct view message;

		if (line[0] == '#' || !space)
			continue;
		*space = '\0';
		message = unhex(line);
		for (size_t len = 1; len < message.len; len++) {
			char *exact = mem_text((struct view){message.ptr, len});

			decode_into(*state, (struct view){exact, len}, &out);
			assert_memory_equal(out.data, "error:", 6);
			free(exact);
			pgoutput_restart(&((struct decoder *)*state)->pgoutput);
		}
		decode_into(*state, message, &out);
	}
	wr_done(&out);
	fclose(file);
}

static const struct {
	const char *hex;
	const char *error;
} wrong[] = {
	{"5a", "error: pgoutput message (tag 0x5a), which was not asked for"},
	{"49000000634e0000", "error: a change of relation 99, of which the log has not told"},
	{"430000000000000000010000000000000002000000000000000300", "error: a commit at 0/1 does not belong to the transaction that began"},
};

static void what_was_not_asked_for_is_refused_by_name(void **state)
{
	struct writer out = {0};

	FOR_EACH(row, wrong)
	{
		char text[200];

		snprintf(text, sizeof(text), "%s", row->hex);
		decode_into(*state, unhex(text), &out);
		assert_string_equal(out.data, row->error);
	}
	wr_done(&out);
}

/* Of streaming and two phases, as a server sends them; no reconnection would mend that. */
static const struct {
	const char *hex;
	const char *name;
} later[] = {
	{"530000000101", "Stream Start (tag 0x53)"},
	{"45", "Stream Stop (tag 0x45)"},
	{"630000ed6000000000004d49faf8000000004d49fb28000303c326f2e446", "Stream Commit (tag 0x63)"},
	{"410000ed600000ed61", "Stream Abort (tag 0x41)"},
	{"62000000004d49faf8000000004d49fb28000303c326f2e4460000ed606700", "Begin Prepare (tag 0x62)"},
	{"5000000000004d49faf8000000004d49fb28000303c326f2e4460000ed606700", "Prepare (tag 0x50)"},
	{"4b00000000004d49faf8000000004d49fb28000303c326f2e4460000ed606700", "Commit Prepared (tag 0x4b)"},
	{"7200000000004d49faf8000000004d49fb28000303c326f2e446000303c326f2e4460000ed606700", "Rollback Prepared (tag 0x72)"},
	{"7000000000004d49faf8000000004d49fb28000303c326f2e4460000ed606700", "Stream Prepare (tag 0x70)"},
};

static void messages_of_later_protocols_are_a_named_state(void **state)
{
	struct decoder *dec = *state;

	FOR_EACH(row, later)
	{
		struct error err = {0};
		struct change change;
		char text[200], expected[200];

		snprintf(text, sizeof(text), "%s", row->hex);
		snprintf(expected, sizeof(expected), "pgoutput message %s, which was not asked for", row->name);
		assert_int_equal(pgoutput_decode(&dec->pgoutput, unhex(text), 0, &change, &err), -1);
		assert_string_equal(err.text, expected);
		assert_int_equal(err.state, STATE_UNSUPPORTED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_WITH("captured messages become the changes they were",
			  captured_messages_become_the_changes_they_were, make_decoder, drop_decoder),
		TEST_WITH("an origin without a name is an empty message", an_origin_without_a_name_is_an_empty_message, make_decoder,
			  drop_decoder),
		TEST_WITH("half messages are refused", half_messages_are_refused, make_decoder, drop_decoder),
		TEST_WITH("what was not asked for is refused by name", what_was_not_asked_for_is_refused_by_name,
			  make_decoder, drop_decoder),
		TEST_WITH("messages of later protocols are a named state", messages_of_later_protocols_are_a_named_state,
			  make_decoder, drop_decoder),
	};

	return RUN_TESTS(tests);
}
