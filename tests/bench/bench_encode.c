/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Nanoseconds for one encoded row of workload W1: ten columns, an insert, typed values in, framed Avro out. The median
 * of several runs; `bench_encode [rows]`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/datetime.h"
#include "encode/envelope.h"

#define RUNS 7

static struct column columns[] = {
	{.name = "id", .type = {TYPE_INT64, 0, 0}, .source_type = "bigint"},
	{.name = "a", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
	{.name = "b", .type = {TYPE_INT64, 0, 0}, .source_type = "bigint"},
	{.name = "c", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"},
	{.name = "d", .type = {TYPE_DECIMAL, 12, 2}, .source_type = "numeric(12,2)"},
	{.name = "e", .type = {TYPE_TIMESTAMP_ZONED, 0, 6}, .source_type = "timestamp with time zone"},
	{.name = "f", .type = {TYPE_BOOL, 0, 0}, .source_type = "boolean"},
	{.name = "g", .type = {TYPE_TEXT, 0, 0}, .source_type = "text"},
	{.name = "h", .type = {TYPE_INT32, 0, 0}, .source_type = "integer"},
	{.name = "i", .type = {TYPE_DATE, 0, 0}, .source_type = "date"},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
#define ROWS_IN_TRANSACTION 100

struct bench {
	struct encoder *enc;
	struct encode_plan *plan;
	struct table table;
	struct writer key, value;
	size_t bytes;
};

static void fill_row(struct value *values, int64_t number, char *price)
{
	static const char short_text[] = "customer name, 20 ch",
			  long_text[] = "a description of the row, 40 characters.";
	int len = snprintf(price, 32, "%lld.%02d", (long long)number % 100000, (int)(number % 100));

	for (unsigned i = 0; i < COLUMNS; i++)
		values[i] = (struct value){.state = VALUE_PRESENT, .integer = number};
	values[3].text = (struct view){short_text, sizeof(short_text) - 1};
	values[4].text = (struct view){price, (size_t)len};
	values[5].integer = 1700000000000000 + number * 1000;
	values[6].integer = number & 1;
	values[7].text = (struct view){long_text, sizeof(long_text) - 1};
	values[9].integer = 19700 + number % 300;
}

static void encode_transaction(struct bench *b, struct value rows[][COLUMNS], uint64_t number)
{
	struct transaction txn = {.id = 1000 + number, .final = {POSITION_PG_LSN, 77933696 + number * 20000},
				  .committed_at = 1700000000000000 + (usec_t)number * 1000};
	struct change change = {.op = CHANGE_INSERT, .table = &b->table, .txn = &txn};
	struct message message;
	struct error err;

	encode_begin(b->enc, &txn);
	encode_clock(b->enc, 1700000001000000 + (usec_t)number);
	for (unsigned i = 0; i < ROWS_IN_TRANSACTION; i++) {
		change.index = i;
		change.lsn = 77933696 + number * 20000 + i * 150;
		change.after = (struct row){IMAGE_FULL, rows[i]};
		encode_parts(b->enc, b->plan, &change);
		if (encode_part(b->enc, b->plan, &change, 0, &b->key, &b->value, &message, &err)) {
			fprintf(stderr, "%s\n", err.text);
			exit(1);
		}
		b->bytes = message.value.len;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const struct encode_options options = {.prefix = "w1", .source_name = "w1", .connector = "postgresql", .database = "bench",
						      .version = "1.0.0"};
	static struct value rows[ROWS_IN_TRANSACTION][COLUMNS];
	static char prices[ROWS_IN_TRANSACTION][32];
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
	unsigned key[] = {0};
	struct bench b = {.enc = encoder_new(&options)};
	struct error err;
	double ns[RUNS];

	b.table = (struct table){.schema = "public", .name = "t", .columns = columns, .column_count = COLUMNS, .key = key, .key_count = 1};
	b.plan = encode_plan_new(b.enc, &b.table, &err);
	for (unsigned i = 0; i < ROWS_IN_TRANSACTION; i++)
		fill_row(rows[i], 1000000 + i * 7, prices[i]);
	for (int run = 0; run < RUNS; run++) {
		usec_t start = clock_mono();

		for (uint64_t i = 0; i < count / ROWS_IN_TRANSACTION; i++)
			encode_transaction(&b, rows, i);
		ns[run] = (double)(clock_mono() - start) * 1000 / (double)count;
	}
	qsort(ns, RUNS, sizeof(*ns), by_value);
	printf("encode_ns_per_row %.1f (best %.1f, worst %.1f), %zu bytes a row\n", ns[RUNS / 2], ns[0], ns[RUNS - 1],
	       b.bytes);
	wr_done(&b.key);
	wr_done(&b.value);
	encode_plan_free(b.plan);
	encoder_free(b.enc);
	return 0;
}
