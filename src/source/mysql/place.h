/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What belongs to our place in the log and is not in its position: which transactions are behind it, so that another server
 * that has them can be read on; and how positions number the files of the log, so that they grow when it changes.
 */
#ifndef MYSQL_PLACE_H
#define MYSQL_PLACE_H

#include "conn.h"
#include "gtid.h"
#include "model/position.h"
#include "prepared.h"

struct my_place {
	int64_t shift;           /* positions number the log's files by so much more than the server does */
	struct position until;   /* before it, the log may have transactions that are done: it was another server's then */
	struct gtid_set done;    /* all that is behind; empty: not known, or the server has no GTIDs */
	struct my_prepared_set prepared; /* transactions in two phases that are between them */
};

void my_place_done(struct my_place *place);

/* "0 none 0-1-5", "3 7:18812 uuid:1-5", what is prepared (prepared.h); an empty text: nothing is known. */
int my_place_parse(struct my_place *place, struct view text, struct error *err) MUST_CHECK;
void my_place_print(const struct my_place *place, struct writer *to);

/* Asks the server for the transactions that are behind a position at which it has just held still, or the end of one. */
int my_place_ask(MYSQL *conn, const struct my_server *server, struct my_place *place, struct position at, struct error *err) MUST_CHECK;

/* DIVERGED unless the server still has all that is done: its log may have been reset. */
int my_place_check(MYSQL *conn, const struct my_server *server, const struct my_place *place, struct error *err) MUST_CHECK;

/*
 * On another server: 1 and the position to go on from, which is behind `from`; 0 if there are no GTIDs to go by. MISMATCH if the
 * server lacks what is done, GAP if it has removed what is not; both name it.
 */
int my_place_follow(MYSQL *conn, struct my_server *server, struct my_place *place, struct position from, struct position *ret,
		    struct error *err) MUST_CHECK;

#endif
