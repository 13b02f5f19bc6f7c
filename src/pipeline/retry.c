/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Documents that are held back are evaluated again because somebody asks for it: what has healed without a change of the
 * rows it hangs on (a reference row, say) leaves, with its events, and closes its exception. A job: which documents it
 * is for stands in the state file with it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pipeline/requests.h"
#include "run.h"
#include "state/exceptions.h"

struct retry {
	struct pipeline *p;
	struct view entity, key;  /* VIEW_NONE: all */
	uint64_t count;
	struct error *err;
};

struct root_key root_key_parse(const struct entity *entity, struct view text)
{
	return entity->key_is_number ? (struct root_key){.is_number = true, .number = strtoll(text.ptr, NULL, 10)}
				     : (struct root_key){.text = text};
}

/* An entity that the pack has no more is nobody's. */
static int touch_exception(void *arg, const struct exception *exception)
{
	struct retry *retry = arg;
	const struct entity *entity;
	char name[200];

	if ((retry->entity.ptr && !view_equal(retry->entity, exception->entity)) ||
	    (retry->key.ptr && !view_equal(retry->key, exception->key)))
		return 0;
	snprintf(name, sizeof(name), "%.*s", VIEW_ARG(exception->entity));
	entity = mapping_entity(retry->p->mapping, name);
	if (!entity)
		return 0;
	retry->count++;
	return touch_add(retry->p->touch, entity, root_key_parse(entity, exception->key), retry->err);
}

static int check(const struct pipeline *p, const struct retry *retry, bool all, struct error *err)
{
	char name[200];

	if (!p->mapping)
		return error_set(err, ERROR_INPUT, "there is no mapping, and so no document is held back");
	if (all ? retry->entity.ptr != NULL || retry->key.ptr != NULL : retry->entity.ptr == NULL)
		return error_set(err, ERROR_INPUT, "say which: an entity, an entity and a key, or all");
	snprintf(name, sizeof(name), "%.*s", retry->entity.ptr ? (int)retry->entity.len : 0,
		 retry->entity.ptr ? retry->entity.ptr : "");
	return retry->entity.ptr && !mapping_entity(p->mapping, name) ? entity_unknown(p, retry->entity, err) : 0;
}

static int collect(struct retry *retry, struct error *err)
{
	int result;

	error_clear(err);
	if (touch_clear(retry->p->touch, err) < 0)
		return -1;
	result = exceptions_each(retry->p->db, touch_exception, retry, err);
	return result < 0 || err->class != ERROR_NONE ? -1 : 0;
}

int retry_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err)
{
	struct retry retry = {
		.p = p,
		.entity = request_value(request, "entity"),
		.key = request_value(request, "key"),
		.err = err,
	};
	uint64_t job;

	if (check(p, &retry, request_value(request, "all").ptr != NULL, err) < 0 || collect(&retry, err) < 0)
		return -1;
	if (!retry.count && retry.entity.ptr) {
		error_set(err, ERROR_INPUT, "no exception of %.*s%s%.*s is open", VIEW_ARG(retry.entity), retry.key.ptr ? "/" : "",
			  (int)retry.key.len, retry.key.ptr ? retry.key.ptr : "");
		return error_hint(err, "`tailwater exceptions list` has those that are");
	}
	if (!retry.count) {
		wr_printf(answer, "{\"job\":null,\"documents\":0}");
		return 0;
	}
	if (job_begin(p, JOB_RETRY, &job, err) < 0)
		return -1;
	wr_printf(answer, "{\"job\":%" PRIu64 ",\"documents\":%" PRIu64 "}", job, retry.count);
	return 0;
}
