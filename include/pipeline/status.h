/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How a pipeline is, for other threads: written by the pipeline's thread alone, read by any at any time without making
 * it wait. Only the last failure has a lock, since it is a text; it is held while that is copied, and no longer.
 */
#ifndef PIPELINE_STATUS_H
#define PIPELINE_STATUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "model/position.h"
#include "source/source.h"

enum pipeline_phase {
	PHASE_STARTING,   /* connecting, comparing positions */
	PHASE_SNAPSHOT,
	PHASE_STREAMING,
	PHASE_RECOVERING, /* something failed: what is waited for stands in the last error */
	PHASE_DISK_FULL,  /* that of the state file: it goes on when there is room */
	PHASE_STOPPING,
	PHASE_ENDED,
	PIPELINE_PHASES,
};

/* "STREAMING" */
extern const char *const pipeline_phase_names[PIPELINE_PHASES];

struct shared_position {
	atomic_int kind;
	_Atomic uint64_t lsn;
};

/* The reading of a snapshot; nothing of it is older or newer than some tenths of a second. */
struct shared_progress {
	_Atomic uint64_t tables, tables_done, rows, expected_rows, bytes, expected_bytes;
	_Atomic usec_t begun_at;           /* monotonic; 0: none is under way */
};

struct pipeline_status {
	atomic_int phase;
	_Atomic usec_t alive_until;        /* monotonic: unless it is heard of by then, the thread hangs */
	_Atomic uint64_t claim, snapshot;
	_Atomic uint64_t tables_loading, tables_stale; /* of the mirror: their entities are held */

	_Atomic uint64_t open_xid, open_done;   /* of the source transaction being received: changes, so far; 0: none is open */
	_Atomic uint64_t job, job_done;         /* the job under way, and its documents so far; 0: none */
	_Atomic uint64_t exceptions_open;       /* as of some seconds ago */
	_Atomic uint64_t orders, order, order_rows; /* snapshots of tables asked for and not finished; the one under way */

	struct shared_progress reading;

	/* The log that the slot keeps, as of some seconds ago; UINT64_MAX: not known, or without a limit. */
	_Atomic uint64_t kept_bytes, safe_bytes, disk_free_bytes, log_rate, expires_s;
	atomic_bool log_looked_at;         /* the source has told of these */
	atomic_int log_state;              /* enum log_state */
	atomic_bool log_exceeded;          /* more than is wanted */

	struct shared_position source_end; /* of the source's log, as of some seconds ago ... */
	_Atomic usec_t end_told_at;        /* ... monotonic: when the source said so; 0: it has not */
	_Atomic usec_t current_at;         /* monotonic: all that the source had then is published; at first, the start */
	struct shared_position received, published, saved, confirmed;
	_Atomic usec_t pending_since;      /* wall: commit time of the oldest transaction that is not published; 0: none */

	atomic_bool kafka_down;            /* no broker is connected */
	_Atomic usec_t kafka_asked_at;     /* monotonic: since when Kafka owes an answer; 0: it owes none */

	pthread_mutex_t lock;
	struct error failure;              /* the last one; ERROR_NONE: there was none */
	usec_t failed_at;                  /* wall */
};

struct reading_view {
	bool under_way;
	struct source_progress progress;
	usec_t for_us;            /* since it began */
};

/* The same at one moment, for reading at leisure. */
struct pipeline_view {
	enum pipeline_phase phase;
	bool alive;
	bool kafka_answers;
	uint64_t claim, snapshot;
	uint64_t tables_loading, tables_stale;
	struct position source_end, received, published, saved, confirmed;
	uint64_t lag_bytes;       /* as of end_age_us ago */
	usec_t lag_us;            /* now, also while the source says nothing */
	usec_t end_age_us;        /* since the source has told of its log's end; -1: it has not */
	uint64_t open_xid, open_done;
	uint64_t job, job_done;
	uint64_t exceptions_open;
	uint64_t orders, order, order_rows;
	struct reading_view reading;
	uint64_t kept_bytes;      /* of the log, by the slot */
	uint64_t room_bytes;      /* so much more until it is lost ... */
	uint64_t log_rate;        /* ... at so many bytes a second, written to the log in the last minutes ... */
	bool removed_by_age;      /* read or not, as MySQL does: the bytes above say nothing */
	uint64_t seconds_to_loss; /* ... if nothing more is confirmed; UINT64_MAX each: not known, or never */
	enum log_state log_state;
	bool log_exceeded;
	bool log_looked_at;       /* otherwise nothing is known of these yet */
	struct error failure;
	usec_t failed_at;
};

void pipeline_status_init(struct pipeline_status *status);
void pipeline_status_done(struct pipeline_status *status);

/* For any thread. */
void pipeline_status_read(struct pipeline_status *status, struct pipeline_view *ret);

/* True unless the pipeline's thread has not been heard of for longer than what it does may take. */
bool pipeline_status_alive(const struct pipeline_status *status);

/* Streaming, with Kafka answering. */
bool pipeline_view_ready(const struct pipeline_view *view);

/* One word: a named state that ended it, what keeps it from being ready, or its phase. */
const char *pipeline_view_state(const struct pipeline_view *view);

#endif
