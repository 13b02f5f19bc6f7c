/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The decoder of the binary log under any bytes. An input is a stream: events one after the other, each behind its length
 * in two bytes. What a fuzzer cannot guess is put right before an event is decoded: its size in the header and its
 * checksum; unless the upper bit of the length is set. After an error the stream begins anew where the last group ended, as
 * the agent does it. What is decoded is also encoded, and must read back by the schema that is published.
 */
#include "fuzz.h"

#include <zlib.h>

#include "base/memory.h"
#include "base/reader.h"
#include "mysql/binlog.h"
#include "read_back.h"
#include "schema/catalog.h"

#define HEADER_BYTES 19
#define SIZE_AT 9
#define CHECKSUM_BYTES 4
#define AS_IT_IS 0x8000

struct session {
	struct catalog *catalog;
	struct my_charsets charsets;
	struct my_tables tables;
	struct binlog log;
	struct my_prepared_set prepared;
	struct read_back back;
};

static const struct {
	const char *name;
	unsigned most_bytes;
	uint32_t collations[4];
} charsets[] = {
	{"binary", 1, {63}},       {"utf8mb4", 4, {45, 255, 224, 2304}}, {"utf8mb3", 3, {33}}, {"latin1", 1, {8, 48}},
	{"utf16", 4, {54}},        {"cp932", 2, {95}},                  
};

/* Of the logs in the corpus; many were recorded (tests/unit/source/binlogs). */
static const char *const tables[] = {
	"type", "account", "pairs", "n", "s", "m", "mine", "fr", "i", "k", "js", "p", "z", "x", "g", "nat", "ver", "pc", "vec", "inv",
};

static void add_charsets(struct my_charsets *set)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		const struct my_charset *charset = my_charsets_add(set, charsets[i].name, charsets[i].most_bytes);

		for (size_t k = 0; k < 4 && charsets[i].collations[k]; k++)
			my_charsets_collation(set, charsets[i].collations[k], charset);
	}
}

/* Of what the catalogue says, only types that the log does not tell matter. */
static void capture(struct session *session, const char *name)
{
	const struct my_charset *bytes = my_charset_named(&session->charsets, "binary");
	struct my_column columns[] = {
		{.name = "c39", .code = MY_STRING, .meta = 16, .charset = bytes, .native = "uuid"},
		{.name = "c40", .code = MY_STRING, .meta = 16, .charset = bytes, .native = "inet6"},
		{.name = "c40b", .code = MY_STRING, .meta = 4, .charset = bytes, .native = "inet4"},
		{.name = "old", .code = MY_TIME},
	};
	const struct my_shape shape = {.schema = "erp", .name = name, .columns = columns, .count = 4};
	const struct my_table *table;
	struct error err;

	MUST(my_tables_capture(&session->tables, &shape, &table, &err) == 0);
}

static void begin(struct session *session, bool mariadb)
{
	*session = (struct session){.catalog = catalog_new()};
	read_back_init(&session->back, "mysql");
	add_charsets(&session->charsets);
	my_tables_init(&session->tables, session->catalog, &session->charsets);
	session->tables.rules.mariadb = mariadb;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		capture(session, tables[i]);
	binlog_init(&session->log, &session->tables);
	session->log.prepared_set = &session->prepared;
	binlog_restart(&session->log, binlog_position(1, 4), false);
}

static void end(struct session *session)
{
	binlog_done(&session->log);
	my_prepared_done(&session->prepared);
	my_tables_done(&session->tables);
	my_charsets_done(&session->charsets);
	read_back_done(&session->back);
	catalog_free(session->catalog);
}

static void put_le(char *to, uint32_t value)
{
	value = htole32(value);
	memcpy(to, &value, sizeof(value));
}

static void put_right(const struct binlog *log, char *event, size_t len)
{
	bool format = (uint8_t)event[4] == 15 && len > HEADER_BYTES + CHECKSUM_BYTES && event[len - CHECKSUM_BYTES - 1] == 1;

	put_le(event + SIZE_AT, (uint32_t)len);
	if ((log->checksums || format) && len >= HEADER_BYTES + CHECKSUM_BYTES)
		put_le(event + len - CHECKSUM_BYTES,
		       (uint32_t)crc32(0, (const unsigned char *)event, (unsigned)(len - CHECKSUM_BYTES)));
}

static void take(struct session *session, struct view event)
{
	struct position before = session->log.reached;
	struct change change;
	struct error err;
	int got;

	for (got = binlog_decode(&session->log, event, &change, &err); got > 0; got = binlog_more(&session->log, &change, &err))
		read_back_change(&session->back, &change);
	if (got == 0 && session->log.recalled)
		binlog_settle(&session->log, false, &change);
	MUST(position_compare(before, session->log.reached) <= 0);
	if (got < 0)
		binlog_restart(&session->log, session->log.reached, session->log.checksums);
}

static void take_event(struct session *session, struct view bytes, bool as_it_is)
{
	char *event = mem_resize(NULL, 1, bytes.len + !bytes.len); /* exactly as large, so that reading beyond it is seen */

	memcpy(event, bytes.ptr, bytes.len);
	if (!as_it_is && bytes.len >= HEADER_BYTES)
		put_right(&session->log, event, bytes.len);
	take(session, (struct view){event, bytes.len});
	free(event);
}

/* The first byte says whose rules character sets follow. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader events = reader_of(fuzz_view(data, size));
	struct session session;

	begin(&session, rd_u8(&events) != 'M');
	while (!events.failed && rd_left(&events)) {
		uint16_t len = rd_u16be(&events);
		struct view event = rd_bytes(&events, len & (AS_IT_IS - 1));

		if (!events.failed)
			take_event(&session, event, len & AS_IT_IS);
	}
	end(&session);
	return 0;
}
