/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * PostgreSQL as a source: its connections and its state, and the table of operations. One connection is for queries;
 * one is the walsender's, which makes the slot and then streams; others live as long as a snapshot.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "access.h"
#include "conn.h"
#include "doctor.h"
#include "facts.h"
#include "part.h"
#include "pgoutput.h"
#include "publication.h"
#include "retention.h"
#include "server.h"
#include "slot.h"
#include "snapshot.h"
#include "source/source.h"
#include "stream.h"
#include "types.h"
#include "version.h"

#define WATCH_QUERIES_US (100 * USEC_PER_MSEC)

struct source {
	struct source_options options;  /* borrowed texts */
	PGconn *queries;
	PGconn *replication;
	struct pg_catalogue catalogue;
	struct pg_relations relations;
	struct pgoutput pgoutput;
	struct pg_wanted wanted;
	struct pg_snapshot snapshot;
	uint64_t *files;                /* owned: of the wanted tables, before the slot was made */
	const struct pg_table **reading; /* owned: tables of the snapshot that are read */
	struct pg_part part;
	const struct pg_table *part_table;
	struct pg_delivered delivered;
	struct pg_stream stream;
	bool streaming;
	char peek_slot[64];
	bool publication_skipped;       /* the server warned that it publishes nothing */
	usec_t queries_watched_at;
	uint64_t idle;                  /* last position handed out without a commit */
	struct source_metrics metrics;
};

static void pg_close(struct source *source)
{
	if (!source)
		return;
	pg_stream_done(&source->stream);
	pg_snapshot_done(&source->snapshot);
	pg_part_done(&source->part);
	pg_delivered_done(&source->delivered);
	pgoutput_done(&source->pgoutput);
	pg_relations_done(&source->relations);
	pg_catalogue_done(&source->catalogue);
	PQfinish(source->replication);
	PQfinish(source->queries);
	free(source->wanted.versions);
	free(source->reading);
	free(source->files);
	free(source);
}

static int pg_open(struct source **ret, const struct source_options *options, struct catalog *catalog,
		   struct error *err)
{
	struct source *source = MEM_NEW(struct source);

	source->options = *options;
	pg_relations_init(&source->relations, catalog, pg_catalogue_facts(&source->catalogue));
	pgoutput_init(&source->pgoutput, &source->relations);
	if (pg_connect(options->conninfo, PG_CONN_QUERIES, &source->queries, err) < 0 ||
	    pg_connect(options->conninfo, PG_CONN_REPLICATION, &source->replication, err) < 0) {
		pg_close(source);
		return -1;
	}
	source->catalogue.conn = source->queries;
	source->catalogue.version = PQserverVersion(source->queries);
	if (source->catalogue.version < PG_OLDEST) {
		error_state(err, STATE_UNSUPPORTED, "PostgreSQL %d is too old: logical replication came with 10",
			    source->catalogue.version / 10000);
		pg_close(source);
		return -1;
	}
	*ret = source;
	return 0;
}

static int pg_identify(struct source *source, struct source_identity *ret, struct error *err)
{
	if (pg_server_check(source->queries, &source->options, err) < 0)
		return -1;
	if (pg_slot_identify(source->replication, source->queries, &source->options, ret, err) < 0)
		return -1;
	ret->unchecked_text = pg_takes_any_text(source->queries);
	return 0;
}

static void pg_doctor(struct source *source, struct findings *findings)
{
	pg_examine(source->queries, &source->options, findings);
}

static int pg_list(struct source *source, struct source_listing **ret, size_t *ret_count, struct error *err)
{
	return pg_catalogue_list(&source->catalogue, ret, ret_count, err);
}

static int check_columns(const struct source_table *wanted, const struct table *version, struct error *err)
{
	for (size_t i = 0; i < wanted->column_count; i++)
		if (table_column(version, wanted->columns[i]) < 0)
			return error_set(err, ERROR_INPUT, "table %s.%s has no column '%s' (or does not publish it)",
					 wanted->schema, wanted->name, wanted->columns[i]);
	return 0;
}

static int capture_one(struct source *source, const struct source_table *wanted, const struct table **ret,
		       struct arena *arena, struct error *err)
{
	struct pg_relation relation;
	const struct pg_table *table;
	bool is_new;
	int found = pg_catalogue_relation(&source->catalogue, wanted->schema, wanted->name, source->options.publication,
					  arena, &relation, err);

