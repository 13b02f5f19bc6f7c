/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The state file: opening, locking, and its one lazy transaction. What is in the tables is the business of the other files
 * here, and how they are made of db_format.c.
 */
#include "state/db.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/memory.h"
#include "db_format.h"
#include "db_memory.h"
#include "query.h"

#define ROOM_BYTES (1 << 20)

#define CACHE_BYTES ((size_t)8 << 20)
#define WAL_LIMIT_BYTES ((size_t)64 << 20)
#define CHECKPOINT_FRAMES 1000              /* less is left in the log */
#define PROGRESS_STEPS 20000                /* instructions of SQLite's machine: some hundred microseconds */
#define READER_WAIT_MS 5000                 /* for a reader while the writer recovers or restarts the log */
#define QUICK_CHECK_BYTES ((uint64_t)16 << 20) /* a file up to this size is checked whole at open: some milliseconds */

struct rollback_hook {
	void (*forget)(void *arg);
	void *arg;
	struct rollback_hook *next;
};

struct db {
	sqlite3 *handle;
	char *path;
	int lock_fd;         /* -1: a database in memory */
	bool is_new;
	bool in_transaction;
	int wal_frames;      /* in the log after the last commit */
	sqlite3_stmt *begin;
	sqlite3_stmt *commit;
	int (*progress)(void *arg);
	void *progress_arg;
	struct rollback_hook *hooks;
};

struct sqlite3 *db_handle(struct db *db)
{
	return db->handle;
}

bool db_is_new(const struct db *db)
{
	return db->is_new;
}

bool db_in_transaction(const struct db *db)
{
	return db->in_transaction;
}

static bool is_for_want_of_room(struct db *db, int code)
{
	int reason = sqlite3_system_errno(db->handle);

	return (code & 0xff) == SQLITE_FULL || ((code & 0xff) == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT));
}

int db_error(struct db *db, const char *what, struct error *err)
{
	int code = sqlite3_extended_errcode(db->handle);
	const char *text = sqlite3_errmsg(db->handle);

	if (is_for_want_of_room(db, code)) {
		error_set(err, ERROR_NO_ROOM, "state file '%s': %s: its disk is full", db->path, what);
		return error_hint(err, "make room there: the agent goes on by itself; nothing is lost, the source keeps its log");
	}
	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		error_state(err, STATE_STATE_LOST, "state file '%s' is damaged: %s: %s", db->path, what, text);
		return error_hint(err, "restore it from a backup taken together with the topics, or build it anew with "
				       "`tailwater snapshot --rebuild`");
	case SQLITE_INTERRUPT:
		return error_set(err, ERROR_TRANSIENT, "state file '%s': %s: interrupted", db->path, what);
	case SQLITE_IOERR:
	case SQLITE_BUSY:
		return error_set(err, ERROR_TRANSIENT, "state file '%s': %s: %s", db->path, what, text);
	default:
		return error_set(err, ERROR_INTERNAL, "state file '%s': %s: %s (%d)", db->path, what, text, code);
	}
}

int db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret, struct error *err)
{
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return db_error(db, sql, err);
	return 0;
}

int db_run(struct db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(db, sql, err);
	return 0;
}

int db_step(struct db *db, struct sqlite3_stmt *stmt, struct error *err)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		db_error(db, sqlite3_sql(stmt), err);
	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? 0 : -1;
}

static int take_lock(struct db *db, struct error *err)
{
	char *name = mem_printf("%s.lock", db->path);

	db->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (db->lock_fd < 0)
		error_set(err, ERROR_INPUT, "cannot open '%s': %s", name, strerror(errno));
	free(name);
	if (db->lock_fd < 0)
		return -1;
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return error_set(err, ERROR_INPUT, "cannot lock state file '%s': %s", db->path, strerror(errno));
	error_state(err, STATE_CONFLICT, "state file '%s' is in use by another process", db->path);
	return error_hint(err, "stop the other agent, or give this one a state file of its own");
}

/* It has what the mirrored tables have. SQLite gives its other files the same permissions. */
static int make_private(struct db *db, struct error *err)
{
	int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set(err, ERROR_INPUT, "cannot open state file '%s': %s", db->path, strerror(errno));
	close(fd);
	return 0;
}

static int compare_decimals(void *arg, int a_len, const void *a, int b_len, const void *b)
{
	(void)arg;
	return decimal_compare_text((struct view){a, (size_t)a_len}, (struct view){b, (size_t)b_len});
}

static int install_collation(struct db *db, struct error *err)
{
	if (sqlite3_create_collation(db->handle, "DECIMAL", SQLITE_UTF8, NULL, compare_decimals) != SQLITE_OK)
		return db_error(db, "collation DECIMAL", err);
	return 0;
}

