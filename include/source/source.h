/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The contract of a source: one constant table of functions for each kind of server. Whoever reads a log is a pull:
 * `next` gives one change, or nothing now, or an error; the caller owns the loop, the waiting and the order of things.
 * All functions are called by the one thread of the pipeline that opened the source.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/findings.h"
#include "model/change.h"
#include "model/position.h"
#include "model/table.h"

struct catalog;
struct source;
struct writer;

/* A table that is to be captured, as the configuration and the mappings ask for it. */
struct source_table {
	const char *schema;
	const char *name;
	const char *const *columns; /* those that are needed; NULL: all */
	size_t column_count;
};

/* The same values in another form: nothing but the cost depends on it. */
enum source_values { VALUES_AUTO, VALUES_TEXT, VALUES_BINARY };

/* What becomes of a date that the calendar does not have (0000-00-00, 2024-02-31): of the last, all dates are texts. */
enum source_dates { DATES_NULL, DATES_ERROR, DATES_TEXT };

/* Where the server is, and as whom one goes there. Texts are borrowed; what is not given is NULL. */
struct source_parameter {
	const char *name, *value;
};

struct source_login {
	const char *host, *database, *user, *password;
	int port;
	const struct source_parameter *parameters;
	size_t parameter_count;
};

struct source_options {
	const char *name;             /* of this source, for messages */
	struct source_login login;
	const char *slot;
	const char *publication;
	bool create_slot;             /* make the slot if there is none and nothing was ever published */
	bool failover;                /* the slot is one that the standbys keep, too */
	bool local_only;              /* leave out what has come to the server by replication */
	enum source_values values;    /* in which form the server is to send them */
	bool *text_needed;            /* AUTO: set by the source when the log has what it reads as text only; may be NULL */
	unsigned snapshot_readers;    /* connections that read a snapshot at once; 0: one */
	usec_t slot_timeout_us;       /* how long making a slot may wait for open transactions */
	uint32_t server_id;           /* MySQL: as which the log is asked for; 0: one that is made of the name */
	enum source_dates zero_dates; /* MySQL */
	int stop_fd;                  /* readable when such a wait is to end; -1: never */
	const char *place;            /* what `place` wrote when the position was kept from which is gone on; NULL: nothing */
	struct view history;          /* ... and what `history` wrote; VIEW_NONE: nothing */
};

/* A table that the server has. */
struct source_listing {
	char *schema;
	char *name;
};

/* What the server says about itself and about our place in its log. */
struct source_identity {
	char system[64];              /* PostgreSQL: system identifier */
	char database[64];
	char log_name[256];           /* MySQL: of the log's files, before their numbers; otherwise empty */
	int64_t log_shift;            /* positions number these files by so much more */
	bool unchecked_text;          /* the server does not vouch for texts being UTF-8 */
	uint32_t timeline;
	struct position log_end;      /* what the server has flushed */
	bool keeps_place;             /* the server keeps our place in its log, by a slot; otherwise what follows is empty */
	bool slot_exists;
	bool slot_active;             /* somebody streams from it */
	int slot_pid;
	bool slot_lost;               /* invalidated: the log it needed is gone */
	char slot_reason[128];
	struct position confirmed;    /* F: what the slot has confirmed; NONE if there is no slot */
	struct position log_start;    /* oldest position the log can still be read from; NONE if unknown */
	struct position switch_point; /* where the present timeline began; NONE on the first */
};

/* A point in the log and a view of the data at exactly that point. */
struct source_snapshot {
	struct position consistent;
	usec_t taken_at;
	unsigned readers;             /* connections that read it: fewer than wanted, if the server lets in no more */
};

/* What has become of a table in the reading of a snapshot. */
enum table_reading { TABLE_NOT_BEGUN, TABLE_BEGUN, TABLE_READ };

/* How far the reading of a snapshot is. What is expected is an estimate. */
struct source_progress {
	uint64_t tables, tables_done;
	uint64_t rows, expected_rows;
	uint64_t bytes, expected_bytes; /* of the tables as the source stores them */
};

