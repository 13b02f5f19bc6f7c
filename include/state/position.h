/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The position S of the state file, and all that must stand or fall with it: the progress inside an open transaction, what
 * was published since the last border, and how far a snapshot is. One row, written with every state commit.
 */
#ifndef STATE_POSITION_H
#define STATE_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "model/position.h"
#include "state/db.h"

/* Phases of a transaction that is split: its changes are applied and published, then its touched documents are made. */
enum open_phase { OPEN_NONE, OPEN_CHANGES, OPEN_DOCUMENTS };

struct open_transaction {
	enum open_phase phase;   /* OPEN_NONE: no transaction is open, the rest means nothing */
	struct position final;   /* as in struct transaction */
	uint64_t xid;
	uint64_t done;           /* number of changes, or documents, that this file has behind it */
	uint64_t hash;           /* over the changes done */
};

enum snapshot_phase { SNAPSHOT_NONE, SNAPSHOT_STARTED, SNAPSHOT_TABLES_DONE, SNAPSHOT_FINISHED };

struct state_position {
	struct position position; /* S: POSITION_NONE = nothing was ever done */
	struct open_transaction open;
	uint64_t border;          /* number of the last border: a moment at which file and checkpoint agree */
	uint64_t published;       /* messages published since the border ... */
	uint64_t digest[2];       /* ... and their digest, observed fields left out */
	uint64_t snapshot;        /* id of the last snapshot attempt, 0 = none */
	enum snapshot_phase snapshot_phase;
};

/* A file without a position gives one with position.kind POSITION_NONE. */
MUST_CHECK int position_load(struct db *db, struct state_position *ret, struct error *err);
MUST_CHECK int position_save(struct db *db, const struct state_position *state, struct error *err);

#endif
