/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Errors and the table of named states. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct named_state_info named_states[NAMED_STATES] = {
	[STATE_NONE] = {"NONE", EXIT_DONE, "nothing is wrong"},
	[STATE_GAP] = {"GAP", 10, "the source no longer has what comes next in its log"},
	[STATE_DIVERGED] = {"DIVERGED", 11, "more was published than the source's log has: it was restored or failed over"},
	[STATE_MISMATCH] = {"MISMATCH", 12, "state file, checkpoint and source belong to different databases or clusters"},
	[STATE_CONFLICT] = {"CONFLICT", 13, "another agent is at work on this source"},
	[STATE_FENCED] = {"FENCED", 14, "another agent has taken this source over"},
	[STATE_CHECKPOINT_LOST] = {"CHECKPOINT_LOST", 15, "the checkpoint in Kafka is missing or older than the state file"},
	[STATE_STATE_LOST] = {"STATE_LOST", 16, "the state file is missing, damaged or of a later version"},
	[STATE_BLOCKED] = {"BLOCKED", 17, "the same position failed three times without progress"},
	[STATE_TOPIC_CHANGED] = {"TOPIC_CHANGED", 18, "a topic is missing, shrunk, repartitioned or wrongly configured"},
	[STATE_PUBLICATION_CHANGED] = {"PUBLICATION_CHANGED", 19, "the publication does not carry what is captured, or did not for a while"},
	[STATE_MIRROR_INCOMPLETE] = {"MIRROR_INCOMPLETE", 20, "a mapping needs rows or columns that the mirror lacks"},
	[STATE_REPLAY_DIFFERS] = {"REPLAY_DIFFERS", 21, "a replay came out different from what was published"},
	[STATE_UNSUPPORTED] = {"UNSUPPORTED", 22, "the source or broker lacks something that is needed"},
	[STATE_SCHEMA_REFUSED] = {"SCHEMA_REFUSED", 23, "the schema registry refuses a schema, or lacks one that may not be registered"},
	[STATE_REGISTRY_DENIED] = {"REGISTRY_DENIED", 24, "the schema registry lets us not in, or is not the one that it should be"},
	[STATE_WAL_LIMIT] = {"WAL_LIMIT", 25, "the slot keeps more of the source's log than is wanted"},
	[STATE_SHAPE_UNKNOWN] = {"SHAPE_UNKNOWN", 26, "what columns a table had when its rows were written is not known"},
};

static int __attribute__((format(printf, 4, 0)))
fill(struct error *err, enum error_class class, enum named_state state, const char *format, va_list args)
{
	err->class = class;
	err->state = state;
	err->hint[0] = '\0';
	vsnprintf(err->text, sizeof(err->text), format, args);
	return -1;
}

int error_set(struct error *err, enum error_class class, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, class, STATE_NONE, format, args);
	va_end(args);
	return -1;
}

int error_state(struct error *err, enum named_state state, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, ERROR_STATE, state, format, args);
	va_end(args);
	return -1;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -1;
}

int error_context(struct error *err, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len + 3 < sizeof(text))
		snprintf(text + len, sizeof(text) - (size_t)len, ": %.*s", (int)(sizeof(text) - (size_t)len - 3),
			 err->text);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

void error_clear(struct error *err)
{
	memset(err, 0, sizeof(*err));
}

int error_exit_code(const struct error *err)
{
	switch (err->class) {
	case ERROR_NONE:
		return EXIT_DONE;
	case ERROR_INPUT:
		return EXIT_USAGE;
	case ERROR_STATE:
		return named_states[err->state].exit_code;
	case ERROR_INTERNAL:
		return EXIT_INTERNAL;
	case ERROR_TRANSIENT:
	case ERROR_NO_ROOM:
	case ERROR_RECORD:
		break;
	}
	return EXIT_FAILED;
}
