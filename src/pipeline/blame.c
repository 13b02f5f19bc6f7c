/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Whose fault it is: an error about one record is told with the table and the key of its row, or with its document, so
 * that somebody can go and look.
 */
#include <stdio.h>

#include "encode/datum.h"
#include "encode/framing.h"
#include "encode/json.h"
#include "registry/topic.h"
#include "run.h"
#include "state/cell.h"

/* The key columns of a change, the row's old ones where it has them. */
static const struct value *key_values(const struct change *change)
{
	return change->before.image != IMAGE_NONE ? change->before.values : change->after.values;
}

/* Puts table, key and transaction before an error about a record that a change becomes. */
int blame_change(struct pipeline *p, const struct change *change, struct error *err)
{
	const struct table *table = change->table;
	struct view place = p->txn ? p->txn_position : VIEW("");
	char scratch[DATETIME_TEXT_BYTES];
	struct writer text = {0};

	if (err->class != ERROR_RECORD || !table || change->op == CHANGE_TRUNCATE)
		return -1;
	for (unsigned i = 0; i < table->key_count; i++) {
		const struct value *value = &key_values(change)[table->key[i]];
		struct view shown = value->state == VALUE_PRESENT ?
				    cell_text(table->columns[table->key[i]].type, value, scratch) : VIEW("?");

		wr_printf(&text, ", %s=%.*s", table->columns[table->key[i]].name, VIEW_ARG(shown));
	}
	error_context(err, "table %s.%s%.*s%s%.*s", table->schema, table->name, (int)text.len,
		      text.len ? text.data : "", place.len ? ", transaction at " : "", VIEW_ARG(place));
	wr_done(&text);
	return -1;
}

static const struct encode_plan *plan_of(struct pipeline *p, const char *topic)
{
	for (size_t i = 0; i < p->table_count && p->routes; i++) {
		const struct encode_plan *plan = route_of(p, p->versions[i])->plan;

		if (plan && strcmp(plan->topic_name, topic) == 0)
			return plan;
	}
	return NULL;
}

/* A key as JSON, read by the schema that it was written with; -1 if it cannot be. */
static int show_key(const struct encode_plan *plan, struct view key, struct writer *to)
{
	struct schema_topic *schemas = schema_topic_new(NULL);
	const struct avro_type *type = &avro_string;
	struct error ignored = {0};
	struct arena arena;
	struct datum datum;
	uint64_t number;
	struct view body;
	char name[SCHEMA_KEY_BYTES + 1];
	int result = -1;

	arena_init(&arena);
	if (plan && plan->key.text.ptr) {
		snprintf(name, sizeof(name), "%016llx", (unsigned long long)plan->key.fingerprint);
		if (schema_topic_read(schemas, view_of(name), plan->key.text, &ignored) == 0)
			type = schema_topic_find(schemas, plan->key.fingerprint);
	}
	if (type && (plan ? frame_matches(&plan->key.frame, key, &body)
		     : frame_split(key, &number, &body) != FRAMING_NONE) &&
	    avro_read(type, body, &arena, &datum, &ignored) == 0) {
		datum_json(type, &datum, to);
		result = 0;
	}
	arena_done(&arena);
	schema_topic_free(schemas);
	return result;
}

/* Puts before an error of delivery what could not be delivered, as far as that is known. */
void blame_message(struct pipeline *p, struct error *err)
{
	const struct encode_plan *plan;
	struct writer text = {0};
	const char *topic;
	struct view key, body;
	uint64_t number;

	if (err->class != ERROR_RECORD || !p->producer || !producer_blamed(p->producer, &topic, &key))
		return;
	plan = plan_of(p, topic);
	if (plan)
		wr_printf(&text, "table %s.%s, ", plan->table->schema, plan->table->name);
	wr_printf(&text, "topic %s, key ", topic);
	if (p->options->key_format != FORMAT_AVRO)
		wr_view_bytes(&text, frame_split(key, &number, &body) == FRAMING_NONE ? key : body);
	if (p->options->key_format != FORMAT_AVRO || show_key(plan, key, &text) == 0)
		error_context(err, "%.*s", (int)text.len, text.data);
	else
		error_context(err, "%.*s", (int)text.len - (int)strlen(", key "), text.data);
	wr_done(&text);
}
