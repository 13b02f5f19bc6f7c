/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Events of the binary log: where they are, what is compressed, what cannot be. */
#include <stdlib.h>

#include <sys/resource.h>
#include <zstd.h>

#include "made.h"

/* t(a longblob) */
#define MAP_BLOB "010000000000 0100 03 657270 00 01 74 00 01 fc 01 04 00 02 01 3f 04 02 0161"

static void positions_move_with_the_ends_of_groups_alone(void **state)
{
	struct decoder *dec = *state;

	TAKE(dec, ROTATE, 0, "e803000000000000 62696e2e303030303031");
	assert_string_equal(made_reached(dec), "1:1000");
	made_open_group(dec, 1100);
	TAKE(dec, TABLE_MAP, 1200, MAP_T);
	TAKE(dec, HEARTBEAT, 1200, "62696e2e303030303031");
	TAKE(dec, WRITE, 1300, "010000000000 0100 01 ff fe 0300000000000000");
	assert_string_equal(made_reached(dec), "1:1000");
	TAKE(dec, XID, 1400, "0100000000000000");
	assert_string_equal(made_reached(dec), "1:1400");
	TAKE(dec, VIEW_CHANGE, 1450, "00");
	TAKE(dec, ROTATE, 1500, "0400000000000000 62696e2e303030303032");
	assert_string_equal(made_reached(dec), "2:4");
	TAKE(dec, ROTATE, 0, "0400000000000000 62696e2e303030303032");
	assert_string_equal(made_reached(dec), "2:4");
}

static void a_place_behind_four_gibibytes_is_counted_on(void **state)
{
	struct decoder *dec = *state;

	binlog_restart(&dec->log, binlog_position(23, 4 * GIB - 100), false);
	made_open_group(dec, 4 * GIB - 50);
	TAKE(dec, XID, 4 * GIB + 50, "0100000000000000");
	assert_string_equal(made_reached(dec), "23:4294967346");
	made_open_group(dec, 8 * GIB - 1);
	TAKE(dec, XID, 8 * GIB + 70, "0100000000000000");
	assert_string_equal(made_reached(dec), "23:8589934662");
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		unsigned type;
		uint64_t end;
		const char *hex;
	} table[] = {
		{ROTATE, 1100, "0400000000000000 62696e2e303030303031"},          /* backwards */
		{ROTATE, 1100, "ffffffffffffffff 62696e2e303030303032"},
		{ROTATE, 1100, "0400000000000000 62696e"},
		{XID, 1100, "0100000000000000"},                                   /* nothing is open */
		{WRITE, 1100, "090000000000 0100 01 ff fe 0300000000000000"},      /* no table map */
		{QUERY, 1100, "00000000 00000000 03 0000 0000"},
	};
	struct decoder *dec = *state;

	FOR_EACH(row, table) {
		assert_int_equal(made_decode_hex(dec, row->type, row->end, row->hex), -1);
		binlog_restart(&dec->log, dec->log.reached, false);
		assert_string_equal(made_reached(dec), "1:1000");
	}
}

static void events_of_types_not_known_are_counted_or_named(void **state)
{
	struct decoder *dec = *state;

	TAKE(dec, 200, 0, "01");
	assert_int_equal(dec->log.ignored, 1);
	assert_int_equal(made_decode_hex(dec, 200, 1100, "01"), -1);
	assert_int_equal(dec->err.state, STATE_UNSUPPORTED);
	assert_non_null(strstr(dec->err.text, "an event of type 200 in the log, at 1:1080"));
}

static void an_incident_is_a_gap(void **state)
{
	struct decoder *dec = *state;

	assert_int_equal(made_decode_hex(dec, INCIDENT, 1100, "0100 04 6c6f7374"), -1);
	assert_int_equal(dec->err.state, STATE_GAP);
	assert_non_null(strstr(dec->err.text, "changes are missing from it: lost"));
}