	if (found < 0)
		return -1;
	if (!found) {
		error_set(err, ERROR_INPUT, "there is no table %s.%s", wanted->schema, wanted->name);
		return error_hint(err, "correct the name, or take it out of the configuration or mapping");
	}
	pg_relations_capture(&source->relations, wanted->schema, wanted->name);
	if (pg_relations_put(&source->relations, &relation, &table, &is_new, err) < 0)
		return -1;
	*ret = table->table;
	return check_columns(wanted, table->table, err);
}

static int pg_capture(struct source *source, const struct source_table *tables, size_t count,
		      const struct table **ret_versions, struct error *err)
{
	struct arena arena;
	int result = 0;

	free(source->wanted.versions);
	source->wanted = (struct pg_wanted){tables, MEM_ARRAY(const struct table *, count), count};
	pg_relations_capture_none(&source->relations);
	arena_init(&arena);
	for (size_t i = 0; i < count && result == 0; i++) {
		result = capture_one(source, &tables[i], &source->wanted.versions[i], &arena, err);
		ret_versions[i] = source->wanted.versions[i];
	}
	arena_done(&arena);
	return result;
}

static int pg_check_publication(struct source *source, struct error *err)
{
	return pg_publication_check(source->queries, source->options.publication, &source->wanted, err);
}

static int pg_publication_statement(struct source *source, struct writer *sql, struct error *err)
{
	return pg_publication_sql(source->queries, source->options.publication, &source->wanted, sql, err);
}

static int pg_marks(struct source *source, struct writer *marks, struct error *err)
{
	return pg_publication_marks(source->queries, source->options.publication, &source->wanted, marks, err);
}

static int pg_grants(struct source *source, const char *role, bool missing, struct writer *sql, struct error *err)
{
	if (pg_access_grants(source->queries, &source->wanted, role ? role : PQuser(source->queries), missing, sql, err) < 0)
		return -1;
	return pg_publication_sql(source->queries, source->options.publication, &source->wanted, sql, err);
}

static int pg_check_access(struct source *source, struct writer *sql, struct error *err)
{
	return pg_access_check(source->queries, &source->wanted, sql, err);
}

static int pg_evict(struct source *source, struct error *err)
{
	return pg_slot_evict(source->queries, source->options.slot, err);
}

/* A snapshot that was taken before an ALTER TABLE wrote a table anew finds it empty. So it is remembered what the file was. */
static int remember_files(struct source *source, struct error *err)
{
	free(source->files);
	source->files = MEM_ARRAY(uint64_t, source->wanted.count);
	for (size_t i = 0; i < source->wanted.count; i++)
		if (pg_part_file(source->queries, source->wanted.versions[i], &source->files[i], err) < 0)
			return -1;
	return 0;
}

static int pg_create_slot(struct source *source, bool drop_first, struct source_snapshot *ret, struct error *err)
{
	struct writer sql = {0};
	char name[128];
	int denied = pg_check_access(source, &sql, err);

	wr_done(&sql);
	if (denied < 0)
		return -1;
	if (drop_first && pg_slot_drop(source->queries, source->options.slot, err) < 0)
		return -1;
	if (remember_files(source, err) < 0)
		return -1;
	if (pg_slot_create(source->replication, source->queries, &source->options, &ret->consistent, name, err) < 0)
		return -1;
	ret->taken_at = clock_wall();
	pg_snapshot_done(&source->snapshot);
	if (pg_snapshot_begin(&source->snapshot, &source->options, name, err) < 0)
		return -1;
	ret->readers = source->snapshot.reader_count;
	return 0;
}

static uint64_t file_before(const struct source *source, const struct table *table)
{
	for (size_t i = 0; i < source->wanted.count; i++)
		if (source->wanted.versions[i] == table)
			return source->files[i];
	return 0;
}

static int pg_read_tables(struct source *source, const struct table *const *tables, size_t count, struct error *err)
{
	uint64_t *files = MEM_ARRAY(uint64_t, count);
	int result;

	free(source->reading);
	source->reading = MEM_ARRAY(const struct pg_table *, count);
	for (size_t i = 0; i < count; i++) {
		source->reading[i] = pg_relations_find(&source->relations, (uint32_t)tables[i]->source_id);
		files[i] = file_before(source, tables[i]);
	}
	result = pg_snapshot_read(&source->snapshot, source->queries, tables, files, count, err);
	free(files);
	return result;
}

static int pg_read_row(struct source *source, struct change *ret, size_t *ret_table, struct error *err)
{
	struct view line;
	int got = pg_snapshot_row(&source->snapshot, &line, ret_table, err);

	return got <= 0 ? got : pgoutput_copy_row(&source->pgoutput, source->reading[*ret_table], line, ret, err);
}

static bool pg_table_ended(struct source *source, size_t *ret_table)
{
	return pg_snapshot_ended(&source->snapshot, ret_table);
}

