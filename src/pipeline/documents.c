/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The documents of a commit: each touched root is evaluated once, compared with the document kept, and leaves as entity
 * message, business events, or exception. The decision is made from four facts: does it exist, is it valid, was one
 * published before, was it parked.
 */
#include "canonical/rules.h"
#include "documents.h"
#include "encode/datum.h"
#include "rebuild.h"
#include "state/exceptions.h"

_Static_assert(ENTITY_EVENTS_MAX + 8 < ORDINALS_OF_A_DOCUMENT, "every message of a document has an ordinal of its own");

/* It leaves only if it has changed, and then with its events. */
static bool of_changes(const struct making *m)
{
	return m->cause == CAUSE_COMMIT || m->cause == CAUSE_RETRY || m->cause == CAUSE_REBUILD;
}

/* Of what a snapshot had parked, the lost state file knew more than topics tell. */
static bool unknown_before(const struct making *m)
{
	return m->cause == CAUSE_REBUILD && view_equal(m->kept.image, REBUILD_IMAGE);
}

static void note(const struct making *m, enum rebuilt what, uint64_t number)
{
	if (m->cause == CAUSE_REBUILD)
		rebuild_note(m->p, m->entity->name, what, number);
}

/* The kept payload as a tree; nothing if there is none. */
static int read_kept(const struct making *m, struct datum *ret, bool *ret_there, struct error *err)
{
	*ret_there = m->kept.payload.ptr != NULL;
	if (!*ret_there)
		return 0;
	if (avro_read(m->entity->type, m->kept.payload, &m->p->doc_arena, ret, err) == 0)
		return 0;
	error_context(err, "the kept document %s/%.*s", m->entity->name, VIEW_ARG(m->key_text));
	err->class = ERROR_INTERNAL;
	return -1;
}

/*
 * Business events come from commits alone: neither a snapshot nor a job is something that happened; but an event that was
 * held back with its document is raised when that heals, whatever heals it. 1 if a rule's
 * condition failed on the data: then the fault is in the document, and *ret_fired is what the other rules say.
 */
static int choose_events(struct making *m, const struct datum *old, const struct datum *new, uint64_t *ret_fired,
			 struct error *err)
{
	struct rules_side before = {.document = old, .image = m->kept.image}, after = {.document = new};

	*ret_fired = 0;
	if (!of_changes(m) || !m->entity->event_count || unknown_before(m))
		return 0;
	if (rules_fire(m->p->mapping, m->entity, before, after, ret_fired, err) == 0)
		return 0;
	if (err->class != ERROR_RECORD)
		return -1;
	return rules_fire_singly(m->p->mapping, m->entity, before, after, &m->p->doc_arena, ret_fired,
				 &m->document.fault, err);
}

static int send_events(const struct making *m, uint64_t fired, struct view payload, struct error *err)
{
	note(m, REBUILT_EVENTS, (uint64_t)__builtin_popcountll(fired));
	for (unsigned i = 0; i < m->entity->event_count; i++)
		if (fired & (UINT64_C(1) << i) && making_send_event(m, i, payload, err) < 0)
			return -1;
	return 0;
}

static int send_closed(const struct making *m, struct fault fault, usec_t opened_at, struct error *err)
{
	fault.message = VIEW("the document validates again, or is gone");
	fault.value = VIEW_NONE;
	return making_send_exception(m, false, &fault, opened_at, err);
}

static int close_exception(const struct making *m, struct error *err)
{
	struct exception exception;
	int was_open;

	if (!m->was_kept || !m->kept.parked)
		return 0;
	was_open = exception_close(m->p->db, view_of(m->entity->name), m->key_text, &m->p->doc_arena, &exception, err);
	return was_open <= 0 ? was_open : send_closed(m, exception.fault, exception.since, err);
}

/* The last valid content, marked as deleted. */
static int write_deleted(const struct making *m, struct datum *old, struct error *err)
{
	int deleted = avro_field_index(m->entity->type, VIEW("deleted"));
	struct datum before = deleted < 0 ? (struct datum){0} : old->items[deleted];
	int written;

	if (deleted >= 0)
		old->items[deleted] = (struct datum){.set = true, .integer = 1};
	wr_clear(&m->p->scratch);
	written = datum_write(m->entity->type, old, &m->p->scratch, err);
	if (deleted >= 0)
		old->items[deleted] = before; /* the rules see it as it was */
	return written;
}

/*
 * What was published goes with its last valid content, and then a tombstone. A rule that fails on that is told of and
 * raises nothing: the document is gone, so nothing could ever mend it.
 */