static void files_are_known_by_their_numbers(void **state)
{
	static const struct {
		const char *name;
		int64_t number;
	} table[] = {
		{"bin.000001", 1}, {"my-bin.log.000123", 123}, {"bin.1234567", 1234567}, {"bin.16777215", 16777215}, {"bin.16777216", -1},
		{"bin", -1}, {"bin.", -1}, {"000001", -1}, {"bin.1234567890", -1}, {"bin.00001x", -1}, {"", -1},
	};

	(void)state;
	FOR_EACH(row, table)
		assert_int_equal(binlog_file_number(view_of(row->name)), row->number);
}

static void put_nested(struct writer *to, unsigned type, struct view body)
{
	made_put_le(to, 1700000000, 4);
	made_put_le(to, type, 1);
	made_put_le(to, 1, 4);
	made_put_le(to, 19 + body.len, 4);
	made_put_le(to, 0, 4);
	made_put_le(to, 0, 2);
	wr_view_bytes(to, body);
}

static void put_nested_hex(struct writer *to, unsigned type, const char *hex)
{
	struct writer body = {0};

	made_put_hex(&body, hex);
	put_nested(to, type, wr_view(&body));
	wr_done(&body);
}

static void put_field(struct writer *to, uint8_t what, uint64_t value)
{
	wr_u8(to, what);
	wr_u8(to, 9);
	wr_u8(to, 0xfe);
	made_put_le(to, value, 8);
}

static int decode_payload(struct decoder *dec, uint8_t method, uint64_t inflated, struct view payload)
{
	struct writer body = {0};
	int result;

	put_field(&body, 2, method);
	put_field(&body, 3, inflated);
	put_field(&body, 1, payload.len);
	wr_u8(&body, 0);
	wr_view_bytes(&body, payload);
	result = made_decode(dec, PAYLOAD, 1000000, wr_view(&body));
	wr_done(&body);
	return result;
}

static void compress_part(ZSTD_CCtx *stream, struct view in, ZSTD_EndDirective end, struct writer *to)
{
	ZSTD_inBuffer from = {in.ptr, in.len, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {wr_reserve(to, 65536), 65536, 0};

		left = ZSTD_compressStream2(stream, &out, &from, end);
		assert_false(ZSTD_isError(left));
		to->len += out.pos;
	} while (from.pos < from.size || (end == ZSTD_e_end && left));
}

/* Rows of many megabytes, as often as wanted, between a begin and an end. */
static uint64_t compress_transaction(size_t row_bytes, unsigned times, struct writer *to)
{
	struct writer head = {0}, rows = {0}, body = {0}, tail = {0};
	ZSTD_CCtx *stream = ZSTD_createCCtx();
	uint64_t bytes;

	put_nested_hex(&head, QUERY, "00000000 00000000 03 0000 0000 657270 00 424547494e");
	put_nested_hex(&head, TABLE_MAP, MAP_BLOB);
	made_put_hex(&body, "010000000000 0000 0200 01 ff fe");
	made_put_le(&body, row_bytes, 4);
	memset(wr_reserve(&body, row_bytes), 'x', row_bytes);
	body.len += row_bytes;
	put_nested(&rows, WRITE_2, wr_view(&body));
	put_nested_hex(&tail, XID, "0100000000000000");
	compress_part(stream, wr_view(&head), ZSTD_e_continue, to);
	for (unsigned i = 0; i < times; i++)
		compress_part(stream, wr_view(&rows), ZSTD_e_continue, to);
	compress_part(stream, wr_view(&tail), ZSTD_e_end, to);
	bytes = head.len + (uint64_t)times * rows.len + tail.len;
	ZSTD_freeCCtx(stream);
	wr_done(&head);
	wr_done(&rows);
	wr_done(&body);
	wr_done(&tail);
	return bytes;
}

static long peak_kilobytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void a_compressed_transaction_costs_the_memory_of_one_of_its_events(void **state)
{
	struct decoder *dec = *state;
	struct writer payload = {0};
	uint64_t bytes = compress_transaction(1 << 20, 300, &payload);
	long before = peak_kilobytes();

	TAKE(dec, GTID, 1900, "0700000000000000 00000000 00 000000000000");
	assert_ok(decode_payload(dec, 0, bytes, wr_view(&payload)), &dec->err);
	assert_int_equal(dec->told.len, 303); /* begin, version, rows, commit */
	assert_string_equal(made_reached(dec), "1:1000000");
	assert_in_range(peak_kilobytes() - before, 0, 20000);
	wr_done(&payload);
}