/* The table is held since its first row was read: it is what it was then. */
static int pg_table_stands(struct source *source, size_t number, struct error *err)
{
	const struct pg_reading *reading = &source->snapshot.tables[number];
	uint64_t now;

	if (pg_part_file(source->queries, reading->table, &now, err) < 0)
		return -1;
	return now == reading->file;
}

static enum table_reading pg_rest_of(struct source *source, size_t table, struct writer *to)
{
	return pg_snapshot_rest(&source->snapshot, table, to);
}

static void pg_read_so_far(struct source *source, struct source_progress *ret)
{
	pg_snapshot_progress(&source->snapshot, ret);
}

static int pg_end_snapshot(struct source *source, struct error *err)
{
	(void)err;
	pg_snapshot_done(&source->snapshot);
	return 0;
}

/* Parts --------------------------------------------------------------------------------------- */

static int look_at(struct source *source, const char *schema, const char *name, const struct pg_table **ret, struct error *err)
{
	struct pg_relation relation;
	struct arena arena;
	int found;

	*ret = NULL;
	arena_init(&arena);
	found = pg_catalogue_relation(&source->catalogue, schema, name, source->options.publication, &arena, &relation, err);
	if (found > 0)
		found = pg_relations_look(&source->relations, &relation, ret, err);
	arena_done(&arena);
	return found < 0 ? -1 : 0;
}

/*
 * An ALTER TABLE that writes the rows anew is not for snapshots taken before it: these find the new file empty. So the file
 * must be the same before the snapshot was taken and when the table is held.
 */
static int open_part(struct source *source, const struct source_part *wanted, bool *ret_anew, struct error *err)
{
	uint64_t before, now, known;
	int opened;

	if (pg_part_file(source->queries, wanted->table, &before, err) < 0 || pg_part_known_file(wanted, before, &known, err) < 0)
		return -1;
	*ret_anew = known != before;
	if (*ret_anew)
		return 0;
	opened = pg_part_open(&source->part, source->options.conninfo, source->queries, wanted->table,
			      &source->delivered, err);
	if (opened <= 0)
		return opened;
	if (pg_part_file(source->queries, wanted->table, &now, err) < 0)
		return -1;
	return before == now;
}

static int begin_part(struct source *source, const struct source_part *wanted, enum part_answer *ret, struct error *err)
{
	bool anew;
	int opened = open_part(source, wanted, &anew, err);

	*ret = opened == 0 && anew ? PART_ANEW : PART_LATER;
	if (opened <= 0)
		return opened;
	if (look_at(source, wanted->table->schema, wanted->table->name, &source->part_table, err) < 0)
		return -1;
	*ret = source->part_table && source->part_table->table == wanted->table ? PART_BEGUN : PART_CHANGED;
	return *ret == PART_BEGUN ? pg_part_copy(&source->part, wanted, err) : 0;
}

static int pg_begin_part(struct source *source, const struct source_part *wanted, enum part_answer *ret, struct error *err)
{
	int result = begin_part(source, wanted, ret, err);

	if (result < 0 || *ret != PART_BEGUN)
		pg_part_stop(&source->part);
	return result;
}

static int pg_next_of_part(struct source *source, struct change *ret, struct error *err)
{
	struct view line;
	int got = pg_part_row(&source->part, &line, err);

	return got <= 0 ? got : pgoutput_copy_row(&source->pgoutput, source->part_table, line, ret, err);
}

static int pg_end_part(struct source *source, struct source_part_end *ret, struct error *err)
{
	return pg_part_end(&source->part, source->part_table->table, ret, err);
}

static void pg_stop_part(struct source *source)
{
	pg_part_stop(&source->part);
}

static bool pg_part_sees(struct source *source, const struct transaction *txn)
{
	return pg_sight_sees(&source->part.sight, txn);
}

static int pg_settled(struct source *source, uint64_t table, struct error *err)
{
	return pg_part_settled(&source->part, source->queries, table, err);
}

static int pg_check_part(struct source *source, const struct table *table, const char *condition, struct error *err)
{
	return pg_part_check(source->queries, table, condition, err);
}

static int pg_look(struct source *source, const struct source_table *tables, size_t count, const struct table **ret_versions,
		   struct position *ret_at, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct pg_table *found;

		if (look_at(source, tables[i].schema, tables[i].name, &found, err) < 0)
			return -1;
		ret_versions[i] = found ? found->table : NULL;
	}
	return pg_slot_log_written(source->queries, ret_at, err);
}

