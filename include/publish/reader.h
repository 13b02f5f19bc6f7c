/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Reading topics of our own, read_committed: the checkpoint at start, and everything that the verb `read` shows.
 */
#ifndef PUBLISH_READER_H
#define PUBLISH_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "publish/producer.h"

struct topic_reader;

/* READ_TIME: the first record of each partition that is not older than a time. */
enum read_from { READ_BEGINNING, READ_END, READ_TIME };

struct reader_record {
	const char *topic;
	int32_t partition;
	int64_t offset;
	usec_t timestamp;
	struct view key;   /* ptr NULL: none */
	struct view value; /* ptr NULL: tombstone */
};

/*
 * Connects when it is first used. Options are borrowed for this call alone; free takes NULL. ERROR_INPUT if one is
 * wrong.
 */
int topic_reader_new(struct topic_reader **ret, const struct kafka_options *options, struct error *err);
void topic_reader_free(struct topic_reader *reader);

/* Names of all topics that begin with the prefix; an array and its texts in one allocation, freed with free(). */
int topic_reader_list(struct topic_reader *reader, const char *prefix, char ***ret, size_t *ret_count,
		      struct error *err);

/* Reads these topics, all partitions, from the stated place; a topic that does not exist is an error. */
int topic_reader_assign(struct topic_reader *reader, const char *const *topics, size_t count, enum read_from from,
			usec_t time, struct error *err);

/*
 * The next record: 1, 0 when none came within timeout. *ret_at_end: every partition has been read to the end it had.
 * The record's views live until the next call.
 */
int topic_reader_next(struct topic_reader *reader, usec_t timeout_us, struct reader_record *ret, bool *ret_at_end,
		      struct error *err);

#endif
