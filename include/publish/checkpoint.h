/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The checkpoint record (schemas/checkpoint.proto) and reading it back.
 */
#ifndef PUBLISH_CHECKPOINT_H
#define PUBLISH_CHECKPOINT_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"
#include "model/progress.h"
#include "publish/producer.h"

#define CHECKPOINT_WRITER_BYTES 37
#define CHECKPOINT_REST_BYTES 16384
#define CHECKPOINT_PLACE_BYTES 16384

struct checkpoint {
	char writer[CHECKPOINT_WRITER_BYTES]; /* of the state file */
	uint64_t claim;
	usec_t written_at;
	char system[64];
	char database[64];
	uint32_t timeline;
	struct progress progress;
	uint64_t job;
	uint64_t job_done;
	uint64_t job_refused;                 /* of a part of a table: rows that became exceptions */
	char rest[CHECKPOINT_REST_BYTES];     /* in SNAPSHOT_ROWS: what is not published; otherwise "" */
	char place[CHECKPOINT_PLACE_BYTES];   /* what of the place in the log its position does not tell; "" also if it is longer */
	bool released;                        /* its writer has ended */
	bool history_left_out;                /* not all documents that there were at first have been published */
};

/* Appends the record of the source named. */
void checkpoint_encode(const struct checkpoint *checkpoint, const char *source, struct writer *wr);

/* -1: these bytes are no checkpoint of a format known here (CHECKPOINT_LOST). */
int checkpoint_decode(struct view bytes, struct checkpoint *ret, struct error *err);

/*
 * The last committed checkpoint of a source: 1, 0 if there is none (or no topic), -1. It is complete only after
 * producer_init has fenced whoever wrote before: until then an open transaction hides what comes after it.
 */
int checkpoint_read(const struct kafka_options *options, const char *topic, const char *source,
		    struct checkpoint *ret, struct error *err);

#endif
