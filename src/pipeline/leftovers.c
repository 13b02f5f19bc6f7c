/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * After an unfinished snapshot: its topics may hold rows and documents that the next attempt does not find any more.
 * Their keys are noted before the attempt, struck out by what it publishes, and the rest gets tombstones at its end.
 */
#include "base/log.h"
#include "publish/reader.h"
#include "run.h"

#define READ_SLICE_US (100 * USEC_PER_MSEC)
#define READ_DEADLINE_US (600 * USEC_PER_SEC)

/* The topics that a snapshot writes keys to. */
static unsigned count_topics(struct pipeline *p)
{
	unsigned count = 0;

	if (p->mapping)
		mapping_entities(p->mapping, &count);
	return count + (unsigned)p->table_count;
}

static size_t list_topics(struct pipeline *p, struct topic **topics)
{
	unsigned count = 0;
	size_t found = 0;

	if (p->mapping)
		mapping_entities(p->mapping, &count);
	for (unsigned i = 0; i < count; i++)
		topics[found++] = p->entity_routes[i].topic;
	for (size_t i = 0; i < p->table_count; i++)
		if (route_of(p, p->versions[i])->plan)
			topics[found++] = route_of(p, p->versions[i])->plan->topic;
	return found;
}

static int note_all(struct pipeline *p, struct topic_reader *reader, struct error *err)
{
	usec_t deadline = clock_mono() + READ_DEADLINE_US;
	struct reader_record record;
	bool at_end = false;

	while (!at_end) {
		int got = topic_reader_next(reader, READ_SLICE_US, &record, &at_end, err);

		if (got < 0 || pipeline_serve(p, err) < 0)
			return -1;
		if (got && record.key.ptr && record.value.ptr &&
		    leftover_note(p->leftovers, view_of(record.topic), record.key, err) < 0)
			return -1;
		if (clock_mono() > deadline)
			return error_set(err, ERROR_TRANSIENT, "reading what an unfinished snapshot left took too "
							       "long");
	}
	return 0;
}

/* Before the attempt. */
int leftovers_collect(struct pipeline *p, struct error *err)
{
	struct topic **topics = ARENA_ARRAY(&p->txn_arena, struct topic *, count_topics(p));
	size_t count = list_topics(p, topics);
	const char **names = ARENA_ARRAY(&p->txn_arena, const char *, count);
	struct topic_reader *reader;
	int result;

	for (size_t i = 0; i < count; i++)
		names[i] = topic_name(topics[i]);
	if (leftovers_open(p->db, &p->leftovers, err) < 0 || topic_reader_new(&reader, &p->options->kafka, err) < 0)
		return -1;
	result = topic_reader_assign(reader, names, count, READ_BEGINNING, 0, err);
	if (result == 0)
		result = note_all(p, reader, err);
	topic_reader_free(reader);
	return result;
}

struct removal {
	struct pipeline *p;
	struct topic **topics;
	size_t topic_count;
	uint64_t removed;
};

static int remove_one(void *arg, struct view topic, struct view key, struct error *err)
{
	struct removal *removal = arg;
	struct message message = {.key = key};

	for (size_t i = 0; i < removal->topic_count; i++)
		if (view_is(topic, topic_name(removal->topics[i])))
			message.topic = removal->topics[i];
	removal->removed++;
	return message.topic ? batch_emit(removal->p, &message, err) : 0;
}

/* After the attempt. */
int leftovers_remove(struct pipeline *p, struct error *err)
{
	struct removal removal = {.p = p, .topics = ARENA_ARRAY(&p->txn_arena, struct topic *, count_topics(p))};
	struct leftovers *leftovers = p->leftovers;
	int result;

	if (!leftovers)
		return 0;
	p->leftovers = NULL; /* the tombstones are no news to it */
	removal.topic_count = list_topics(p, removal.topics);
	result = leftovers_each(leftovers, remove_one, &removal, err);
	leftovers_close(leftovers);
	if (removal.removed)
		log_info(p->options->name, "%llu keys of an unfinished snapshot are gone at the source, and deleted",
			 (unsigned long long)removal.removed);
	return result;
}
