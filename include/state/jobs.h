/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Jobs: work that an input causes (documents evaluated again under a new pack, exceptions retried, a table loaded
 * again), with a number and a progress, so that a crash repeats exactly the part that is not done.
 */
#ifndef STATE_JOBS_H
#define STATE_JOBS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "state/db.h"

struct job {
	uint64_t number;     /* given by job_add, never used twice */
	struct view kind;    /* "evaluate", "retry", "reload" */
	struct view subject; /* an entity's, a table's name; may be empty */
	uint64_t done;       /* items done */
};

/* Adds a job and gives it its number. */
MUST_CHECK int job_add(struct db *db, struct job *job, struct error *err);

/* The numbers of jobs that are added from now on are larger than this. */
MUST_CHECK int jobs_begin_at(struct db *db, uint64_t number, struct error *err);

/* Notes how many items are done, all in all. */
MUST_CHECK int job_progress(struct db *db, uint64_t number, uint64_t done, struct error *err);

/* Removes the job: it is done. */
MUST_CHECK int job_finish(struct db *db, uint64_t number, struct error *err);

/* The unfinished job with the smallest number: 1 (texts in the arena), 0 if there is none, -1. */
MUST_CHECK int job_next(struct db *db, struct arena *arena, struct job *ret, struct error *err);

#endif
