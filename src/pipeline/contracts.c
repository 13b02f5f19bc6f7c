/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the contracts say about our own messages: types, fingerprints and texts, looked up once.
 */
#include <stdio.h>

#include "base/memory.h"
#include "canonical/pack.h"
#include "encode/header.h"
#include "run.h"
#include "schema/fingerprint.h"

const struct avro_type avro_string = {.kind = AVRO_STRING};

/* A type as it is published; its text is in the arena. */
struct encode_schema contract_schema(struct arena *arena, const struct avro_type *type)
{
	struct encode_schema schema = {.fingerprint = avro_fingerprint(type), .name = type->name, .type = type};
	struct writer text = {0};

	contract_print(type, &text);
	schema.text = arena_copy(arena, wr_view(&text));
	schema.frame = frame_single_object(schema.fingerprint);
	wr_done(&text);
	return schema;
}

int contracts_bind(struct pipeline *p, struct error *err)
{
	const struct avro_type *header = contract_find(p->contract, CONTRACT_HEADER);

	p->exception_type = contract_find_in(p->contract, CONTRACT_DOCUMENT, "Exception");
	if (!header || !p->exception_type)
		return error_set(err, ERROR_INPUT, "the schemas in %s lack %s", p->options->schemas,
				 header ? "the record tailwater.canonical.Exception" : "the record " CONTRACT_HEADER);
	p->header = header_plan_new(header, err);
	if (!p->header)
		return -1;
	p->exception_message = contract_schema(&p->contract_arena, p->exception_type);
	p->exception_key = p->string_schema = contract_schema(&p->contract_arena, &avro_string);
	return 0;
}

static int bind_event(struct pipeline *p, const struct entity_event *event, struct entity_route *route, unsigned i,
		      struct error *err)
{
	const struct avro_type *type = contract_find_in(p->contract, CONTRACT_EVENT, event->name);

	if (!type) {
		error_set(err, ERROR_INPUT, "there is no schema for the event %s", event->name);
		return error_hint(err, "add record " CONTRACT_EVENT "%s to the folder %s", event->name,
				  p->options->schemas);
	}
	route->event_messages[i] = contract_schema(&p->route_arena, type);
	route->event_keys[i] = p->string_schema;
	return 0;
}

static const struct header *make_header(struct pipeline *p, const struct entity *entity,
					const struct entity_route *route)
{
	struct arena *arena = &p->route_arena;
	struct header *header = ARENA_NEW(arena, struct header);
	struct view *tables = ARENA_ARRAY(arena, struct view, entity->table_count);

	for (unsigned i = 0; i < entity->table_count; i++)
		tables[i] = arena_copy(arena, view_of(entity->tables[i]));
	*header = (struct header){
		.source_system = arena_copy(arena, view_of(pack_system(p->pack))),
		.source_instance = view_of(p->options->instance),
		.position_kind = position_kind_name(p->identity.log_end.kind),
		.source_tables = tables,
		.source_table_count = entity->table_count,
		.schema_version = arena_printf(arena, "%016llx", (unsigned long long)route->message.fingerprint),
		.mapping_version = arena_copy(arena, view_of(pack_version(p->pack))),
	};
	header->system_of_record = header->source_system;
	return header;
}

int contracts_bind_entity(struct pipeline *p, const struct entity *entity, struct entity_route *route,
			  struct error *err)
{
	const struct avro_type *message = contract_entity_message(p->contract, entity->name);

	if (!message)
		return error_set(err, ERROR_INPUT, "there is no schema for the entity %s", entity->name);
	route->message = contract_schema(&p->route_arena, message);
	route->key = p->string_schema;
	route->header = make_header(p, entity, route);
	route->event_keys = MEM_ARRAY(struct encode_schema, entity->event_count);
	route->event_messages = MEM_ARRAY(struct encode_schema, entity->event_count);
	for (unsigned i = 0; i < entity->event_count; i++)
		if (bind_event(p, &entity->events[i], route, i, err) < 0)
			return -1;
	return 0;
}
