/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Change records that cannot be published, because a value has no form in the record's schema or the message is too
 * large for Kafka. Unless the agent is to stop for them, an exception takes the record's place, and the stream goes on.
 * What the checkpoint has behind it was published so, whatever is configured now.
 */
#include "base/log.h"
#include "base/shown.h"
#include "canonical/pack.h"
#include "canonical/root.h"
#include "encode/marker.h"
#include "messages.h"
#include "state/cell.h"

#define TOMBSTONE 1 /* of the parts of a change: it fails for its key alone, as the deletion before it has */
#define REMEDY \
	"correct the row at the source, exclude the table or column, or let such records go to the exception topic " \
	"(on_bad_record: exception); nothing was skipped"
#define VALUE_BYTES 1000
#define ROW_BYTES (128 << 10)

static struct view shown(const struct column *column, const struct value *value, struct arena *arena)
{
	char scratch[DATETIME_TEXT_BYTES];
	struct view text = cell_text(column->type, value, scratch);

	return column->type.kind == TYPE_BYTES ? bytes_shown(text, VALUE_BYTES, arena)
					       : text_shown(text, VALUE_BYTES, arena);
}

static void add_entry(struct datum *map, struct view name, struct datum value)
{
	map->items[map->count] = (struct datum){.set = true, .text = name};
	map->items[map->count + 1] = value;
	map->count += 2;
}

/* The columns that change topics may show; values that the server did not send are left out. */
static struct datum row_map(struct pipeline *p, const struct table *table, const struct row *row)
{
	struct datum map = {.items = ARENA_ARRAY(&p->doc_arena, struct datum, table->column_count * 2)};
	size_t bytes = 0;

	map.set = row->image != IMAGE_NONE;
	for (unsigned i = 0; map.set && i < table->column_count && bytes < ROW_BYTES; i++) {
		const struct value *value = &row->values[i];
		struct datum text = {.set = value->state == VALUE_PRESENT};

		if ((!text.set && value->state != VALUE_NULL) ||
		    !routes_column_wanted(p->options, table, &table->columns[i]))
			continue;
		if (text.set)
			text.text = shown(&table->columns[i], value, &p->doc_arena);
		add_entry(&map, view_of(table->columns[i].name), text);
		bytes += map.items[map.count - 2].text.len + (text.set ? text.text.len : 0);
	}
	return map;
}

/* The key's columns, of the row after the change, or before it. */
static struct datum key_map(struct pipeline *p, const struct change *change)
{
	const struct table *table = change->table;
	struct datum map = {.set = true, .items = ARENA_ARRAY(&p->doc_arena, struct datum, table->key_count * 2)};
	const struct row *row = change->after.image != IMAGE_NONE ? &change->after : &change->before;

	for (unsigned i = 0; i < table->key_count && row->image != IMAGE_NONE; i++) {
		const struct column *column = &table->columns[table->key[i]];
		const struct value *value = &row->values[table->key[i]];

		if (value->state != VALUE_PRESENT && change->before.image != IMAGE_NONE)
			value = &change->before.values[table->key[i]];
		if (value->state == VALUE_PRESENT)
			add_entry(&map, view_of(column->name),
				  (struct datum){.set = true, .text = shown(column, value, &p->doc_arena)});
	}
	return map;
}

/* <instance>/<schema.table>/<key>, as canonical ids are written; of a logical message <instance>/message/<prefix>. */
static struct view id_of(struct pipeline *p, const struct change *change, struct view collection,
			 const struct datum *keys)
{
	struct writer id = {0};
	struct view result;

	id_write_segment(&id, view_of(p->options->instance));
	wr_u8(&id, '/');
	id_write_segment(&id, collection);
	wr_u8(&id, '/');
	if (!change->table)
		id_write_segment(&id, text_shown(change->prefix, VALUE_BYTES, &p->doc_arena));
	for (uint32_t i = 0; i < keys->count; i += 2) {
		if (i)
			wr_u8(&id, ',');
		id_write_segment(&id, keys->items[i + 1].text);
	}
	result = arena_copy(&p->doc_arena, wr_view(&id));
	wr_done(&id);
	return result;
}

/* That of the record, with a word behind it. */
static struct view exception_id(struct pipeline *p, const struct change *change, unsigned part, struct view id)
{
	if (!p->txn)
		return arena_printf(&p->doc_arena, "%s/snapshot-%llu/%.*s/exception", p->options->name,
				    (unsigned long long)p->applied.snapshot, VIEW_ARG(id));
	return arena_printf(&p->doc_arena, "%s/%.*s/%llu.%u/exception", p->options->name, VIEW_ARG(p->txn_position),
			    (unsigned long long)change->index, part);
}

static void warn_once(struct pipeline *p, struct route *route, struct view collection, const struct error *err)
{
	if (p->replaying || route->refusal_told)
		return;
	route->refusal_told = true;
	log_warning(p->options->name, "records of %.*s go to the exception topic instead; the first one: %s",
		    VIEW_ARG(collection), err->text);
}

static int send_exception(struct pipeline *p, const struct change *change, unsigned part, struct view collection,
			  const struct fault *fault, struct error *err)
{
	enum document_cause cause = p->txn ? CAUSE_COMMIT : CAUSE_SNAPSHOT;
	struct datum keys = change->table ? key_map(p, change) : (struct datum){0};
	struct exception_about about = {
		.id = id_of(p, change, collection, &keys),
		.table = collection,
		.owner = p->pack ? view_of(pack_owner(p->pack)) : VIEW_NONE,
		.keys = keys,
	};
	/* Without a pack there is no product to name but the server's kind. */
	struct header header = {
		.event_id = exception_id(p, change, part, about.id),
		.source_system = view_of(p->pack ? pack_system(p->pack) : p->options->source_type),
		.source_instance = view_of(p->options->instance),
		.position_kind = position_kind_name(p->identity.log_end.kind),
		.position_ordinal = (int64_t)change->index,
		.source_tables = &collection,
		.source_table_count = 1,
		.schema_version = arena_printf(&p->doc_arena, "%016llx",
					       (unsigned long long)p->exception_message.fingerprint),
		.mapping_version = p->pack ? view_of(pack_version(p->pack)) : VIEW_NONE,
	};

	header.system_of_record = header.source_system;
	if (change->table) {
		about.before = row_map(p, change->table, &change->before);
		about.after = row_map(p, change->table, &change->after);
	}
	return exception_send(p, cause, &header, &about, true, fault, occurred_at(p, cause), err);
}

int change_refused(struct pipeline *p, const struct change *change, unsigned part, enum fault_reason reason,
		   struct error *err)
{
	struct route *route = change->table ? route_of(p, change->table) : &p->message_route;
	struct view collection = encode_collection_name(p->encoder, route->plan);
	struct fault fault = {.reason = reason};

	if (!p->exception_topic || (!p->replaying && !p->options->bad_record_exception)) {
		if (!err->hint[0])
			error_hint(err, REMEDY);
		return blame_change(p, change, err);
	}
	if (part == TOMBSTONE)
		return 0;
	arena_reset(&p->doc_arena);
	warn_once(p, route, collection, err);
	fault.message = text_shown(view_of(err->text), sizeof(err->text), &p->doc_arena);
	tally_refused(p, &route->refused, collection);
	return send_exception(p, change, part, collection, &fault, err);
}