static int publish_deletion(struct making *m, struct datum *old, struct error *err)
{
	struct view payload;
	uint64_t fired;
	int failed;

	if (write_deleted(m, old, err) < 0)
		return -1;
	payload = wr_view(&m->p->scratch);
	failed = choose_events(m, old, NULL, &fired, err);
	if (failed < 0)
		return -1;
	if (failed && (making_send_exception(m, true, &m->document.fault, occurred_at(m->p, m->cause), err) < 0 ||
		       send_closed(m, m->document.fault, occurred_at(m->p, m->cause), err) < 0))
		return -1;
	if (making_send_entity(m, "DELETE", payload, err) < 0 || send_events(m, fired, payload, err) < 0)
		return -1;
	return making_send_tombstone(m, err);
}

static int handle_gone(struct making *m, struct error *err)
{
	struct datum old;
	bool there;

	if (!m->was_kept)
		return 0;
	if (close_exception(m, err) < 0 || read_kept(m, &old, &there, err) < 0)
		return -1;
	note(m, REBUILT_GONE, there);
	if (there && publish_deletion(m, &old, err) < 0)
		return -1;
	return document_remove(m->p->documents, m->route->documents_slot, m->document.key, err);
}

static int record_exception(const struct making *m, bool *ret_news, usec_t *ret_since, struct error *err)
{
	struct pipeline *p = m->p;
	char position[POSITION_TEXT_BYTES];
	struct exception exception = {
		.entity = view_of(m->entity->name),
		.key = m->key_text,
		.fault = m->document.fault,
		.owner = view_of(m->entity->owner),
		.event_id = m->event_id,
		.since = occurred_at(m->p, m->cause),
	};

	position_print(p->txn ? p->txn->final : p->applied.position, position);
	exception.position = view_of(position);
	return exception_open(p->db, &exception, ret_news, ret_since, err);
}

static int handle_invalid(const struct making *m, struct error *err)
{
	struct pipeline *p = m->p;
	struct kept_document now = {.parked = true, .payload = m->kept.payload, .image = m->kept.image};
	bool news = false;
	usec_t since = 0;

	note(m, REBUILT_HELD, 1);
	if (record_exception(m, &news, &since, err) < 0)
		return -1;
	if (news && making_send_exception(m, true, &m->document.fault, since, err) < 0)
		return -1;
	if (m->cause == CAUSE_SNAPSHOT || unknown_before(m)) {
		wr_clear(&p->scratch);
		rules_image(m->entity, &m->document.datum, &p->scratch);
		now.image = wr_view(&p->scratch);
	} else if (m->was_kept && m->kept.parked) {
		return 0;
	} else {
		/* The views of what was kept do not outlive the put. */
		now.payload = now.payload.ptr ? arena_copy(&p->doc_arena, now.payload) : VIEW_NONE;
		now.image = now.image.ptr ? arena_copy(&p->doc_arena, now.image) : VIEW_NONE;
	}
	return document_put(p->documents, m->route->documents_slot, m->document.key, &now, err);
}

/*
 * 1 if a message would be larger than Kafka takes, unless the agent is to stop for that: then the fault is in the
 * document.
 */
static int check_size(struct making *m, const char *operation, uint64_t fired, struct error *err)
{
	struct pipeline *p = m->p;
	size_t bytes;

	if (!p->replaying && !p->options->bad_record_exception)
		return 0;
	if (making_measure(m, operation, fired, &bytes, err) < 0)
		return -1;
	if (!batch_too_large(p, bytes))
		return 0;
	m->document.fault = (struct fault){
		.reason = FAULT_TOO_LARGE,
		.message = arena_printf(&p->doc_arena,
		"its message of %zu bytes is larger than the client's message.max.bytes (%zu)",
					bytes, p->message_limit),
	};
	return 1;
}

/* By the whole document: it is never published in part. */
static int choose_history(struct making *m, struct error *err)
{
	bool wanted;

	if (rules_history(m->p->mapping, m->entity, &m->document.datum, &wanted, err) < 0)
		return -1;
	m->left_out = m->p->options->from_now || !wanted;
	return 0;
}

/*
 * A rule that fails parks the document, so that its event is raised when it has been mended, and not lost; and so does
 * a document that is too large.
 */
