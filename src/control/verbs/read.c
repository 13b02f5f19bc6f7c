/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater read`: records of our own topics as JSON lines, as a read_committed consumer sees them. Without --follow
 * it ends where the topics ended when it began.
 */
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/datetime.h"
#include "base/error.h"
#include "base/map.h"
#include "base/memory.h"
#include "control/conf.h"
#include "records.h"
#include "verbs.h"

#define LOOK_US (5 * USEC_PER_SEC)       /* for topics that were made meanwhile */
#define WAIT_US (100 * USEC_PER_MSEC)
#define WAIT_MANY_US (10 * USEC_PER_MSEC)

struct reading {
	/* what is asked for */
	const struct pipeline_options *options;
	const char *const *patterns;
	unsigned pattern_count;
	enum read_from from;
	usec_t time;
	const char *key;             /* NULL: all */
	uint64_t most;               /* records to print; UINT64_MAX: all */
	bool follow;

	/* where we are */
	struct records *records;
	struct topic_reader *lister;
	struct topic_reader **readers; /* one for the topics found at the start, one for each find later */
	bool *at_end;                  /* of each */
	size_t reader_count;
	struct map known;              /* names of topics that are read */
	struct arena names;
	usec_t looked_at;
	size_t listed;                 /* topics of our prefix, by then */
	uint64_t printed;
	unsigned failures;
};

static volatile sig_atomic_t ended;

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

/* Topics -------------------------------------------------------------------------------------- */

/* A pattern is for the whole name or for what follows the prefix. Without one: all that carries data. */
static bool wanted(const struct reading *rd, const char *topic)
{
	const char *rest = topic + strlen(rd->options->prefix) + 1;

	for (unsigned i = 0; i < rd->pattern_count; i++)
		if (fnmatch(rd->patterns[i], topic, 0) == 0 || fnmatch(rd->patterns[i], rest, 0) == 0)
			return true;
	return !rd->pattern_count && strcmp(rest, "schemas") != 0 && strcmp(rest, "checkpoint") != 0;
}

static int add_reader(struct reading *rd, const char *const *topics, size_t count, struct error *err)
{
	/* What came into being after the start is new from its beginning. */
	enum read_from from = rd->reader_count ? READ_BEGINNING : rd->from;
	struct topic_reader *reader;

	if (topic_reader_new(&reader, &rd->options->kafka, err) < 0)
		return -1;
	if (topic_reader_assign(reader, topics, count, from, rd->time, err) < 0) {
		topic_reader_free(reader);
		return -1;
	}
	rd->readers = mem_resize(rd->readers, rd->reader_count + 1, sizeof(*rd->readers));
	rd->at_end = mem_resize(rd->at_end, rd->reader_count + 1, sizeof(*rd->at_end));
	rd->at_end[rd->reader_count] = false;
	rd->readers[rd->reader_count++] = reader;
	return 0;
}

/* Takes in the wanted topics that are not known yet. */
static int look_for_topics(struct reading *rd, struct error *err)
{
	char prefix[200], **names;
	const char **found;
	size_t count, found_count = 0;
	int result = 0;

	rd->looked_at = clock_mono();
	snprintf(prefix, sizeof(prefix), "%s.", rd->options->prefix);
	if (topic_reader_list(rd->lister, prefix, &names, &count, err) < 0)
		return -1;
	rd->listed = count;
	found = MEM_ARRAY(const char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		struct view name = view_of(names[i]);

		if (!wanted(rd, names[i]) || map_get(&rd->known, name))
			continue;
		name = arena_copy(&rd->names, name);
		map_put(&rd->known, name, rd);
		found[found_count++] = name.ptr;
	}
	if (found_count)
		result = add_reader(rd, found, found_count, err);
	free(found);
	free(names);
	return result;
}

/* Records ------------------------------------------------------------------------------------- */

/* A record that cannot be decoded is told, and the reading goes on. */
static int print_record(struct reading *rd, const struct reader_record *record, struct error *err)
{
	struct view line, key;

	if (records_decode(rd->records, record, &line, &key, err) < 0) {
		if (err->class != ERROR_RECORD)
			return -1;
		verb_fail(err);
		rd->failures++;
		return 0;
	}
	if (rd->key && !view_is(key, rd->key))
		return 0;
	if (fwrite(line.ptr, 1, line.len, stdout) != line.len || putchar('\n') == EOF)
		return error_set(err, ERROR_TRANSIENT, "cannot write: %s", strerror(errno));
	rd->printed++;
	return 0;
}

static bool enough(const struct reading *rd)
{
	return ended || rd->printed >= rd->most;
}

/* All that one reader has now. */
static int drain(struct reading *rd, size_t i, struct error *err)
{
	usec_t wait = rd->reader_count > 1 ? WAIT_MANY_US : WAIT_US;
	struct reader_record record;
	int got;

	while (!enough(rd) && (rd->follow || !rd->at_end[i])) {
		got = topic_reader_next(rd->readers[i], wait, &record, &rd->at_end[i], err);
		if (got <= 0)
			return got;
		if (print_record(rd, &record, err) < 0)
			return -1;
	}
	return 0;
}

static bool all_at_end(const struct reading *rd)
{
	for (size_t i = 0; i < rd->reader_count; i++)
		if (!rd->at_end[i])
			return false;
	return true;
}

static int read_on(struct reading *rd, struct error *err)
{
	while (!enough(rd) && (rd->follow || !all_at_end(rd))) {
		for (size_t i = 0; i < rd->reader_count; i++)
			if (drain(rd, i, err) < 0)
				return -1;
		if (fflush(stdout) == EOF)
			return error_set(err, ERROR_TRANSIENT, "cannot write: %s", strerror(errno));
		if (rd->follow && clock_mono() - rd->looked_at > LOOK_US && look_for_topics(rd, err) < 0)
			return -1;
	}
	return 0;
}

static int wait_for_topics(struct reading *rd, struct error *err)
{
	struct timespec nap = {.tv_nsec = 200 * 1000 * 1000};

	if (look_for_topics(rd, err) < 0)
		return -1;
	while (rd->follow && !rd->reader_count && !ended) {
		nanosleep(&nap, NULL);
		if (look_for_topics(rd, err) < 0)
			return -1;
	}
	if (rd->reader_count || ended)
		return 0;
	if (!rd->listed)
		return error_set(err, ERROR_TRANSIENT, "there is no topic that begins with %s. yet", rd->options->prefix);
	return error_set(err, ERROR_TRANSIENT, "no topic fits: there are %zu that begin with %s., but none that is asked for",
			 rd->listed, rd->options->prefix);
}

static int read_topics(struct reading *rd, struct error *err)
{
	rd->records = records_new(&rd->options->kafka, rd->options->prefix, &rd->options->registry);
	if (topic_reader_new(&rd->lister, &rd->options->kafka, err) < 0)
		return -1;
	return wait_for_topics(rd, err) < 0 ? -1 : read_on(rd, err);
}

static void reading_done(struct reading *rd)
{
	for (size_t i = 0; i < rd->reader_count; i++)
		topic_reader_free(rd->readers[i]);
	free(rd->readers);
	free(rd->at_end);
	topic_reader_free(rd->lister);
	records_free(rd->records);
	map_done(&rd->known);
	arena_done(&rd->names);
}

/* The command line ---------------------------------------------------------------------------- */

/* 2026-01-31, 2026-01-31T10:00, 2026-01-31T10:00:00Z, 2026-01-31T10:00:00+01:00; UTC if nothing is said. */
static int parse_time(const char *given, usec_t *ret)
{
	char text[60];
	int64_t days;
	size_t len;

	snprintf(text, sizeof(text), "%.40s", given);
	len = strlen(text);
	if (len > 10 && text[10] == 'T')
		text[10] = ' ';
	if (len && text[len - 1] == 'Z')
		strcpy(text + len - 1, "+00");
	if (len == 16)
		strcat(text, ":00");
	if (date_parse(view_of(text), &days) == 0) {
		*ret = days * 24 * 3600 * USEC_PER_SEC;
		return 0;
	}
	return timestamp_parse(view_of(text), true, ret) == 0 ? 0 : timestamp_parse(view_of(text), false, ret);
}

static int take_from(struct reading *rd, const char *from)
{
	rd->from = READ_BEGINNING;
	if (!from || strcmp(from, "beginning") == 0)
		return 0;
	rd->from = strcmp(from, "end") == 0 ? READ_END : READ_TIME;
	if (rd->from == READ_END || parse_time(from, &rd->time) == 0)
		return 0;
	fprintf(stderr, "tailwater: --from is 'beginning', 'end' or a time such as 2026-01-31T10:00:00Z, not '%s'\n",
		from);
	return -1;
}

static int take_count(struct reading *rd, const char *count)
{
	char *end;

	rd->most = UINT64_MAX;
	if (!count)
		return 0;
	rd->most = strtoull(count, &end, 10);
	if (end != count && !*end && *count != '-')
		return 0;
	fprintf(stderr, "tailwater: --count is a number, not '%s'\n", count);
	return -1;
}

static int run(const struct arguments *args)
{
	struct reading rd = {.key = argument(args, "--key"), .follow = argument(args, "--follow") != NULL};
	struct conf *conf;
	struct error err = {0};
	int result;

	rd.patterns = argument_list(args, "--topic", &rd.pattern_count);
	if (take_from(&rd, argument(args, "--from")) < 0 || take_count(&rd, argument(args, "--count")) < 0)
		return EXIT_USAGE;
	conf = verb_conf(args);
	if (!conf)
		return EXIT_USAGE;
	rd.options = &conf->pipeline;
	signal(SIGINT, on_end);
	signal(SIGTERM, on_end);
	arena_init(&rd.names);
	result = read_topics(&rd, &err);
	fflush(stdout);
	reading_done(&rd);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : rd.failures ? EXIT_FAILED : EXIT_DONE;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--topic", "PATTERN", true,
	 "Only topics that this pattern (* and ?) fits, with the prefix or without: event.*, erp.entity.Invoice. "
	 "Without it all but the checkpoint and the schemas."},
	{"--from", "PLACE", false,
	 "Where to begin: beginning (if not given), end, or a time such as 2026-01-31T10:00:00Z."},
	{"--key", "TEXT", false, "Only records with this key: a canonical id, or the key's JSON for change topics."},
	{"--count", "N", false, "Stop after so many records."},
	{"--follow", NULL, false, "Go on as records arrive, also in topics that are made later; end with SIGINT or "
	 "SIGTERM."},
	FLAGS_END,
};

const struct verb verb_read = {
	.name = "read",
	.summary = "print records of its own topics as JSON lines",
	.help = "Prints the records that the agent has published, as a read_committed consumer sees them, one JSON "
		"object on a line: topic, partition, offset, timestamp, key, value; the value of a tombstone is null. "
		"Records of one partition come in order.",
	.flags = flags,
	.run = run,
};