/* Errors of the stream that no reconnection mends. */
static const struct {
	const char *words;
	enum named_state state;
	const char *hint;
} lasting[] = {
	{"publication", STATE_PUBLICATION_CHANGED,
	 "the publication must have existed when the slot was made; make both anew with a new snapshot"},
	{"requested WAL segment", STATE_GAP, "the log needed was removed: a new snapshot is needed"},
	{"can no longer", STATE_GAP, "the slot was invalidated: a new snapshot is needed"},
};

static int explain(struct error *err)
{
	struct error told = *err;

	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
		if (!strstr(told.text, lasting[i].words) || told.class != ERROR_TRANSIENT)
			continue;
		error_state(err, lasting[i].state, "%s", told.text);
		return error_hint(err, "%s", lasting[i].hint);
	}
	return -1;
}

/* From 18 on a publication that is not there only makes the server warn, and skip what it would have published. */
static void watch_notices(void *context, const PGresult *notice)
{
	const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
	bool *skipped = context;

	if (message && strstr(message, "skipped loading publication"))
		*skipped = true;
}

/* A captured column that is read as text only, by what the catalogue says now; or NULL. */
static const struct column *find_text_only(struct source *source, const struct table **ret_table)
{
	const struct column *column = NULL;

	for (struct map_entry *entry = NULL; !column && (entry = map_next(&source->relations.tables, entry));) {
		const struct pg_table *table = entry->value;

		column = table->captured ? pg_relations_text_only(table) : NULL;
		*ret_table = table->table;
	}
	return column;
}

/* AUTO: in binary form where nothing speaks against it. */
static int choose_form(struct source *source, struct error *err)
{
	const struct source_options *options = &source->options;
	const struct table *table = NULL;
	const struct column *column = find_text_only(source, &table);
	bool known = pg_has(PQserverVersion(source->replication), PG_BINARY_VALUES);

	source->pgoutput.binary = known && !column && options->values != VALUES_TEXT && !(options->text_needed && *options->text_needed);
	if (options->values != VALUES_BINARY || !column)
		return 0;
	error_state(err, STATE_UNSUPPORTED, "'source.values: binary': column %s.%s.%s (%s) is read as text only", table->schema, table->name,
		    column->name, column->source_type);
	return error_hint(err, "set source.values to auto or text");
}

static int pg_start(struct source *source, struct position from, struct error *err)
{
	pgoutput_restart(&source->pgoutput);
	source->publication_skipped = false;
	if (choose_form(source, err) < 0)
		return -1;
	PQsetNoticeReceiver(source->replication, watch_notices, &source->publication_skipped);
	if (pg_stream_start(&source->stream, source->replication, &source->options, from.lsn,
			    source->pgoutput.binary, err) < 0)
		return explain(err);
	source->streaming = true;
	source->idle = from.lsn;
	pg_delivered_reset(&source->delivered, from);
	return 0;
}

/* Of no other session on this server. */
static void name_peek(struct source *source)
{
	snprintf(source->peek_slot, sizeof(source->peek_slot), "tailwater_tail_%d_%llx", (int)getpid(),
		 (unsigned long long)clock_wall());
}

static int pg_peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start,
		   struct error *err)
{
	name_peek(source);
	if (pg_slot_temporary(source->replication, source->queries, &source->options, source->peek_slot, from != PEEK_NOW,
			      ret_start, err) < 0)
		return -1;
	if (from == PEEK_POSITION && position_compare(position, *ret_start) < 0) {
		char first[POSITION_TEXT_BYTES];

		position_print(*ret_start, first);
		return error_set(err, ERROR_INPUT, "the slot '%s' has only what comes after %s", source->options.slot, first);
	}
	if (from == PEEK_POSITION)
		*ret_start = position;
	source->options.slot = source->peek_slot;
	return pg_start(source, *ret_start, err);
}

static int pg_kept(struct source *source, struct source_retention *ret, struct error *err)
{
	return pg_retention(source->queries, source->options.slot, ret, err);
}

static int pg_wait_fd(struct source *source)
{
	return source->streaming ? PQsocket(source->replication) : -1;
}

/* With no transaction open, all that the server has sent is behind us. */
static int take_position(struct source *source, struct change *ret)
{
	if (source->pgoutput.in_transaction || source->stream.wal_end <= source->idle)
		return 0;
	source->idle = source->stream.wal_end;
	*ret = (struct change){.op = CHANGE_IDLE, .position = {POSITION_PG_LSN, source->stream.wal_end}};
	return 1;
}

