/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the parts of the decoder of the binary log share: binlog.c has the frames of events and what they say of the log
 * itself, groups.c transactions, rows_events.c table maps and rows.
 */
#ifndef MYSQL_EVENTS_H
#define MYSQL_EVENTS_H

#include "base/reader.h"
#include "binlog.h"


enum event_type {
	EVENT_QUERY = 2, EVENT_STOP = 3, EVENT_ROTATE = 4, EVENT_INTVAR = 5, EVENT_RAND = 13, EVENT_USER_VAR = 14, EVENT_FORMAT = 15,
	EVENT_XID = 16, EVENT_TABLE_MAP = 19, EVENT_WRITE_V1 = 23, EVENT_UPDATE_V1 = 24, EVENT_DELETE_V1 = 25, EVENT_INCIDENT = 26,
	EVENT_HEARTBEAT = 27, EVENT_IGNORABLE = 28, EVENT_ROWS_QUERY = 29, EVENT_WRITE = 30, EVENT_UPDATE = 31, EVENT_DELETE = 32,
	EVENT_GTID = 33, EVENT_ANONYMOUS_GTID = 34, EVENT_PREVIOUS_GTIDS = 35, EVENT_CONTEXT = 36, EVENT_VIEW = 37, EVENT_XA_PREPARE = 38,
	EVENT_PARTIAL_UPDATE = 39, EVENT_PAYLOAD = 40, EVENT_HEARTBEAT_V2 = 41,
	EVENT_TAGGED_GTID = 42, EVENT_ANNOTATE = 160, EVENT_CHECKPOINT = 161, EVENT_MARIADB_GTID = 162, EVENT_GTID_LIST = 163,
	EVENT_START_ENCRYPTION = 164, EVENT_PACKED_QUERY = 165, EVENT_PACKED_WRITE_V1 = 166, EVENT_PACKED_UPDATE_V1 = 167,
	EVENT_PACKED_DELETE_V1 = 168, EVENT_PACKED_WRITE = 169, EVENT_PACKED_UPDATE = 170, EVENT_PACKED_DELETE = 171,
};

/* Takes an event's body, to its end; a reader that fails says that it is cut short. */
typedef int decode_event(struct binlog *log, const struct binlog_event *event, struct reader *rd, struct error *err);

/* What is left of an event that MariaDB has compressed: the reader goes on in what came out of it. -1: it has failed. */
int unpack(struct binlog *log, struct reader *rd) MUST_CHECK;

/* Groups */
decode_event decode_gtid, decode_tagged_gtid, decode_mariadb_gtid, decode_xid, decode_xa_prepare, decode_query;

/* The open group ends: 1 and its commit, or the place behind it if that must be known, or 0 if there was nothing in it for the caller. */
int close_group(struct binlog *log, struct change *ret);

/* Rows */
decode_event decode_table_map, decode_rows;

/* Memory for the images of a row. */
void reserve_columns(struct binlog *log, unsigned count);

/* What is left of the rows of the event at hand: 1 and a change, 0, -1. */
int rows_more(struct binlog *log, struct change *ret, struct error *err);

/* The log, or a result, has something for a column that is no value of it. */
int wrong_value(const struct my_table *table, unsigned column, struct error *err);

#endif