/* What the server says of the log that our slot needs: the later, the worse. */
enum log_state { LOG_UNKNOWN, LOG_RESERVED, LOG_EXTENDED, LOG_UNRESERVED, LOG_LOST, LOG_STATES };

extern const char *const log_state_names[LOG_STATES];

struct source_retention {
	struct position log_end;      /* what the server has flushed */
	uint64_t kept_bytes;          /* of the log, by our slot */
	enum log_state state;
	uint64_t safe_bytes;          /* so much more may be written before it is lost; UINT64_MAX: no limit, or not known */
	uint64_t disk_free_bytes;     /* where the server's data are; UINT64_MAX: not known */
	uint64_t expires_s;           /* what comes behind the last position that was confirmed is then removed by its age; UINT64_MAX: no, or not known */
};

enum source_peek { PEEK_NOW, PEEK_SLOT, PEEK_POSITION };

/* Rows of one table, read while changes are streamed: as they are at one moment. */
struct source_part {
	const struct table *table;    /* the version that is expected */
	const char *condition;        /* of the source's SQL, or NULL */
	const char *rest;             /* rows that a snapshot has not given (snapshot_rest); NULL: all */
	struct view after;            /* the mark of the part before; VIEW_NONE: from the beginning */
	uint64_t rows;                /* at most so many ... */
	uint64_t bytes;               /* ... and not much more than that; 0: any. A table without a key is read whole */
	usec_t patience_us;           /* who reads gives it up by then: the server need not work on for much longer; 0: any time */
	bool near;                    /* few rows fit the condition: only some times as many as `rows` are looked at for it */
};

enum part_answer {
	PART_LATER,   /* not now: something that was delivered, or is waited for, is not visible */
	PART_BEGUN,
	PART_CHANGED, /* the table is not what is expected, or gone */
	PART_ANEW,    /* the table was written anew: what the rest of it is, nobody can tell any more */
};

struct source_part_end {
	struct position seen; /* when the stream is there, all that the part sees has been delivered */
	uint64_t rows;
	bool more;            /* rows may follow ... */
	struct view mark;     /* ... behind this; valid until the next part is begun */
};

/* Counters that other threads may read; written by the pipeline's thread only. */
struct source_metrics {
	uint64_t reads;      /* of the socket */
	uint64_t read_bytes;
	uint64_t naps;
	uint64_t behind;     /* reads that found more waiting than one takes: the source is ahead of us */
	uint64_t messages;
	uint64_t keepalives_sent;
	struct position received; /* all before it has been read */
	bool binary;         /* values come in binary form */
};

/* A type that columns can have, as the manual tells of it. */
struct source_type {
	const char *name;             /* "numeric(p,s)" */
	struct type type;
	const char *source_type;      /* as the columns have it */
	const char *remark;           /* or "" */
	bool element;                 /* columns of arrays of it are arrays */
};

struct source_ops {
	const char *name;
	bool cuts_images; /* also of a table of identity FULL, the log may have rows without all columns */

	/* The types of the server, one by one from 0, in the order of the manual; false: there are no more. */
	bool (*type)(size_t number, struct source_type *ret);

	/* ERROR_INPUT if the kind of server has no connection parameter of this name, or it can have no such value; connects to nothing. */
	int (*check_parameter)(const char *name, const char *value, struct error *err);

	/* Connects for queries. The catalogue is borrowed; table versions go into it. */
	int (*open)(struct source **ret, const struct source_options *options, struct catalog *catalog,
		    struct error *err);

	/* Ends everything; takes NULL. Nothing more is confirmed. */
	void (*close)(struct source *source);

	/* Fills all of *ret. Asks the server each time. */
	int (*identify)(struct source *source, struct source_identity *ret, struct error *err);

	/* Adds what there is to say of settings, slot, role and clock of the server: `tailwater doctor` prints it. */
	void (*examine)(struct source *source, struct findings *findings);

	/* The same of the tables that are captured. */
	void (*examine_captured)(struct source *source, struct findings *findings);

	/*
	 * All tables that the role can see and that can be captured; an array with its texts in one allocation, to be freed with
	 * free().
	 */
	int (*list)(struct source *source, struct source_listing **ret, size_t *ret_count, struct error *err);