static int serve_progress(void *arg)
{
	return db_progress(arg);
}

int db_progress(struct db *db)
{
	return db->progress ? db->progress(db->progress_arg) : 0;
}

void db_set_progress(struct db *db, int (*progress)(void *arg), void *arg)
{
	db->progress = progress;
	db->progress_arg = arg;
	sqlite3_progress_handler(db->handle, progress ? PROGRESS_STEPS : 0, progress ? serve_progress : NULL, db);
}

static int note_wal(void *arg, sqlite3 *handle, const char *name, int frames)
{
	struct db *db = arg;

	(void)handle;
	(void)name;
	db->wal_frames = frames;
	return SQLITE_OK;
}

/*
 * secure_delete would write every freed page with zeros (Debian's SQLite does so unless told otherwise). Automatic
 * indexes are off since a mapping whose queries need one is refused: the mirror gets a real one.
 */
static int configure(struct db *db, const struct db_options *options, struct error *err)
{
	size_t cache = options && options->cache_bytes ? options->cache_bytes : CACHE_BYTES;
	size_t limit = options && options->wal_limit_bytes ? options->wal_limit_bytes : WAL_LIMIT_BYTES;
	char sql[400];

	snprintf(sql, sizeof(sql),
		 "PRAGMA cache_size=-%zu; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
		 "PRAGMA journal_size_limit=%zu; PRAGMA secure_delete=OFF; PRAGMA automatic_index=OFF;"
		 "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;",
		 cache / 1024, limit);
	if (db_run(db, sql, err) < 0)
		return -1;
	sqlite3_wal_hook(db->handle, note_wal, db);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	return install_collation(db, err);
}

bool db_has_room(const struct db *db)
{
	char *path = mem_printf("%s.room", db->path);
	int fd = strcmp(db->path, ":memory:") == 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool room = fd < 0 ? errno != ENOSPC && errno != EDQUOT : posix_fallocate(fd, 0, ROOM_BYTES) == 0;

	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(path);
	return room;
}

void db_size(const struct db *db, uint64_t *ret_file_bytes, uint64_t *ret_wal_bytes)
{
	char *wal = mem_printf("%s-wal", db->path);
	struct stat info;

	*ret_file_bytes = stat(db->path, &info) == 0 ? (uint64_t)info.st_size : 0;
	*ret_wal_bytes = stat(wal, &info) == 0 ? (uint64_t)info.st_size : 0;
	free(wal);
}

/*
 * SQLite notices damage when it reads a damaged page, which may be much later. A file that was cut short shows at once
 * by its page count, a small file is checked whole.
 */
static int check_damage(struct db *db, struct error *err)
{
	uint64_t file_bytes, wal_bytes;
	int64_t pages = 0, page_bytes = 0;
	sqlite3_stmt *stmt;
	int found;

	db_size(db, &file_bytes, &wal_bytes);
	if (query_number(db, "PRAGMA page_count", &pages, err, "") < 0 ||
	    query_number(db, "PRAGMA page_size", &page_bytes, err, "") < 0)
		return -1;
	if (wal_bytes == 0 && (uint64_t)(pages * page_bytes) > file_bytes) {
		error_state(err, STATE_STATE_LOST, "state file '%s' was cut short: %llu of %llu bytes", db->path,
			    (unsigned long long)file_bytes, (unsigned long long)(pages * page_bytes));
		return error_hint(err, "restore it from a backup, or build it anew with `tailwater snapshot --rebuild`");
	}
	if (file_bytes > QUICK_CHECK_BYTES)
		return 0;
	if (db_prepare(db, "PRAGMA quick_check(1)", &stmt, err) < 0)
		return -1;
	found = db_step(db, stmt, err);
	if (found == 1 && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) {
		error_state(err, STATE_STATE_LOST, "state file '%s' is damaged: %s", db->path,
			    (const char *)sqlite3_column_text(stmt, 0));
		error_hint(err, "restore it from a backup, or build it anew with `tailwater snapshot --rebuild`");
		found = -1;
	}
	sqlite3_finalize(stmt);
	return found < 0 ? -1 : 0;
}

/*
 * SQLite counts every allocation under a process-wide lock unless told otherwise, before it is first used. If somebody
 * was faster, it goes on counting.
 */
static void configure_process(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	db_memory_install();
}

