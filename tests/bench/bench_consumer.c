/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The far end of the benchmark: a read_committed consumer that says when something arrived.
 *
 *   bench_consumer until BROKERS TOPIC COUNT                          the wall time at which that many records were there
 *   bench_consumer latency BROKERS TOPIC CONNINFO RATE SECONDS FIRST  inserts rows at this rate, a transaction each, and
 *                                                                     tells the milliseconds from before COMMIT to here
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "publish/reader.h"

#define WAIT_MOST_US (600 * USEC_PER_SEC)
#define MARK "bench#"
#define WARM_UP_PART 10 /* one of so many: the first rows are not counted */

static struct error err;

static void must(int result)
{
	if (result < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static struct topic_reader *open_reader(const char *brokers, const char *topic, enum read_from from)
{
	struct kafka_property property = {"bootstrap.servers", brokers};
	struct kafka_options options = {.client = "bench", .properties = &property, .property_count = 1};
	struct topic_reader *reader;

	must(topic_reader_new(&reader, &options, &err));
	must(topic_reader_assign(reader, &topic, 1, from, 0, &err));
	return reader;
}

static bool next(struct topic_reader *reader, struct reader_record *record, usec_t deadline)
{
	bool at_end;
	int got = 0;

	while (got == 0 && clock_mono() < deadline) {
		got = topic_reader_next(reader, USEC_PER_SEC, record, &at_end, &err);
		must(got);
	}
	return got > 0;
}

static int wait_until(char **argv)
{
	struct topic_reader *reader = open_reader(argv[0], argv[1], READ_BEGINNING);
	usec_t deadline = clock_mono() + WAIT_MOST_US;
	struct reader_record record;

	for (unsigned long left = strtoul(argv[2], NULL, 10); left; left--) {
		if (!next(reader, &record, deadline)) {
			fprintf(stderr, "%s: %lu records did not arrive\n", argv[1], left);
			return 1;
		}
	}
	printf("%.6f\n", (double)clock_wall() / USEC_PER_SEC);
	topic_reader_free(reader);
	return 0;
}

/* Latency ---------------------------------------------------------------- */

struct load {
	const char *conninfo;
	unsigned long count, rate, first;
	usec_t *committed; /* by number: when it was asked for */
	usec_t *arrived;
};

/* At a steady rate; one that falls behind catches up. */
static void *insert_rows(void *arg)
{
	struct load *load = arg;
	PGconn *conn = PQconnectdb(load->conninfo);
	usec_t begun = clock_mono();

	for (unsigned long i = 0; i < load->count; i++) {
		usec_t due = begun + (usec_t)(i * USEC_PER_SEC / load->rate), now;
		char sql[300];

		while ((now = clock_mono()) < due)
			usleep((useconds_t)(due - now));
		snprintf(sql, sizeof(sql),
			 "INSERT INTO w1 VALUES (%lu, 7, 1, '" MARK "%lu', 12.5, now(), true, 'a description', 5,"
			 " date '2024-01-01')",
			 load->first + i, load->first + i);
		load->committed[i] = clock_mono();
		PQclear(PQexec(conn, sql));
	}
	if (*PQerrorMessage(conn))
		fprintf(stderr, "%s", PQerrorMessage(conn));
	PQfinish(conn);
	return NULL;
}

/* The row's number: in a change behind the mark, in a document at the end of its key. */
static unsigned long number_of(const struct reader_record *record)
{
	const char *found = record->value.len ? memmem(record->value.ptr, record->value.len, MARK, strlen(MARK)) : NULL;
	size_t start = record->key.len;

	if (found)
		return strtoul(found + strlen(MARK), NULL, 10);
	while (start && record->key.ptr[start - 1] >= '0' && record->key.ptr[start - 1] <= '9')
		start--;
	return start < record->key.len ? strtoul(record->key.ptr + start, NULL, 10) : 0;
}

static int by_time(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

	return (x > y) - (x < y);
}

static void report(struct load *load)
{
	unsigned long skipped = load->count / WARM_UP_PART, count = load->count - skipped;
	usec_t *took = load->arrived + skipped;

	for (unsigned long i = skipped; i < load->count; i++)
		load->arrived[i] -= load->committed[i];
	qsort(took, count, sizeof(*took), by_time);
	printf("%.2f %.2f %.2f\n", (double)took[count / 2] / 1000, (double)took[count * 99 / 100] / 1000,
	       (double)took[count * 999 / 1000] / 1000);
}

static int measure_latency(char **argv)
{
	struct topic_reader *reader = open_reader(argv[0], argv[1], READ_END);
	struct load load = {.conninfo = argv[2], .rate = strtoul(argv[3], NULL, 10), .first = strtoul(argv[5], NULL, 10)};
	usec_t deadline = clock_mono() + WAIT_MOST_US;
	struct reader_record record;
	unsigned long seen = 0;
	pthread_t thread;

	load.count = load.rate * strtoul(argv[4], NULL, 10);
	load.committed = calloc(load.count, sizeof(usec_t));
	load.arrived = calloc(load.count, sizeof(usec_t));
	if (!load.committed || !load.arrived || pthread_create(&thread, NULL, insert_rows, &load) != 0)
		return 1;
	while (seen < load.count && next(reader, &record, deadline)) {
		unsigned long number = number_of(&record);

		if (number < load.first || number >= load.first + load.count || load.arrived[number - load.first])
			continue;
		load.arrived[number - load.first] = clock_mono();
		seen++;
	}
	pthread_join(thread, NULL);
	if (seen < load.count) {
		fprintf(stderr, "%lu of %lu rows arrived\n", seen, load.count);
		return 1;
	}
	report(&load);
	topic_reader_free(reader);
	free(load.committed);
	free(load.arrived);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "until") == 0)
		return wait_until(argv + 2);
	if (argc == 8 && strcmp(argv[1], "latency") == 0)
		return measure_latency(argv + 2);
	fprintf(stderr, "usage: bench_consumer until BROKERS TOPIC COUNT\n"
			"       bench_consumer latency BROKERS TOPIC CONNINFO RATE SECONDS FIRST\n");
	return 2;
}
