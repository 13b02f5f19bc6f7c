/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The log as it comes: in which form it is asked for, messages and positions out of it, what is confirmed, and what its errors
 * mean.
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "retention.h"
#include "session.h"
#include "slot.h"
#include "version.h"

#define WATCH_QUERIES_US (100 * USEC_PER_MSEC)

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

int pg_start(struct source *source, struct position from, struct error *err)
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

int pg_peek(struct source *source, enum source_peek from, struct position position, struct position *ret_start,
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

int pg_kept(struct source *source, struct source_retention *ret, struct error *err)
{
	return pg_retention(source->queries, source->options.slot, ret, err);
}

int pg_wait_fd(struct source *source)
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

int pg_next(struct source *source, struct change *ret, struct error *err)
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

int pg_serve(struct source *source, struct error *err)
{
	if (!source->streaming)
		return 0;
	return watch_queries(source, err) < 0 ? -1 : pg_stream_serve(&source->stream, err);
}

int pg_confirm(struct source *source, struct position durable, struct error *err)
{
	return source->streaming ? pg_stream_confirm(&source->stream, durable.lsn, err) : 0;
}

const struct source_metrics *pg_metrics(struct source *source)
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