static void a_payload_that_cannot_be_is_refused(void **state)
{
	struct decoder *dec = *state;
	struct writer small = {0};
	uint64_t bytes = compress_transaction(10, 1, &small);
	struct view whole = wr_view(&small);
	char nested[] = {0, 0, 0, 0, PAYLOAD, 1, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
	char huge[] = {0, 0, 0, 0, XID, 1, 0, 0, 0, (char)0xff, (char)0xff, (char)0xff, (char)0xff, 0, 0, 0, 0, 0, 0};
	const struct {
		uint8_t method;
		uint64_t inflated;
		struct view payload;
		const char *expected;
	} table[] = {
		{0, bytes + 1, whole, "cut short or garbled"},                            /* ends before */
		{0, bytes - 1, whole, "cut short or garbled"},                            /* ends behind */
		{0, UINT32_MAX, whole, "cut short or garbled"},
		{0, bytes, {whole.ptr, whole.len - 5}, "cut short or garbled"},
		{0, 4, {"abcd", 4}, "cut short or garbled"},
		{1, bytes, whole, "a method that is not known (1)"},
		{255, 0, {nested, sizeof(nested)}, "an event of type 40 in a compressed transaction"},
		{255, 0, {huge, sizeof(huge)}, "cut short or garbled"},                   /* 4 GiB, it says */
		{0, UINT64_MAX, {huge, sizeof(huge)}, "cut short or garbled"},
	};

	FOR_EACH(row, table) {
		binlog_restart(&dec->log, binlog_position(1, 1000), false);
		TAKE(dec, GTID, 1900, "0700000000000000 00000000 00 000000000000");
		assert_int_equal(decode_payload(dec, row->method, row->inflated, row->payload), -1);
		if (!strstr(dec->err.text, row->expected))
			fail_msg("%s", dec->err.text);
	}
	binlog_restart(&dec->log, binlog_position(1, 1000), false);
	assert_int_equal(decode_payload(dec, 0, bytes, whole), -1); /* outside of a transaction */
	wr_done(&small);
}

static void what_mariadb_has_compressed_is_no_longer_than_it_can_be(void **state)
{
	static const char *const table[] = {
		"010000000000 0100 01 ff 84 ffffffff 789c0300000000 01",   /* 4 GiB in a few bytes */
		"010000000000 0100 01 ff 84 3fffffff 789c0300000000 01",
		"010000000000 0100 01 ff 85 0000000001 789c0300000000 01",
		"010000000000 0100 01 ff 80",
		"010000000000 0100 01 ff 91 01 789c0300000000 01",         /* another method */
		"010000000000 0100 01 ff 81 01 789c0300000000 01",         /* nothing comes out */
		"010000000000 0100 01 ff",
	};
	struct decoder *dec = *state;

	FOR_EACH(row, table) {
		binlog_restart(&dec->log, binlog_position(1, 1000), false);
		made_open_group(dec, 1100);
		TAKE(dec, TABLE_MAP, 1200, MAP_T);
		assert_int_equal(made_decode_hex(dec, PACKED_WRITE, 1300, *row), -1);
		assert_non_null(strstr(dec->err.text, "cut short"));
	}
}

/* MariaDB from 11.4 on does not say of events inside of a transaction where they end. */
static void events_that_do_not_say_where_they_end_are_counted(void **state)
{
	static const char rows[] = "010000000000 0100 01 ff fe 0300000000000000";
	static const uint64_t ends[] = {1200, 4 * GIB + 150, 8 * GIB, 12 * GIB + 70};
	struct decoder *dec = *state;
	struct change change;

	FOR_EACH(end, ends) {
		binlog_restart(&dec->log, binlog_position(23, *end - 200), false);
		if (dec->log.skipping) {
			dec->log.skipping = false;
			dec->log.at = *end - 200;
		}
		made_open_group(dec, *end - 161);
		TAKE(dec, TABLE_MAP, *end - 65, MAP_T);
		assert_int_equal(made_begin(dec, WRITE, UNSAID, rows, &change), 1);
		while (change.op != CHANGE_INSERT)
			assert_int_equal(binlog_more(&dec->log, &change, &dec->err), 1);
		assert_int_equal(position_offset(change.lsn), *end - 65);
		assert_int_equal(binlog_more(&dec->log, &change, &dec->err), 0);
		TAKE(dec, XID, *end, "0100000000000000");
		assert_int_equal(position_offset(dec->log.reached.lsn), *end);
	}
}

/* The server cannot be asked for a place behind four gibibytes: it sends the file from its beginning. */
static void what_is_before_a_place_behind_four_gibibytes_is_skipped(void **state)
{
	struct decoder *dec = *state;

	binlog_restart(&dec->log, binlog_position(23, 5 * GIB), false);
	TAKE(dec, ROTATE, 0, "0400000000000000 62696e2e303030303233");
	TAKE(dec, QUERY, 2 * GIB, "00000000 00000000 03 0000 0000 657270 00 424547494e");
	TAKE(dec, HEARTBEAT, 3 * GIB, "62696e2e303030303233");
	TAKE(dec, TABLE_MAP, 3 * GIB, MAP_T);
	TAKE(dec, WRITE, 4 * GIB, "010000000000 0100 01 ff fe 0300000000000000"); /* its end cannot be told from none */
	TAKE(dec, XID, 5 * GIB, "0100000000000000");
	assert_true(dec->log.skipping);
	assert_string_equal(made_reached(dec), "23:5368709120");
	made_open_group(dec, 5 * GIB + 39);
	assert_false(dec->log.skipping);
	TAKE(dec, TABLE_MAP, 5 * GIB + 100, MAP_T);
	TAKE(dec, WRITE, 5 * GIB + 150, "010000000000 0100 01 ff fe 0400000000000000");
	TAKE(dec, XID, 9 * GIB, "0100000000000000");
	assert_string_equal(made_reached(dec), "23:9663676416");
	assert_view(wr_view(&dec->told), "BviC");

	binlog_restart(&dec->log, binlog_position(23, 5 * GIB), false);
	TAKE(dec, XID, 3 * GIB, "0100000000000000");
	TAKE(dec, XID, 5 * GIB, "0100000000000000"); /* the place is the end of its file */
	TAKE(dec, ROTATE, 5 * GIB + 41, "0400000000000000 62696e2e303030303234");
	assert_string_equal(made_reached(dec), "24:4");
	binlog_restart(&dec->log, binlog_position(23, 5 * GIB), false);
	assert_int_equal(made_decode_hex(dec, ROTATE, 2000, "0400000000000000 62696e2e303030303234"), -1);
	assert_int_equal(dec->err.state, STATE_DIVERGED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DECODER_TEST("positions move with the ends of groups alone", positions_move_with_the_ends_of_groups_alone),
		DECODER_TEST("a place behind four gibibytes is counted on", a_place_behind_four_gibibytes_is_counted_on),
		DECODER_TEST("events that do not say where they end are counted", events_that_do_not_say_where_they_end_are_counted),
		DECODER_TEST("what is before a place behind four gibibytes is skipped", what_is_before_a_place_behind_four_gibibytes_is_skipped),
		DECODER_TEST("what cannot be is refused", what_cannot_be_is_refused),
		DECODER_TEST("events of types not known are counted or named", events_of_types_not_known_are_counted_or_named),
		DECODER_TEST("an incident is a gap", an_incident_is_a_gap),
		TEST("files are known by their numbers", files_are_known_by_their_numbers),
		DECODER_TEST("a compressed transaction costs the memory of one of its events",
			     a_compressed_transaction_costs_the_memory_of_one_of_its_events),
		DECODER_TEST("a payload that cannot be is refused", a_payload_that_cannot_be_is_refused),
		DECODER_TEST("what MariaDB has compressed is no longer than it can be", what_mariadb_has_compressed_is_no_longer_than_it_can_be),
	};

	return RUN_TESTS(tests);
}
