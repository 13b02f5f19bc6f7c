/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Records that say what is whole. A transaction that is published in several Kafka transactions gets an END with its
 * counts, since its readers may see a part of it; with topics.transactions: all every transaction gets a BEGIN and an
 * END. A snapshot always gets both.
 *
 * Whether a transaction was split depends on batches, not on the log alone: so markers are in no digest, and a
 * transaction that is published already gets none. Their content depends on the log alone. Changes are counted again
 * when the server sends the transaction again; documents that are behind the state file's position are not made again,
 * so their tallies stand in the state file with it.
 */
#include "encode/marker.h"
#include "run.h"
#include "state/tallies.h"

#define REFUSED "-" /* before the name of a table, in the state file */

static void begin_list(struct tallies *list)
{
	list->epoch++;
	list->first = NULL;
	list->end = &list->first;
}

void tallies_begin(struct pipeline *p)
{
	begin_list(&p->tallies);
	begin_list(&p->refusals);
}

static void add(struct tallies *list, struct tally *tally, uint64_t number)
{
	if (tally->epoch != list->epoch) {
		tally->epoch = list->epoch;
		tally->count = 0;
		tally->next = NULL;
		*list->end = tally;
		list->end = &tally->next;
	}
	tally->count += number;
}

void tally_add(struct pipeline *p, struct tally *tally, uint64_t number)
{
	add(&p->tallies, tally, number);
}

/* One that the encoder has counted, but that is not in its topic. */
void tally_refused(struct pipeline *p, struct tally *tally, struct view collection)
{
	tally->name = collection;
	add(&p->refusals, tally, 1);
}

static int save_list(struct pipeline *p, const struct tallies *list, const char *mark, struct error *err)
{
	for (const struct tally *tally = list->first; tally; tally = tally->next)
		if (tally_put(p->db, arena_printf(&p->txn_arena, "%s%.*s", mark, VIEW_ARG(tally->name)), tally->count,
			      err) < 0)
			return -1;
	return 0;
}

int tallies_keep(struct pipeline *p, struct error *err)
{
	if (tallies_clear(p->db, err) < 0 || save_list(p, &p->tallies, "", err) < 0)
		return -1;
	return save_list(p, &p->refusals, REFUSED, err);
}

/* With the position, if that stands inside of a transaction. */
int tallies_save(struct pipeline *p, struct error *err)
{
	return p->txn ? tallies_keep(p, err) : 0;
}

static struct tally *find_tally(struct pipeline *p, struct view name)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;

	if (view_equal(p->exception_tally.name, name))
		return &p->exception_tally;
	for (unsigned i = 0; i < count; i++) {
		struct entity_route *route = &p->entity_routes[entities[i]->index];

		if (view_equal(route->tally.name, name))
			return &route->tally;
		for (unsigned j = 0; j < entities[i]->event_count; j++)
			if (view_equal(route->event_tallies[j].name, name))
				return &route->event_tallies[j];
	}
	return NULL;
}

static void take_refused(struct pipeline *p, struct view name, uint64_t count)
{
	for (size_t i = 0; i <= p->table_count; i++) {
		struct route *route = i < p->table_count ? route_of(p, p->versions[i]) : &p->message_route;

		if (route->plan && view_equal(encode_collection_name(p->encoder, route->plan), name)) {
			route->refused.name = encode_collection_name(p->encoder, route->plan);
			add(&p->refusals, &route->refused, count);
			return;
		}
	}
}

static void take_tally(void *arg, struct view name, uint64_t count)
{
	struct tally *tally = find_tally(arg, name);

	if (tally)
		tally_add(arg, tally, count);
	else if (name.len && name.ptr[0] == REFUSED[0])
		take_refused(arg, (struct view){name.ptr + 1, name.len - 1}, count);
}

/* Of what the state file has behind it. */
int tallies_load(struct pipeline *p, struct error *err)
{
	if (tallies_each(p->db, take_tally, p, err) < 0)
		return -1;
	if (p->tallies.first)
		p->txn_unmarked = false;
	return 0;
}

static size_t count_documents(struct pipeline *p, struct event_count **ret)
{
	size_t count = 0;

	for (const struct tally *tally = p->tallies.first; tally; tally = tally->next)
		count++;
	*ret = ARENA_ARRAY(&p->txn_arena, struct event_count, count);
	count = 0;
	for (const struct tally *tally = p->tallies.first; tally; tally = tally->next)
		(*ret)[count++] = (struct event_count){tally->name, tally->count};
	return count;
}

static void subtract(struct event_count *counts, size_t count, const struct tally *refused)
{
	for (size_t i = 0; i < count; i++)
		if (view_equal(counts[i].collection, refused->name))
			counts[i].events -= refused->count;
}

