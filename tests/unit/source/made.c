/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Nothing of it is read from a server. */
#include "made.h"

#include <stdlib.h>

#include "schema/catalog.h"

void made_put_hex(struct writer *to, const char *hex)
{
	unsigned byte;

	for (int used; sscanf(hex, " %2x%n", &byte, &used) == 1; hex += used)
		wr_bytes(to, &(char){(char)byte}, 1);
}

void made_charsets(struct my_charsets *set)
{
	static const struct {
		const char *name;
		unsigned most_bytes;
		uint32_t collations[3];
	} sets[] = {{"binary", 1, {63}}, {"utf8mb4", 4, {45, 255, 2304}}, {"latin1", 1, {8, 48}}};

	FOR_EACH(row, sets)
		for (size_t i = 0; i < 3 && row->collations[i]; i++)
			my_charsets_collation(set, row->collations[i], my_charsets_add(set, row->name, row->most_bytes));
}

static void capture(struct decoder *dec, const char *name, uint8_t code, uint16_t meta)
{
	struct my_column column = {.name = "a", .code = code, .meta = meta};
	const struct my_shape shape = {.schema = "erp", .name = name, .columns = &column, .count = 1};
	const struct my_table *table;

	assert_ok(my_tables_capture(&dec->tables, &shape, &table, &dec->err), &dec->err);
}

int made_decoder(void **state)
{
	struct decoder *dec = calloc(1, sizeof(*dec));

	dec->catalog = catalog_new();
	made_charsets(&dec->charsets);
	my_tables_init(&dec->tables, dec->catalog, &dec->charsets);
	dec->tables.rules.mariadb = true;
	capture(dec, "t", MY_LONG, 0);
	capture(dec, "u", MY_LONG, 0);
	capture(dec, "m", MY_DATETIME, 3);
	binlog_init(&dec->log, &dec->tables);
	binlog_restart(&dec->log, binlog_position(1, 1000), false);
	*state = dec;
	return 0;
}

int made_drop(void **state)
{
	struct decoder *dec = *state;

	binlog_done(&dec->log);
	my_tables_done(&dec->tables);
	my_charsets_done(&dec->charsets);
	catalog_free(dec->catalog);
	wr_done(&dec->event);
	wr_done(&dec->told);
	free(dec);
	return 0;
}

void made_put_le(struct writer *to, uint64_t value, size_t bytes)
{
	value = htole64(value);
	wr_bytes(to, &value, bytes);
}

static void make_event(struct decoder *dec, unsigned type, uint64_t end, struct view body)
{
	wr_clear(&dec->event);
	made_put_le(&dec->event, 1700000000, 4);
	made_put_le(&dec->event, type, 1);
	made_put_le(&dec->event, 1, 4);
	made_put_le(&dec->event, 19 + body.len, 4);
	made_put_le(&dec->event, end, 4);
	made_put_le(&dec->event, end ? 0 : 0xa0, 2); /* ignorable */
	wr_bytes(&dec->event, body.ptr, body.len);
}

int made_decode(struct decoder *dec, unsigned type, uint64_t end, struct view body)
{
	static const char letters[] = {
		[CHANGE_BEGIN] = 'B', [CHANGE_TABLE] = 'v', [CHANGE_INSERT] = 'i', [CHANGE_UPDATE] = 'u', [CHANGE_TRUNCATE] = 't',
		[CHANGE_COMMIT] = 'C', [CHANGE_IDLE] = '.',
	};
	struct change change;
	int got;

	make_event(dec, type, end, body);
	for (got = binlog_decode(&dec->log, wr_view(&dec->event), &change, &dec->err); got > 0; got = binlog_more(&dec->log, &change, &dec->err))
		wr_bytes(&dec->told, &letters[change.op], 1);
	return got;
}

int made_decode_hex(struct decoder *dec, unsigned type, uint64_t end, const char *hex)
{
	struct writer body = {0};
	int result;

	made_put_hex(&body, hex);
	result = made_decode(dec, type, end, wr_view(&body));
	wr_done(&body);
	return result;
}

int made_begin(struct decoder *dec, unsigned type, uint64_t end, const char *hex, struct change *ret)
{
	struct writer body = {0};

	made_put_hex(&body, hex);
	make_event(dec, type, end, wr_view(&body));
	wr_done(&body);
	return binlog_decode(&dec->log, wr_view(&dec->event), ret, &dec->err);
}

void made_open_group(struct decoder *dec, uint64_t end)
{
	TAKE(dec, GTID, end, "0700000000000000 00000000 00 000000000000");
}

int made_query(struct decoder *dec, uint64_t end, const char *sql)
{
	struct writer body = {0};
	int result;

	made_put_hex(&body, "00000000 00000000 03 0000 0000 657270 00");
	wr_bytes(&body, sql, strlen(sql));
	result = made_decode(dec, QUERY, end, wr_view(&body));
	wr_done(&body);
	return result;
}

const char *made_reached(const struct decoder *dec)
{
	static char text[POSITION_TEXT_BYTES];

	position_print(dec->log.reached, text);
	return text;
}
