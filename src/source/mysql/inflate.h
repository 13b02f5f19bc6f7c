/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the servers put into the log compressed: MariaDB's statements, rows and columns, which are small and are inflated
 * whole; and MySQL's payloads, which hold a transaction, and are inflated event by event.
 */
#ifndef MYSQL_INFLATE_H
#define MYSQL_INFLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/reader.h"
#include "base/writer.h"

/*
 * MariaDB: all that is left, which begins with its method and its length when inflated, behind what `to` has. A length that
 * so few bytes cannot have is refused before there is memory for it. -1 sets the reader's error.
 */
int inflate_event(struct reader *rd, struct writer *to) MUST_CHECK;
int inflate_column(struct view stored, struct writer *to) MUST_CHECK;

/* An open payload. All zero: none is. */
struct payload {
	bool open;
	bool stored;            /* not compressed */
	struct view in;         /* view into the event: what was not inflated yet */
	uint64_t left;          /* so many bytes are still to come out of it */
	void *stream;           /* owned: of zstd; kept for the next one */
	struct writer out;      /* inflated ... */
	size_t taken;           /* ... and this much of it was handed out */
};

void payload_done(struct payload *payload);

/* Opens what the body of an event has; bytes are borrowed until it is at its end. */
int payload_open(struct payload *payload, struct reader *body, struct error *err) MUST_CHECK;

/* The next event in it, which lives until the next call: 1; 0: that was all, and it is closed; -1. */
int payload_next(struct payload *payload, struct view *ret, struct error *err) MUST_CHECK;

#endif
