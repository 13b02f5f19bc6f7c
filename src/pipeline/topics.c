/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The topics of everything that is published, opened together, and compared with what the state file remembers of them: one
 * that is missing, shorter or has other partitions is never made anew in silence.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "encode/marker.h"
#include "run.h"
#include "state/topics.h"

/* A growing list of topics to open, with the places where their handles go. */
struct topic_list {
	struct topic_spec *specs;
	struct topic ***places;
	bool *must_exist;
	size_t count;
	struct map known;     /* name -> struct known_topic, from the state file */
	struct arena arena;
};

static void want_topic(struct pipeline *p, struct topic_list *list, const char *name, enum topic_policy policy,
		       int32_t partitions, struct topic **place)
{
	size_t n = list->count++;

	list->specs = mem_resize(list->specs, list->count, sizeof(*list->specs));
	list->places = mem_resize(list->places, list->count, sizeof(*list->places));
	list->must_exist = mem_resize(list->must_exist, list->count, sizeof(*list->must_exist));
	list->specs[n] = (struct topic_spec){
		.name = arena_copy(&list->arena, view_of(name)).ptr,
		.policy = policy,
		.partitions = partitions ? partitions : p->options->partitions,
		.partitions_most = partitions,
		.replication = p->options->replication,
		.retention_ms = p->options->retention_ms,
	};
	list->places[n] = place;
	list->must_exist[n] = map_get(&list->known, view_of(name)) != NULL;
}

static void want_named(struct pipeline *p, struct topic_list *list, const char *kind, const char *name,
		       enum topic_policy policy, int32_t partitions, struct topic **place)
{
	char text[300];

	snprintf(text, sizeof(text), "%s.%s%s%s", p->options->prefix, kind, *name ? "." : "", name);
	want_topic(p, list, text, policy, partitions, place);
}

static void want_entity(struct pipeline *p, struct topic_list *list, const struct entity *entity,
			struct entity_route *route)
{
	want_named(p, list, "entity", entity->name, TOPIC_COMPACT, 0, &route->topic);
	route->event_topics = MEM_ARRAY(struct topic *, entity->event_count);
	route->event_tallies = MEM_ARRAY(struct tally, entity->event_count);
	for (unsigned i = 0; i < entity->event_count; i++)
		want_named(p, list, "event", entity->events[i].name, TOPIC_DELETE, 0, &route->event_topics[i]);
}

static int want_all(struct pipeline *p, struct topic_list *list, struct error *err)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;

	want_named(p, list, "checkpoint", "", TOPIC_COMPACT, 1, &p->checkpoint_topic);
	p->schemas_topic = NULL;
	if (!p->registry)
		want_named(p, list, "schemas", "", TOPIC_COMPACT, 1, &p->schemas_topic);
	p->message_route = (struct route){.plan = encoder_messages(p->encoder)};
	want_topic(p, list, p->message_route.plan->topic_name, TOPIC_ANY, 0, &p->message_route.plan->topic);
	p->marker_route = (struct route){.plan = encoder_markers(p->encoder)};
	want_topic(p, list, p->marker_route.plan->topic_name, TOPIC_DELETE, 1, &p->marker_route.plan->topic);
	if (p->exception_type)
		want_named(p, list, "exception", "", TOPIC_DELETE, 0, &p->exception_topic);
	for (size_t i = 0; i < p->table_count; i++) {
		struct route *route = route_of(p, p->versions[i]);

		if (route->plan)
			want_topic(p, list, route->plan->topic_name, TOPIC_ANY, 0, &route->plan->topic);
	}
	p->entity_routes = MEM_ARRAY(struct entity_route, count);
	for (unsigned i = 0; i < count; i++) {
		struct entity_route *route = &p->entity_routes[entities[i]->index];

		want_entity(p, list, entities[i], route);
		if (contracts_bind_entity(p, entities[i], route, err) < 0)
			return -1;
	}
	return 0;
}

