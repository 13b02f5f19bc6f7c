/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How far the work is: what the state file and the checkpoint in Kafka both hold, each for itself. Where they differ is
 * how a restart knows what is applied and what is published.
 */
#ifndef MODEL_PROGRESS_H
#define MODEL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/position.h"

/* Phases of a transaction that is split: its changes are applied and published, then its touched documents are made. */
enum open_phase { OPEN_NONE, OPEN_CHANGES, OPEN_DOCUMENTS };

struct open_transaction {
	enum open_phase phase;   /* OPEN_NONE: no transaction is open, the rest means nothing */
	struct position final;   /* as in struct transaction */
	uint64_t xid;
	uint64_t done;           /* number of changes, or of documents, that are behind */
	uint64_t hash;           /* over all changes done */
};

/* The numbers stand in files and records. ROWS: mirror and documents are published, rows of other tables are being read. */
enum snapshot_phase { SNAPSHOT_NONE, SNAPSHOT_STARTED, SNAPSHOT_TABLES_DONE, SNAPSHOT_FINISHED, SNAPSHOT_ROWS, SNAPSHOT_PHASES };

struct progress {
	struct position position; /* end of the last whole transaction; POSITION_NONE = nothing was ever done */
	struct open_transaction open;
	uint64_t border;          /* number of the last border: a moment at which file and checkpoint agreed */
	uint64_t published;       /* messages published since the border ... */
	uint64_t digest[2];       /* ... and their digest, observed fields left out */
	uint64_t snapshot;        /* id of the last snapshot attempt, 0 = none */
	enum snapshot_phase snapshot_phase;

	/*
	 * Of the state file alone: what was published in all up to its border since the one before. The checkpoint that
	 * the file was committed upon says the same.
	 */
	bool base_known;          /* not in files of format 1 */
	uint64_t base_published;
	uint64_t base_digest[2];
};

/* Order of progress: <0, 0, >0. Only for progress over the same log. */
int progress_compare(const struct progress *a, const struct progress *b);

#endif
