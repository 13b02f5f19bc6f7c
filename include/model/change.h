/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a source says, one item at a time: the begin of a transaction, its row changes in order, its commit; and between
 * transactions a position that was reached without anything for us. Everything a change points to lives until the
 * source's next `next`, except tables (as long as the catalogue) and the transaction (until its commit has been
 * handled).
 */
#ifndef MODEL_CHANGE_H
#define MODEL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/position.h"
#include "model/table.h"
#include "model/value.h"

enum change_op {
	CHANGE_BEGIN,    /* transaction */
	CHANGE_ORIGIN,   /* transaction: it has an origin, of which the log tells behind its begin */
	CHANGE_TABLE,    /* table: a new or first version of a table, valid for the changes that follow */
	CHANGE_INSERT,   /* table, after */
	CHANGE_UPDATE,   /* table, before if known, after */
	CHANGE_DELETE,   /* table, before */
	CHANGE_READ,     /* table, after: a row of a snapshot */
	CHANGE_TRUNCATE, /* table; one change for each table of the statement */
	CHANGE_MESSAGE,  /* a logical message: prefix, content */
	CHANGE_COMMIT,   /* position: the end of the transaction */
	CHANGE_IDLE,     /* position: everything before it has been seen, no transaction is open */
};

struct transaction {
	uint64_t id;              /* PostgreSQL: xid */
	struct position final;    /* PG: final LSN of the begin message; names the transaction in event ids */
	usec_t committed_at;      /* wall time at the source */
	struct view origin;       /* replication origin, or none */
	uint64_t origin_lsn;
	uint32_t server_id;       /* MySQL: of the server that it was first written on */
	struct view gtid;         /* MySQL: or none */
};

/* How much of a row an image carries. */
enum image { IMAGE_NONE, IMAGE_KEY, IMAGE_FULL };

struct row {
	enum image image;
	struct value *values; /* one for each column of the table */
};

struct change {
	enum change_op op;
	const struct table *table;
	const struct transaction *txn;
	uint64_t index;       /* of row changes and messages: 0, 1, ... within the transaction */
	uint64_t lsn;         /* of this change, as Debezium shows it; MySQL: of its event */
	uint32_t row;         /* MySQL: of its event, from 0 */
	struct row before;
	struct row after;
	bool lacks_values;    /* MySQL: values of `after` that are unchanged can be of any column; none may be left out */
	struct position position;
	uint64_t hash;        /* of operation, table and tuple bytes as the server sent them */
	bool transactional;   /* of a message */
	struct view prefix;
	struct view content;
};

#endif