	/*
	 * ERROR_INPUT if one of these tables ("schema.name"), which somebody named, is there and cannot be captured as it is, so that it is
	 * not listed. May be NULL.
	 */
	int (*check_names)(struct source *source, const char *const *names, size_t count, struct error *err);

	/*
	 * Says what is to be captured, and returns the present version of each, in the same order. Changes of other
	 * tables are not delivered. ERROR_INPUT when one does not exist or lacks a column. The tables are borrowed.
	 */
	int (*capture)(struct source *source, const struct source_table *tables, size_t count,
		       const struct table **ret_versions, struct error *err);

	/* PUBLICATION_CHANGED unless what is wanted is published in full; the hint has the SQL that mends it. */
	int (*check_publication)(struct source *source, struct error *err);

	/*
	 * PUBLICATION_CHANGED if something is published, be it captured or not, whose rows the application can therefore not
	 * change. What is captured and seen to have no identity is check_publication's to tell of.
	 */
	int (*check_identities)(struct source *source, struct error *err);

	/* The statement that makes the publication right, for a DBA to run; nothing if it is. */
	int (*publication_sql)(struct source *source, struct writer *sql, struct error *err);

	/*
	 * A line for each wanted table that is published: schema, table and mark with tabs between, since names have dots and
	 * signs now and then. Another mark than before means that the publication was altered for this table in between.
	 */
	int (*publication_marks)(struct source *source, struct writer *marks, struct error *err);

	/* UNSUPPORTED unless the role may read what is wanted; `sql` takes the statements that permit it, for a DBA to run. */
	int (*check_access)(struct source *source, struct writer *sql, struct error *err);

	/*
	 * The statements that give a role what it needs for what is wanted, and no more, for this version of the server: all, or
	 * those that are missing. `role` NULL: the one that we are connected as. For a DBA to read and run.
	 */
	int (*grants)(struct source *source, const char *role, bool missing, struct writer *sql, struct error *err);

	/* Ends the session that streams from our slot, if there is one: of an agent that was fenced, and may hang. */
	int (*evict)(struct source *source, struct error *err);

	/* Makes the slot and a snapshot at its consistent point, if what is wanted may be read. Drops an old slot of ours first if told to. */
	int (*create_slot)(struct source *source, bool drop_first, struct source_snapshot *ret, struct error *err);

	/*
	 * Reads tables of the snapshot just made, several at once, so that their rows come mixed: 1, a CHANGE_READ and the number
	 * of its table among these; 0 when none came for a while or a table has ended. After that snapshot_ended tells which have,
	 * one by one, each once. The tables are borrowed.
	 */
	int (*snapshot_read)(struct source *source, const struct table *const *tables, size_t count, struct error *err);
	int (*snapshot_next)(struct source *source, struct change *ret, size_t *ret_table, struct error *err);
	bool (*snapshot_ended)(struct source *source, size_t *ret_table);
	/* Of a table that has ended: 1; 0 if it was written anew before it was read, so that rows may be missing; -1. */
	int (*snapshot_stands)(struct source *source, size_t table, struct error *err);

	/*
	 * If the snapshot should end here: what of a table that was begun is still to be read, as a text for source_part.rest.
	 * All rows that were given are behind it.
	 */
	enum table_reading (*snapshot_rest)(struct source *source, size_t table, struct writer *to);
	void (*snapshot_progress)(struct source *source, struct source_progress *ret);

	/* Ends the snapshot's transactions. */
	int (*snapshot_end)(struct source *source, struct error *err);

	/*
	 * Reads a part of a table between two transactions of the stream; 1 and a CHANGE_READ, 0 at its end. The rows are
	 * those of one moment: part_sees tells whether what a transaction did is in it, and every transaction for which it is
	 * not is delivered behind the part. part_stop ends one that is not read to its end; nothing happens if there is none.
	 * CHANGE_IDLE says that no row came for a while: who waits can look after other things. ERROR_INPUT: the server refuses
	 * the condition; nothing but this part is lost.
	 */
	int (*part_begin)(struct source *source, const struct source_part *part, enum part_answer *ret, struct error *err);
	int (*part_next)(struct source *source, struct change *ret, struct error *err);
	int (*part_end)(struct source *source, struct source_part_end *ret, struct error *err);
	void (*part_stop)(struct source *source);
	bool (*part_sees)(struct source *source, const struct transaction *txn);

