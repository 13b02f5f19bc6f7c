/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * An agent with a table, slot, publication, prefix and state file of its own, all of one name: many of them share the
 * servers of a scene.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "base/error.h"
#include "harness/harness.h"

struct plain {
	struct agent agent;
	const char *name;
	const char *address;    /* of PostgreSQL; NULL: the scene's */
	const char *user;       /* NULL: postgres */
	const char *include;    /* tables that have change topics; NULL: the one of its name */
	const char *source;     /* further lines of that section, indented by two; may be NULL */
	const char *kafka;      /* further properties, lines indented by two; may be NULL */
	const char *confirm_interval; /* NULL = 100ms */
	const char *extra;      /* further lines of the configuration; may be NULL */
	bool no_slot;           /* none may be made */
	unsigned confirm_rows;  /* 0: the default */
};

/* Writes the configuration: again after something of the above was changed. */
void plain_configure(struct plain *plain);

/* Makes the table with a row, and the publication; and configures. */
void plain_prepare(struct plain *plain, struct scene *scene);

/* Starts the agent, and waits until it streams. */
void plain_stream(struct plain *plain);

/* Waits until all that is in the log by now is published and confirmed. */
void plain_catch_up(struct plain *plain);
bool plain_confirmed(const struct plain *plain, const char *position);

/* Fails the test, saying what is wrong, unless the query finds nothing; what it has found is told. */
void plain_must_be_empty(struct plain *plain, const char *what, const char *query);

/* Changes the rows of its table, and catches up. */
void plain_work(struct plain *plain);

/* Starts the agent, which is killed at the failpoint. */
void plain_die_at(struct plain *plain, const char *failpoint);

/* It has been started with the failpoint. */
void plain_await_death(struct plain *plain, const char *failpoint);

/*
 * Everything in its topics that fit the pattern, into the view `seen`: kind (of the topic: change, entity ...), topic, n (the
 * offset), key, value, and of the value header, document and status; and, as they were read, into the table `line`.
 */
void plain_read_back(struct plain *plain, const char *topics);

/* The agent ends in this state, and what it has said by now stands in the log so many times. */
void plain_expect(struct plain *plain, enum named_state state, const char *said, unsigned times, int seconds);

#endif
