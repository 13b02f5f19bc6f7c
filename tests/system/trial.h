/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What trials of an agent under load have in common: the demo database and the audited workload, waiting for progress,
 * and reading back what was published for tests/system/verify.sql.
 */
#ifndef TRIAL_H
#define TRIAL_H

#include "harness/harness.h"

struct trial_work {
	pid_t days, small, large;
};

/* The demo database with its publication, and the audited table. */
void trial_database(struct scene *scene);

/* One of its procedures, once or again and again; what it has done by then is in the scene's database. */
void trial_call(struct scene *scene, const char *procedure);
pid_t trial_call_for_ever(struct scene *scene, const char *procedure);
void trial_call_stop(struct scene *scene, pid_t pid);

void trial_work_start(struct scene *scene, struct trial_work *work);
void trial_work_stop(struct scene *scene, struct trial_work *work);

/* A start counts only when something was committed in it, to Kafka and to the state file, under load. */
void trial_let_it_work(struct agent *agent);

/* Dies at the failpoint, or the test fails. */
void trial_kill_at(struct agent *agent, const char *point, unsigned passage);

/* Where the process dies, and between which passages: so that something was committed before. */
struct kill_point {
	const char *point;
	unsigned least, most;
};

/* Dies at one of these passages, by chance; and nothing was confirmed that is not on disk. */
void trial_kill_between(struct agent *agent, const struct kill_point *at);

/* The first line of `position` in one of its forms: "--json", "--field state". */
void trial_position(struct agent *agent, const char *form, char *ret, size_t size);

/* The source is never told more than the state file has on disk. */
void trial_check_confirmed(struct agent *agent);

/* Waits until all that is in the log is confirmed, and ends the agent. */
void trial_let_it_finish(struct agent *agent);

/* Fills the table `published` of verify.sql with all records. */
void trial_read_back(struct agent *agent);

/* Fails with the first row of a query that must have none. */
void trial_must_be_empty(struct agent *agent, const char *query, const char *what);

#endif