	/* 1 when all transactions have ended that were writing to the table (by its source_id) when this was first asked; 0; -1. */
	int (*settled)(struct source *source, uint64_t table, struct error *err);

	/* ERROR_INPUT unless a condition can be asked of the table's rows. */
	int (*part_check)(struct source *source, const struct table *table, const char *condition, struct error *err);

	/*
	 * The present versions of captured tables, by name, while they are streamed: NULL for one that is gone. *ret_at: all
	 * that was written to the log in other versions stands before.
	 */
	int (*look)(struct source *source, const struct source_table *tables, size_t count, const struct table **ret_versions,
		    struct position *ret_at, struct error *err);

	/*
	 * How the rows of tables are kept: for each a text in the arena, "" if it is gone. And whether between two texts of a table
	 * rows may have come, gone or changed without row events: what has happened, as words, or NULL. Where the log tells of it by
	 * statements, the text is of the last one that was read. NULL both: the source's log tells of everything.
	 */
	int (*layouts)(struct source *source, const struct table *const *tables, size_t count, struct arena *arena, const char **ret,
		       struct error *err);
	int (*layout_change)(struct source *source, const char *before, const char *now, const char **ret_reason, struct error *err);

	/* Streams from a position; transactions that end at or before it are not delivered again. */
	int (*start)(struct source *source, struct position from, struct error *err);

	/*
	 * In place of `start`, for who only looks: streams from a slot of the session's own, which ends with it. From now on, or
	 * from where our slot stands, or from a position behind that. What is confirmed then is confirmed to that one alone.
	 */
	int (*peek)(struct source *source, enum source_peek from, struct position position, struct position *ret_start,
		    struct error *err);

	/* How much of the log our slot keeps, and how much room there is. */
	int (*retention)(struct source *source, struct source_retention *ret, struct error *err);

	/*
	 * In how many seconds the server removes its log at a position, with what `place` wrote for it, by its age; 0: it has; UINT64_MAX:
	 * not at all, or not known. May be NULL.
	 */
	int (*lasts)(struct source *source, struct position at, struct view place, uint64_t *ret_seconds, struct error *err);

	/* For poll(); -1 if not streaming. */
	int (*wait_fd)(struct source *source);

	/* 1 and a change, 0 if there is none now, -1. */
	int (*next)(struct source *source, struct change *ret, struct error *err);

	/*
	 * Sends keepalives that are due, reads nothing: to be called every second at least, also under back-pressure.
	 */
	int (*serve)(struct source *source, struct error *err);

	/* Everything up to here is durable: the source may forget it. */
	int (*confirm)(struct source *source, struct position durable, struct error *err);

	/*
	 * Of a server that is another one than that of the position: 1 and the position of its own from which all that comes
	 * next can be read, which is behind `from`; 0: it cannot be told. MISMATCH if it lacks what is done, GAP if it has
	 * removed what is not.
	 */
	int (*follow)(struct source *source, struct position from, struct position *ret, struct error *err);

	/*
	 * What of the place that has been reached its position does not tell: kept with the position and given back to `open`.
	 * May write nothing. It may be ahead of the position, by what had no change to hand out.
	 */
	void (*place)(struct source *source, struct writer *to);

	/*
	 * What the log up to the place that has been reached tells of tables, and will not tell again: kept with the position as the
	 * place is, but in the state file alone. false: nothing has come to it since it was asked for last. May be NULL.
	 */
	bool (*history)(struct source *source, struct writer *to);

	/* Never NULL; valid until close. */
	const struct source_metrics *(*metrics)(struct source *source);
};

extern const struct source_ops postgres_source_ops, mysql_source_ops, mariadb_source_ops;

/* By the name of the configuration ("postgresql"), or NULL. */
const struct source_ops *source_find(const char *type);

#endif
