/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Events of the binary log that are made here, by their bytes in hexadecimal, and a decoder that they are given to. */
#ifndef UNIT_SOURCE_MADE_H
#define UNIT_SOURCE_MADE_H

#include "base/writer.h"
#include "mysql/binlog.h"
#include "unit/unit.h"

#define GIB (UINT64_C(1) << 30)

enum { QUERY = 2, ROTATE = 4, FORMAT = 15, XID = 16, TABLE_MAP = 19, WRITE = 23, UPDATE = 24, INCIDENT = 26, HEARTBEAT = 27, WRITE_2 = 30, VIEW_CHANGE = 37,
       XA_PREPARE = 38, PAYLOAD = 40, GTID = 162, PACKED_WRITE = 166 };

struct decoder {
	struct catalog *catalog;
	struct my_charsets charsets;
	struct my_tables tables;
	struct binlog log;
	struct writer event;
	struct error err;
	struct writer told; /* what changes came: a letter for each */
};

/* For TEST_WITH: of tables t, u (a bigint, which the catalogue knows as an int) and m, at 1:1000, without checksums. */
int made_decoder(void **state);
int made_drop(void **state);

#define DECODER_TEST(sentence, function) TEST_WITH(sentence, function, made_decoder, made_drop)

void made_put_hex(struct writer *to, const char *hex);
void made_put_le(struct writer *to, uint64_t value, size_t bytes);
void made_charsets(struct my_charsets *set);

#define UNSAID (16 * GIB) /* the end of an event of a transaction that does not say it */

/* Of a body, and where it ends in its file; an end of 0 is that of an event that was made up. */
int made_decode(struct decoder *dec, unsigned type, uint64_t end, struct view body);
int made_decode_hex(struct decoder *dec, unsigned type, uint64_t end, const char *hex);

/* The first change of an event. */
int made_begin(struct decoder *dec, unsigned type, uint64_t end, const char *hex, struct change *ret);

/* Of MariaDB, number 7. */
void made_open_group(struct decoder *dec, uint64_t end);

int made_query(struct decoder *dec, uint64_t end, const char *sql);

/* "1:1000" */
const char *made_reached(const struct decoder *dec);

#define TAKE(dec, type, end, hex) assert_ok(made_decode_hex((dec), (type), (end), (hex)), &(dec)->err)

/* t(a bigint) and u(a bigint), which the catalogue knows with an int. */
#define MAP_T "010000000000 0100 03 657270 00 01 74 00 01 08 00 00 04 02 0161"
#define MAP_U "020000000000 0100 03 657270 00 01 75 00 01 08 00 00 04 02 0161"

#endif