/* The log has what cannot be read in binary form: the next time it is read as text. */
static int refuse_form(struct source *source, struct error *err)
{
	struct error told = *err;

	if (source->options.values != VALUES_BINARY) {
		if (source->options.text_needed)
			*source->options.text_needed = true;
		return -1;
	}
	error_state(err, STATE_UNSUPPORTED, "'source.values: binary': %s", told.text);
	return error_hint(err, "set source.values to auto or text");
}

static int take_message(struct source *source, struct change *ret, struct error *err)
{
	int got = pgoutput_decode(&source->pgoutput, source->stream.message, source->stream.wal_start, ret, err);

	if (got < 0 && source->pgoutput.text_only)
		return refuse_form(source, err);
	if (got <= 0 || ret->op != CHANGE_COMMIT)
		return got;
	if (ret->position.lsn > source->idle)
		source->idle = ret->position.lsn;
	return pg_delivered_note(&source->delivered, source->pgoutput.txn.id, ret->position, source->queries, err) < 0 ? -1 : got;
}

static int pg_next(struct source *source, struct change *ret, struct error *err)
{
	enum pg_stream_item item;
	int got = pgoutput_more(&source->pgoutput, ret);

	while (!got) {
		if (pg_stream_next(&source->stream, &item, err) < 0)
			return explain(err);
		if (source->publication_skipped)
			return error_state(err, STATE_PUBLICATION_CHANGED, "the publication '%s' is gone",
					   source->options.publication);
		if (item == STREAM_NOTHING)
			return 0;
		got = item == STREAM_POSITION ? take_position(source, ret) : take_message(source, ret, err);
	}
	return got;
}

/*
 * A server that shuts down ends ordinary sessions at once, and then waits for those that stream. While Kafka is away
 * the stream is not read, and its questions are not seen: the end of the other session says that it is time to go.
 */
static int watch_queries(struct source *source, struct error *err)
{
	struct pollfd wait = {.fd = PQsocket(source->queries), .events = POLLIN};
	usec_t now = clock_mono();

	if (now - source->queries_watched_at < WATCH_QUERIES_US)
		return 0;
	source->queries_watched_at = now;
	if (poll(&wait, 1, 0) <= 0 || (PQconsumeInput(source->queries) && PQstatus(source->queries) == CONNECTION_OK))
		return 0;
	return error_set(err, ERROR_TRANSIENT, "the server has ended the session for queries: it may be shutting down");
}

static int pg_serve(struct source *source, struct error *err)
{
	if (!source->streaming)
		return 0;
	return watch_queries(source, err) < 0 ? -1 : pg_stream_serve(&source->stream, err);
}

static int pg_confirm(struct source *source, struct position durable, struct error *err)
{
	return source->streaming ? pg_stream_confirm(&source->stream, durable.lsn, err) : 0;
}

static const struct source_metrics *pg_metrics(struct source *source)
{
	source->metrics = (struct source_metrics){
		.binary = source->pgoutput.binary,
		.reads = source->stream.pace.reads,
		.read_bytes = source->stream.bytes,
		.naps = source->stream.pace.naps,
		.behind = source->stream.pace.behind,
		.messages = source->stream.messages,
		.keepalives_sent = source->stream.keepalives_sent,
		.received = {POSITION_PG_LSN, source->stream.received},
	};
	return &source->metrics;
}

const struct source_ops postgres_source_ops = {
	.name = "postgresql",
	.type = pg_type_at,
	.check_parameter = pg_check_keyword,
	.open = pg_open,
	.close = pg_close,
	.identify = pg_identify,
	.examine = pg_doctor,
	.list = pg_list,
	.capture = pg_capture,
	.check_publication = pg_check_publication,
	.publication_sql = pg_publication_statement,
	.publication_marks = pg_marks,
	.check_access = pg_check_access,
	.grants = pg_grants,
	.evict = pg_evict,
	.create_slot = pg_create_slot,
	.snapshot_read = pg_read_tables,
	.snapshot_next = pg_read_row,
	.snapshot_ended = pg_table_ended,
	.snapshot_stands = pg_table_stands,
	.snapshot_rest = pg_rest_of,
	.snapshot_progress = pg_read_so_far,
	.snapshot_end = pg_end_snapshot,
	.part_begin = pg_begin_part,
	.part_next = pg_next_of_part,
	.part_end = pg_end_part,
	.part_stop = pg_stop_part,
	.part_sees = pg_part_sees,
	.settled = pg_settled,
	.part_check = pg_check_part,
	.look = pg_look,
	.start = pg_start,
	.peek = pg_peek,
	.retention = pg_kept,
	.wait_fd = pg_wait_fd,
	.next = pg_next,
	.serve = pg_serve,
	.confirm = pg_confirm,
	.metrics = pg_metrics,
};