static int note_known(void *arg, const struct known_topic *topic)
{
	struct topic_list *list = arg;
	struct known_topic *copy = ARENA_NEW(&list->arena, struct known_topic);

	*copy = *topic;
	copy->name = arena_copy(&list->arena, topic->name);
	map_put(&list->known, copy->name, copy);
	return 0;
}

/* Against what the state file remembers; then remembered anew. */
static int compare_topic(struct pipeline *p, const struct topic_list *list, const struct topic *topic, int64_t end,
			 struct error *err)
{
	const struct known_topic *known = map_get(&list->known, view_of(topic_name(topic)));
	struct known_topic now = {
		.name = view_of(topic_name(topic)),
		.partitions = topic_partitions(topic),
		.end_offset = end,
	};

	if (known && known->partitions != now.partitions) {
		error_state(err, STATE_TOPIC_CHANGED, "topic %s had %d partitions and has %d now: keys would move",
			    topic_name(topic), known->partitions, now.partitions);
		return error_hint(err, "restore the topic with %d partitions", known->partitions);
	}
	if (known && now.end_offset < known->end_offset) {
		error_state(err, STATE_TOPIC_CHANGED, "topic %s ends earlier than it did: it was made anew",
			    topic_name(topic));
		return error_hint(err, "restore the topic, or begin anew with a new state file, slot and prefix");
	}
	return topic_remember(p->db, &now, err);
}

/* With every state commit: a topic that is made anew later is recognised by an earlier end. */
int routes_remember_ends(struct pipeline *p, struct error *err)
{
	for (size_t i = 0; i < topics_count(p->topics); i++) {
		struct topic *topic = topics_at(p->topics, i);
		struct known_topic now = {.name = view_of(topic_name(topic)), .partitions = topic_partitions(topic)};

		if (topic_has_grown(topic, &now.end_offset) && topic_remember(p->db, &now, err) < 0)
			return -1;
	}
	return 0;
}

static int open_listed(struct pipeline *p, struct topic_list *list, struct error *err)
{
	struct topic **handles = MEM_ARRAY(struct topic *, list->count);
	int64_t *ends = MEM_ARRAY(int64_t, list->count);
	int result = topics_open(p->topics, list->specs, list->must_exist, list->count, handles, err);

	if (result == 0)
		result = topics_ends(p->topics, handles, list->count, ends, err);
	for (size_t i = 0; i < list->count && result == 0; i++) {
		*list->places[i] = handles[i];
		result = compare_topic(p, list, handles[i], ends[i], err);
	}
	free(ends);
	free(handles);
	return result;
}

static void list_done(struct topic_list *list)
{
	free(list->specs);
	free(list->places);
	free(list->must_exist);
	map_done(&list->known);
	arena_done(&list->arena);
}

static struct view tally_name(const struct pipeline *p, const struct topic *topic)
{
	return view_of(topic_name(topic) + strlen(p->options->prefix) + 1);
}

static void name_tallies(struct pipeline *p)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;

	if (p->exception_topic)
		p->exception_tally = (struct tally){.name = tally_name(p, p->exception_topic)};
	for (unsigned i = 0; i < count; i++) {
		struct entity_route *route = &p->entity_routes[entities[i]->index];

		route->tally.name = tally_name(p, route->topic);
		for (unsigned j = 0; j < entities[i]->event_count; j++)
			route->event_tallies[j].name = tally_name(p, route->event_topics[j]);
	}
}

int routes_open_topics(struct pipeline *p, struct error *err)
{
	struct topic_list list = {0};
	int result = topics_each(p->db, note_known, &list, err);

	for (size_t i = 0; i < p->table_count && result == 0; i++)
		result = route_table(p, p->versions[i], err);
	if (result == 0)
		result = want_all(p, &list, err);
	if (result == 0)
		result = open_listed(p, &list, err);
	list_done(&list);
	if (result == 0)
		name_tallies(p);
	return result;
}
