/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The state file of one source: an SQLite database in WAL mode with synchronous=FULL, with exactly one writer (a lock
 * beside the file; readers are other connections). Everything in it belongs to one transaction that begins lazily with
 * the first write and ends when the pipeline says so: what is in the file is always the state at one position.
 *
 * Tables of the agent begin with "_tw_"; the mirror's tables carry the names of the source. A file that is damaged is
 * the named state STATE_LOST, in every function.
 */
#ifndef STATE_DB_H
#define STATE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct sqlite3;
struct sqlite3_stmt;
struct db;

struct db_options {
	size_t cache_bytes;     /* page cache; 0: 8 MB */
	size_t wal_limit_bytes; /* the write-ahead log is cut back to this after a checkpoint; 0: 64 MB */
};

/*
 * Opens or makes the file, takes the writer's lock, checks the format (a newer one is refused, an older one migrated).
 * A second process gets STATE_CONFLICT. path ":memory:" is a database without file and lock.
 */
MUST_CHECK int db_open(const char *path, const struct db_options *options, struct db **ret, struct error *err);

/*
 * Opens an existing file for reading, beside the writer and without its lock. All reads see the file as it was at the
 * first one. What writes fails.
 */
MUST_CHECK int db_open_reader(const char *path, struct db **ret, struct error *err);

/* Rolls back what is not committed. NULL is allowed. All that was opened on the database is closed before. */
void db_close(struct db *db);

/* True if this open made the file. */
bool db_is_new(const struct db *db);

/* Begins the transaction if none is open; every writing function of state/ calls it. */
MUST_CHECK int db_begin(struct db *db, struct error *err);

/* True between db_begin and db_commit or db_rollback. */
bool db_in_transaction(const struct db *db);

/* Ends the transaction; after it returned 0, all of it is on disk. Nothing happens if none is open. */
MUST_CHECK int db_commit(struct db *db, struct error *err);

/*
 * Back to the last commit. Whoever keeps something of the file in memory has asked to be told (db_on_rollback), so that
 * after this call all of state/ and canonical/ stands where the file stands.
 */
MUST_CHECK int db_rollback(struct db *db, struct error *err);

/* Asks to be told, until db_off_rollback with the same arg. */
void db_on_rollback(struct db *db, void (*forget)(void *arg), void *arg);
void db_off_rollback(struct db *db, void *arg);

/*
 * Moves committed pages from the write-ahead log into the file, as far as readers allow. To be called after a commit;
 * it does nothing unless the log has grown by some megabytes since the last time, so that one call is bounded by what
 * one commit interval wrote.
 */
MUST_CHECK int db_checkpoint(struct db *db, struct error *err);

/*
 * `progress` is called every few hundred microseconds of work inside the database, and between pieces of long work: the
 * pipeline serves keepalives there, and does not touch the database. Not 0 interrupts the work with ERROR_TRANSIENT.
 */
void db_set_progress(struct db *db, int (*progress)(void *arg), void *arg);

/* Calls the progress function, for work of ours that takes long. Returns what it returned. */
int db_progress(struct db *db);

/* Whether the disk takes another megabyte: after ERROR_NO_ROOM. */
bool db_has_room(const struct db *db);

/* Size of the file and of its write-ahead log; 0 of a database in memory. */
void db_size(const struct db *db, uint64_t *ret_file_bytes, uint64_t *ret_wal_bytes);

/* From here on for state/ and canonical/ only. The connection: */
struct sqlite3 *db_handle(struct db *db);

/* A statement for many uses; whoever asked finalizes it before db_close. */
MUST_CHECK int db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret, struct error *err);

/* Runs statements that return no rows. */
MUST_CHECK int db_run(struct db *db, const char *sql, struct error *err);

/* Fills the error: file, what was tried, and what the connection says about its last failure; returns -1. */
int db_error(struct db *db, const char *what, struct error *err);

/* 1: a row, 0: done (the statement is reset), -1: failed (the statement is reset). */
MUST_CHECK int db_step(struct db *db, struct sqlite3_stmt *stmt, struct error *err);

#endif
