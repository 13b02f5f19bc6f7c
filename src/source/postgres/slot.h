/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The replication slot: what the server says about it, making it with an exported snapshot, dropping it.
 */
#ifndef POSTGRES_SLOT_H
#define POSTGRES_SLOT_H

#include <libpq-fe.h>

#include "source/source.h"

/* Fills what IDENTIFY_SYSTEM, the timeline's history and pg_replication_slots say. */
int pg_slot_identify(PGconn *replication, PGconn *queries, const struct source_options *options,
		     struct source_identity *ret, struct error *err);

/*
 * Makes the slot, exporting a snapshot that lives until the next command on the connection. Making one waits for every
 * transaction that is open anywhere in the cluster: after the timeout, or when told to stop, it is given up, and the
 * error names their sessions.
 */
int pg_slot_create(PGconn *replication, PGconn *queries, const struct source_options *options,
		   struct position *ret_start, char snapshot[128], struct error *err);

/*
 * A temporary slot of this name, which ends with the session: made as above, or copied from ours (UNSUPPORTED by servers that
 * cannot do that).
 */
int pg_slot_temporary(PGconn *replication, PGconn *queries, const struct source_options *options, const char *name,
		      bool copied, struct position *ret_start, struct error *err);

/* How far the server's log is written, or received on a standby. */
int pg_slot_log_written(PGconn *queries, struct position *ret, struct error *err) MUST_CHECK;

/* Ends the session that streams from the slot, if there is one. */
int pg_slot_evict(PGconn *queries, const char *slot, struct error *err);

/* Drops it if it exists. */
int pg_slot_drop(PGconn *queries, const char *slot, struct error *err);

/* "16/B374D848" */
int pg_lsn_parse(const char *text, struct position *ret);

#endif