static int open_file(struct db *db, const struct db_options *options, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool in_memory = strcmp(db->path, ":memory:") == 0;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	pthread_once(&once, configure_process);
	if (!in_memory && (take_lock(db, err) < 0 || make_private(db, err) < 0))
		return -1;
	if (sqlite3_open_v2(db->path, &db->handle, flags, NULL) != SQLITE_OK)
		return error_set(err, ERROR_INPUT, "cannot open state file '%s': %s", db->path,
				 db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
	sqlite3_busy_timeout(db->handle, READER_WAIT_MS); /* a verb may be the one that recovers the log of one that was killed */
	if (configure(db, options, err) < 0 || format_settle(db, db->path, &db->is_new, err) < 0)
		return -1;
	if (!in_memory && !db->is_new && check_damage(db, err) < 0)
		return -1;
	if (db_prepare(db, "BEGIN IMMEDIATE", &db->begin, err) < 0)
		return -1;
	return db_prepare(db, "COMMIT", &db->commit, err);
}

int db_open(const char *path, const struct db_options *options, struct db **ret, struct error *err)
{
	struct db *db = MEM_NEW(struct db);

	db->path = mem_text(view_of(path));
	db->lock_fd = -1;
	if (open_file(db, options, err) < 0) {
		db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

/*
 * Read-write for SQLite, since a reader of a log needs the shared memory beside it; query_only makes it a reader, and
 * closing must not move the log, which is the writer's business.
 */
static int open_reader(struct db *db, struct error *err)
{
	int64_t format = 0, id = 0;

	if (sqlite3_open_v2(db->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return error_set(err, ERROR_TRANSIENT, "cannot open state file '%s': %s", db->path,
				 db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
	sqlite3_busy_timeout(db->handle, READER_WAIT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (db_run(db, "PRAGMA query_only=ON; PRAGMA automatic_index=OFF; PRAGMA trusted_schema=OFF", err) < 0 ||
	    install_collation(db, err) < 0 || query_number(db, "PRAGMA application_id", &id, err, "") < 0 ||
	    query_number(db, "PRAGMA user_version", &format, err, "") < 0)
		return -1;
	if (!format_is_present(id, format))
		return error_set(err, ERROR_INPUT, "'%s' is no state file of this version of tailwater", db->path);
	if (db_run(db, "BEGIN", err) < 0)
		return -1;
	db->in_transaction = true;
	return 0;
}

int db_open_reader(const char *path, struct db **ret, struct error *err)
{
	struct db *db = MEM_NEW(struct db);

	db->path = mem_text(view_of(path));
	db->lock_fd = -1;
	if (open_reader(db, err) < 0) {
		db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	while (db->hooks)
		db_off_rollback(db, db->hooks->arg);
	sqlite3_finalize(db->begin);
	sqlite3_finalize(db->commit);
	sqlite3_close_v2(db->handle);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db->path);
	free(db);
}

int db_begin(struct db *db, struct error *err)
{
	if (db->in_transaction)
		return 0;
	if (db_step(db, db->begin, err) < 0)
		return -1;
	db->in_transaction = true;
	return 0;
}

int db_commit(struct db *db, struct error *err)
{
	if (!db->in_transaction)
		return 0;
	if (db_step(db, db->commit, err) < 0)
		return -1;
	db->in_transaction = false;
	return 0;
}

/* SQLite itself has rolled back after some errors (disk full): then there is nothing left to do. */
int db_rollback(struct db *db, struct error *err)
{
	int result = 0;

	db->in_transaction = false;
	if (!sqlite3_get_autocommit(db->handle))
		result = db_run(db, "ROLLBACK", err);
	for (struct rollback_hook *hook = db->hooks; hook; hook = hook->next)
		hook->forget(hook->arg);
	return result;
}

void db_on_rollback(struct db *db, void (*forget)(void *arg), void *arg)
{
	struct rollback_hook *hook = MEM_NEW(struct rollback_hook);

	*hook = (struct rollback_hook){forget, arg, db->hooks};
	db->hooks = hook;
}

void db_off_rollback(struct db *db, void *arg)
{
	struct rollback_hook **link = &db->hooks;

	while (*link && (*link)->arg != arg)
		link = &(*link)->next;
	if (*link) {
		struct rollback_hook *hook = *link;

		*link = hook->next;
		free(hook);
	}
}

/* A passive checkpoint; if readers held nothing back, the log begins anew at its start with the next write. */
int db_checkpoint(struct db *db, struct error *err)
{
	int frames, moved, code;

	if (db->in_transaction || db->wal_frames < CHECKPOINT_FRAMES)
		return 0;
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &moved);
	if (code != SQLITE_OK && code != SQLITE_BUSY)
		return db_error(db, "checkpoint", err);
	if (code == SQLITE_OK && moved == frames)
		db->wal_frames = 0;
	return 0;
}
