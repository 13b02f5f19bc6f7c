/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What a server can do, by the version that it came with (PostgreSQL release notes, appendix E). */
#ifndef SOURCE_POSTGRES_VERSION_H
#define SOURCE_POSTGRES_VERSION_H

#include <stdbool.h>

#define PG_OLDEST 100000 /* pgoutput came with it; as PQserverVersion tells it */

enum pg_feature {
	PG_INCLUDED_COLUMNS,     /* an index holds columns that are no key of it */
	PG_PUBLISHED_TRUNCATE,   /* a publication says whether TRUNCATE is published */
	PG_GENERATED_COLUMNS,
	PG_SLOT_COPY,            /* a slot can be copied */
	PG_SLOT_STATUS,          /* a slot says whether its log is still there */
	PG_WIDE_XIDS,            /* numbers of transactions in 64 bits have functions of their own */
	PG_ROOT_PUBLISHED,       /* a publication may publish a partitioned table as one: publish_via_partition_root */
	PG_DETACH_PENDING,       /* a partition is detached in two steps, if that is asked for */
	PG_LOGICAL_MESSAGES,     /* pgoutput sends them */
	PG_BINARY_VALUES,        /* pgoutput sends values as their send functions write them */
	PG_PLACE_RANGES,         /* a range of a table's pages is read without the others */
	PG_LOG_STATISTICS,       /* the server counts what it writes to its log */
	PG_IDLE_LIMIT,           /* idle_session_timeout */
	PG_TWO_PHASE_SLOTS,      /* a slot may ask for prepared transactions before they are committed */
	PG_ROW_FILTERS,          /* and column lists, and whole schemas in a publication */
	PG_ORIGIN_FILTER,        /* pgoutput leaves out what has come by replication */
	PG_STANDBY_DECODING,     /* a standby has logical slots of its own */
	PG_INVALIDATION_REASON,  /* a slot says why it is of no use */
	PG_TRANSACTION_LIMIT,    /* transaction_timeout */
	PG_FAILOVER_SLOTS,       /* a slot is kept on the standbys, too */
	PG_PUBLISHED_GENERATED,  /* a publication may carry generated columns */
};

/* `version` as PQserverVersion tells it. */
bool pg_has(int version, enum pg_feature feature);

/* The major version it came with. */
int pg_since(enum pg_feature feature);

#endif