static void subtract_refused(struct pipeline *p, struct event_count *counts, size_t count)
{
	for (const struct tally *refused = p->refusals.first; refused; refused = refused->next)
		subtract(counts, count, refused);
}

static int send_marker(struct pipeline *p, const struct marker *marker, struct error *err)
{
	struct encode_plan *plan = p->marker_route.plan;
	struct message message;

	if (!p->marker_route.schemas_published &&
	    (batch_publish_schema(p, &plan->key, err) < 0 ||
	     batch_publish_schema(p, &plan->value, err) < 0))
		return -1;
	p->marker_route.schemas_published = true;
	encode_marker(p->encoder, marker, &p->marker_key, &p->marker_value, &message);
	if (schemas_recode(p, &plan->key, &plan->value, &p->marker_formatted, &message, err) < 0)
		return -1;
	return batch_mark(p, &message, err);
}

/* Of every transaction, if that is wanted, with its first message. */
bool marker_wanted(const struct pipeline *p)
{
	return p->options->mark_all && !p->txn_published;
}

int marker_begin(struct pipeline *p, struct error *err)
{
	struct marker marker = {.status = "BEGIN", .id = encode_transaction_id(p->encoder), .at = p->txn->committed_at};

	p->txn_unmarked = false;
	return p->replaying ? 0 : send_marker(p, &marker, err);
}

/* At the commit, after everything else. The checkpoint may stand right before it, and then the replay ends here. */
int marker_end(struct pipeline *p, struct error *err)
{
	struct marker marker = {.status = "END", .id = encode_transaction_id(p->encoder), .at = p->txn->committed_at,
				.counted = true};
	struct event_count *tables, *documents;
	bool has_any = encode_counted(p->encoder) || p->tallies.first;

	if (p->txn_published || !has_any || !(p->txn_split || p->options->mark_all))
		return 0;
	if (change_set_hidden(p, false, err) < 0)
		return -1;
	marker.table_count = encode_counts(p->encoder, &p->txn_arena, &tables);
	subtract_refused(p, tables, marker.table_count);
	marker.tables = tables;
	marker.document_count = count_documents(p, &documents);
	marker.documents = documents;
	return send_marker(p, &marker, err);
}

/* Every entity is told of, also if it has no document. */
static void begin_snapshot(struct pipeline *p)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;

	tallies_begin(p);
	for (unsigned i = 0; i < count; i++)
		tally_add(p, &p->entity_routes[entities[i]->index].tally, 0);
}

/* Every published table, also those without rows. */
static void count_snapshot(struct pipeline *p, struct marker *marker)
{
	struct event_count *tables = ARENA_ARRAY(&p->txn_arena, struct event_count, p->table_count), *documents;

	for (size_t i = 0; i < p->table_count; i++) {
		const struct table *table = p->versions[i];

		if (route_of(p, table)->plan)
			tables[marker->table_count++] = (struct event_count){
				encode_collection_name(p->encoder, route_of(p, table)->plan),
				encode_count(p->encoder, route_of(p, table)->plan),
			};
	}
	subtract_refused(p, tables, marker->table_count);
	marker->document_count = count_documents(p, &documents);
	marker->tables = tables;
	marker->documents = documents;
}

size_t marker_documents(struct pipeline *p, struct event_count **ret)
{
	return count_documents(p, ret);
}

/* What a table has given so far, without records that were refused. */
uint64_t marker_count(struct pipeline *p, const struct table *table)
{
	struct route *route = route_of(p, table);

	return route->plan ? encode_count(p->encoder, route->plan) - marker_refused(p, table) : 0;
}

uint64_t marker_refused(struct pipeline *p, const struct table *table)
{
	const struct route *route = route_of(p, table);

	return route->refused.epoch == p->refusals.epoch ? route->refused.count : 0;
}

/* Of a snapshot that was broken off, and is whole now. */
int marker_snapshot_end(struct pipeline *p, uint64_t snapshot, usec_t at, const struct event_count *tables, size_t table_count,
			const struct event_count *documents, size_t document_count, struct error *err)
{
	struct marker marker = {.status = "END", .at = at, .counted = true, .tables = tables, .table_count = table_count,
				.documents = documents, .document_count = document_count};

	marker.id = arena_printf(&p->txn_arena, "snapshot-%llu", (unsigned long long)snapshot);
	return send_marker(p, &marker, err);
}

int marker_snapshot(struct pipeline *p, const char *status, usec_t at, struct error *err)
{
	struct marker marker = {.status = status, .at = at, .counted = strcmp(status, "END") == 0};

	arena_reset(&p->txn_arena);
	marker.id = arena_printf(&p->txn_arena, "snapshot-%llu", (unsigned long long)p->applied.snapshot);
	if (marker.counted)
		count_snapshot(p, &marker);
	else
		begin_snapshot(p);
	return send_marker(p, &marker, err);
}
