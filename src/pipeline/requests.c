/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The table of requests, and the moments at which the pipeline takes them. */
#include "pipeline/requests.h"

#include "base/log.h"
#include "run.h"

static const struct request_kind kinds[] = {
	{"exceptions-retry", true,
	 {{"entity", REQUEST_TEXT, false}, {"key", REQUEST_TEXT, false}, {"all", REQUEST_SWITCH, false}},
	 retry_take},
	{"publish", true, {{"entity", REQUEST_TEXT, true}, {"key", REQUEST_TEXT, false}}, republish_take},
	{"snapshot", true, {{"table", REQUEST_TEXT, true}, {"where", REQUEST_TEXT, false}}, repeats_take},
	{"snapshot-cancel", true, {{"number", REQUEST_TEXT, true}}, repeats_cancel},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct request_kind *request_kind_find(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

struct view request_value(const struct request *request, const char *field)
{
	for (size_t i = 0; request->kind->fields[i].name; i++)
		if (strcmp(request->kind->fields[i].name, field) == 0)
			return request->values[i];
	return VIEW_NONE;
}

/* Only then can it be had at once that state file and checkpoint agree. */
static bool border_is_near(const struct pipeline *p)
{
	return !p->replaying && !p->txn && p->applied.open.phase == OPEN_NONE;
}

static int reach_border(struct pipeline *p, struct error *err)
{
	if (p->batch.open && batch_commit_checkpoint(p, err) < 0)
		return -1;
	return state_lacks(p) || schemas_unsaved(p) || !at_border(p) ? state_commit(p, err) : 0;
}

/* "entity Invoice, key 42" */
static void describe(const struct request *request, struct writer *to)
{
	for (size_t i = 0; request->kind->fields[i].name; i++)
		if (request->values[i].ptr && request->kind->fields[i].type == REQUEST_SWITCH)
			wr_printf(to, "%s%s", to->len ? ", " : " (", request->kind->fields[i].name);
		else if (request->values[i].ptr)
			wr_printf(to, "%s%s %.*s", to->len ? ", " : " (", request->kind->fields[i].name, VIEW_ARG(request->values[i]));
	if (to->len)
		wr_u8(to, ')');
}

/* What the user got wrong is the user's; everything else is the pipeline's, too. */
static int take(struct pipeline *p, struct request *request, struct error *err)
{
	int result = request->kind->take(p, request, &request->answer, err);
	struct writer asked = {0};

	describe(request, &asked);
	log_info(p->options->name, "asked for '%s'%.*s: %s", request->kind->name, VIEW_ARG(wr_view(&asked)), result < 0 ? err->text : "taken");
	wr_done(&asked);
	mailbox_answer(p->control->mailbox, request, result < 0 ? err : NULL);
	return result < 0 && err->class != ERROR_INPUT ? -1 : 0;
}

static int serve(struct pipeline *p, struct error *err)
{
	static const struct checkpoint none;
	struct mailbox *mailbox = p->control->mailbox;
	struct request *request;

	for (;;) {
		bool border = border_is_near(p) && mailbox_wants_border(mailbox);

		if (border && reach_border(p, err) < 0)
			return -1;
		request = mailbox_take(mailbox, border);
		if (!request)
			return 0;
		if (take(p, request, err) < 0 || (border && jobs_run(p, &none, err) < 0))
			return -1;
	}
}

int requests_serve(struct pipeline *p, struct error *err)
{
	return mailbox_waiting(p->control->mailbox) ? serve(p, err) : 0;
}
