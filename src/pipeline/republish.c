/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Documents leave once more because somebody asks for it, for a consumer that has lost or never had them: as the mirror
 * has them now, as updates whose header says `replay`, and without business events. A job, as every evaluation that no
 * commit causes.
 */
#include <inttypes.h>
#include <stdio.h>

#include "pipeline/requests.h"
#include "run.h"

/* With the names that there are. */
int entity_unknown(const struct pipeline *p, struct view name, struct error *err)
{
	unsigned count = 0;
	const struct entity *const *entities = p->mapping ? mapping_entities(p->mapping, &count) : NULL;
	struct writer names = {0};

	if (!count)
		return error_set(err, ERROR_INPUT, "there is no mapping, and so there are no documents (mapping.pack)");
	for (unsigned i = 0; i < count; i++)
		wr_printf(&names, "%s%s", i ? ", " : "", entities[i]->name);
	error_set(err, ERROR_INPUT, "the mapping has no entity '%.*s'", VIEW_ARG(name));
	error_hint(err, "it has %.*s", VIEW_ARG(wr_view(&names)));
	wr_done(&names);
	return -1;
}

/* ERROR_INPUT unless a document with this key is kept. */
static int touch_one(struct pipeline *p, const struct entity *entity, struct view text, struct error *err)
{
	struct root_key key = root_key_parse(entity, text);
	struct kept_document kept;
	char again[ROOT_KEY_BYTES];
	int found = 0;

	if (view_equal(root_key_text(key, again), text))
		found = document_get(p->documents, p->entity_routes[entity->index].documents_slot, key, &kept, err);
	if (found < 0)
		return -1;
	if (!found || !kept.payload.ptr) {
		error_set(err, ERROR_INPUT, "there is no document %s/%.*s", entity->name, VIEW_ARG(text));
		return error_hint(err, "the key is that of its root row, the last part of its canonical id; a document that is held back is not "
				       "published: `tailwater exceptions show %s/%.*s`", entity->name, VIEW_ARG(text));
	}
	return touch_add(p->touch, entity, key, err);
}

static const struct entity *find_entity(const struct pipeline *p, struct view name, struct error *err)
{
	const struct entity *entity;
	char text[200];

	snprintf(text, sizeof(text), "%.*s", VIEW_ARG(name));
	entity = p->mapping ? mapping_entity(p->mapping, text) : NULL;
	if (entity && !p->entity_routes[entity->index].held)
		return entity;
	if (!entity) {
		entity_unknown(p, name, err);
	} else {
		error_set(err, ERROR_INPUT, "documents of %s are held, since a table that they read is not whole", text);
		error_hint(err, "the log says which table that is; ask again when it is loaded (`tailwater status` has 'mirror' until then)");
	}
	return NULL;
}

int republish_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err)
{
	const struct entity *entity = find_entity(p, request_value(request, "entity"), err);
	struct view key = request_value(request, "key");
	uint64_t job, count;

	if (!entity || touch_clear(p->touch, err) < 0)
		return -1;
	if ((key.ptr ? touch_one(p, entity, key, err) : touch_all(p->touch, entity, err)) < 0 ||
	    touch_count(p->touch, &count, err) < 0)
		return -1;
	if (!count) {
		wr_printf(answer, "{\"job\":null,\"documents\":0}");
		return 0;
	}
	if (job_begin(p, JOB_REPUBLISH, &job, err) < 0)
		return -1;
	wr_printf(answer, "{\"job\":%" PRIu64 ",\"documents\":%" PRIu64 "}", job, count);
	return 0;
}
