/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * One error, filled once, at the place that knows most; callers add context or pass it on. Its class answers the
 * caller's question (retry, stop, or the user's mistake), its text says what and where, its hint what to do.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum error_class {
	ERROR_NONE = 0,
	ERROR_INPUT,       /* what the user gave is wrong: configuration, mapping, command line */
	ERROR_TRANSIENT,   /* a server or the network failed: roll back and connect again */
	ERROR_NO_ROOM,     /* the disk of the state file is full: the same road, once there is room again */
	ERROR_RECORD,      /* this record cannot be encoded or accepted; the same road, but it counts towards BLOCKED */
	ERROR_STATE,       /* a named state: stop, say what is missing, never leave it by a restart */
	ERROR_INTERNAL,    /* an invariant of ours is broken: stop */
};

/*
 * The named states. Each has its own exit code and is left only by what its remedy says, never by a restart alone.
 */
enum named_state {
	STATE_NONE = 0,
	STATE_GAP,
	STATE_DIVERGED,
	STATE_MISMATCH,
	STATE_CONFLICT,
	STATE_FENCED,
	STATE_CHECKPOINT_LOST,
	STATE_STATE_LOST,
	STATE_BLOCKED,
	STATE_TOPIC_CHANGED,
	STATE_PUBLICATION_CHANGED,
	STATE_MIRROR_INCOMPLETE,
	STATE_REPLAY_DIFFERS,
	STATE_UNSUPPORTED,
	STATE_SCHEMA_REFUSED,
	STATE_REGISTRY_DENIED,
	STATE_WAL_LIMIT,
	STATE_SHAPE_UNKNOWN,
	NAMED_STATES,
};

/* One row for each named state: name as logged, exit code of the process, one sentence for the manual. */
struct named_state_info {
	const char *name;
	int exit_code;
	const char *meaning;
};

extern const struct named_state_info named_states[NAMED_STATES];

/* Exit codes beside those of the named states. */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,   /* a server could not be reached, or an operation failed */
	EXIT_USAGE = 2,    /* command line, configuration or mapping is wrong */
	EXIT_INTERNAL = 3, /* an invariant is broken: please report */
};

/* The caller's: a function that fails fills all of it; after one that succeeded it means nothing. */
struct error {
	enum error_class class;
	enum named_state state; /* of class ERROR_STATE */
	char text[900];         /* one sentence, lower case, no full stop */
	char hint[600];         /* what to do, or empty */
};

/* Fill the error; all return -1, so that a function can end with `return error_set(...)`. */
int error_set(struct error *err, enum error_class class, const char *format, ...) __attribute__((format(printf, 3, 4)));
int error_state(struct error *err, enum named_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int error_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "context: " before the text. */
int error_context(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* No error: ERROR_NONE, empty texts. */
void error_clear(struct error *err);

/* The exit code of a process that ends with this error. */
int error_exit_code(const struct error *err);

#endif
