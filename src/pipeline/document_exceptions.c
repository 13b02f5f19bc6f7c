/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Exceptions of documents: one that could not be made or does not validate, and that this is over.
 */
#include "canonical/root.h"
#include "documents.h"

int making_send_exception(const struct making *m, bool open, const struct fault *fault, usec_t opened_at,
			  struct error *err)
{
	struct pipeline *p = m->p;
	struct exception_about about = {
		.id = m->document.canonical_id,
		.entity = view_of(m->entity->name),
		.table = view_of(m->entity->root),
		.owner = view_of(m->entity->owner),
		.keys = root_keys(m->entity, m->document.key, &p->doc_arena),
	};
	struct header header = *m->route->header;

	header.event_id = making_event_id(m, open ? "exception" : "exception-closed");
	making_fill_header(m, &header);
	if (open && root_image(p->mapping, m->entity, m->document.key, &p->doc_arena, &about.after, err) < 0)
		return -1;
	return exception_send(p, m->cause, &header, &about, open, fault, opened_at, err);
}