static int handle_valid(struct making *m, struct error *err)
{
	struct pipeline *p = m->p;
	struct kept_document now = {.payload = m->payload};
	bool same = m->kept.payload.ptr && view_equal(m->kept.payload, m->payload);
	bool changed = !same || !of_changes(m);
	const char *operation;
	struct datum old;
	uint64_t fired = 0;
	bool there;

	if (!changed)
		note(m, REBUILT_EQUAL, 1);
	if (!changed && !m->kept.parked)
		return 0;
	if (read_kept(m, &old, &there, err) < 0)
		return -1;
	if (m->cause == CAUSE_SNAPSHOT && choose_history(m, err) < 0)
		return -1;
	operation = m->cause == CAUSE_SNAPSHOT ? "SNAPSHOT" : there ? "UPDATE" : "CREATE";
	if (changed) {
		int failed = choose_events(m, there ? &old : NULL, &m->document.datum, &fired, err);

		if (failed == 0)
			failed = check_size(m, operation, fired, err);
		if (failed)
			return failed < 0 ? -1 : handle_invalid(m, err);
	}
	if (close_exception(m, err) < 0)
		return -1;
	if (changed)
		note(m, there ? REBUILT_DIFFERING : REBUILT_ADDED, 1);
	if (changed &&
	    (making_send_entity(m, operation, m->payload, err) < 0 || send_events(m, fired, m->payload, err) < 0))
		return -1;
	return document_put(p->documents, m->route->documents_slot, m->document.key, &now, err);
}

/* A document that is valid by its mapping may still not be encodable: that is an exception, too. */
static void encode_payload(struct making *m)
{
	struct writer *payload = &m->p->payload;
	struct error err;

	wr_clear(payload);
	if (datum_write(m->entity->type, &m->document.datum, payload, &err) == 0) {
		m->payload = wr_view(payload);
		return;
	}
	m->document.valid = false;
	m->document.fault = (struct fault){
		.reason = FAULT_ENCODING,
		.message = arena_copy(&m->p->doc_arena, view_of(err.text)),
	};
}

static int publish_schemas(struct pipeline *p, const struct entity_route *route, const struct entity *entity,
			   struct error *err)
{
	if (p->replaying || route->schemas_published)
		return 0;
	if (batch_publish_schema(p, &route->key, err) < 0 ||
	    batch_publish_schema(p, &p->exception_message, err) < 0 ||
	    batch_publish_schema(p, &route->message, err) < 0)
		return -1;
	for (unsigned i = 0; i < entity->event_count; i++)
		if (batch_publish_schema(p, &route->event_messages[i], err) < 0)
			return -1;
	return 0;
}

static int handle_document(struct making *m, struct error *err)
{
	bool gone = !m->document.exists || m->document.deleted;

	if (!gone && m->document.valid)
		encode_payload(m);
	if (publish_schemas(m->p, m->route, m->entity, err) < 0)
		return -1;
	m->route->schemas_published = !m->p->replaying;
	if (gone)
		return handle_gone(m, err);
	return m->document.valid ? handle_valid(m, err) : handle_invalid(m, err);
}

int document_make(struct pipeline *p, const struct touched *root, enum document_cause cause, struct error *err)
{
	struct making m = {
		.p = p,
		.entity = root->entity,
		.route = &p->entity_routes[root->entity->index],
		.cause = cause,
	};
	char key[ROOT_KEY_BYTES];
	int kept;

	arena_reset(&p->doc_arena);
	p->rows_since_state_commit++;
	if (m.route->held)
		return 0;
	if (evaluate(p->mapping, root->entity, root->key, &p->doc_arena, &m.document, err) < 0)
		return -1;
	kept = document_get(p->documents, m.route->documents_slot, root->key, &m.kept, err);
	if (kept < 0)
		return -1;
	m.was_kept = kept > 0;
	m.key_text = arena_copy(&p->doc_arena, root_key_text(root->key, key));
	m.event_id = making_event_id(&m, NULL);
	m.document.key = root->key;
	return handle_document(&m, err);
}

/* Between two documents: what keeps memory and the source's patience bounded. */
static int keep_pace(struct pipeline *p, uint64_t done, enum document_cause cause, struct error *err)
{
	if (batch_full(p)) {
		if (cause == CAUSE_SNAPSHOT ? batch_commit_checkpoint(p, err) < 0 : batch_commit(p, err) < 0)
			return -1;
	}
	return done % 256 == 0 ? pipeline_serve(p, err) : 0;
}

int documents_publish_touched(struct pipeline *p, enum document_cause cause, struct error *err)
{
	uint64_t done = cause == CAUSE_COMMIT ? p->txn_skip_documents : 0;
	struct touched root;
	int got;

	if (touch_start(p->touch, done, err) < 0)
		return -1;
	while ((got = touch_next(p->touch, &root, err)) > 0) {
		p->ordinal = done++ * ORDINALS_OF_A_DOCUMENT;
		if (cause == CAUSE_COMMIT) {
			p->applied.open.done = done;
			if (change_set_hidden(p, done <= p->txn_hidden_documents, err) < 0)
				return -1;
		}
		if (document_make(p, &root, cause, err) < 0 || keep_pace(p, done, cause, err) < 0)
			return -1;
	}
	p->txn_skip_documents = 0;
	return got < 0 ? -1 : touch_clear(p->touch, err);
}
