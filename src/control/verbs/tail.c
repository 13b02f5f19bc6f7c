/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater tail`: decodes what the server sends, and prints it instead of publishing it, by a temporary replication slot
 * of its own. It may run beside the agent, which notices nothing. With --measure it prints nothing but the rate: what
 * decoding alone costs.
 */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "change_text.h"
#include "control/conf.h"
#include "site.h"
#include "verbs.h"

#define TAKE_MOST 4096
#define WAIT_MS 500
#define CONFIRM_US USEC_PER_SEC
#define OUTPUT_BYTES (64 << 10)

enum wanted { UNKNOWN, WANTED, NOT_WANTED };

struct tail {
	/* what is asked for */
	const char *const *patterns;
	unsigned pattern_count;
	enum source_peek from;
	struct position position;
	struct position end;      /* --no-follow: where to stop; otherwise none */
	uint64_t most;
	bool measure;

	/* where we are */
	const struct source_ops *ops;
	struct source *source;
	struct masks *masks;
	struct change_text text;
	struct writer output;
	uint8_t *wanted;          /* by table->uid: enum wanted */
	unsigned wanted_count;
	const struct transaction *unbegun; /* its BEGIN is not printed yet */
	bool begun;
	struct position reached;
	usec_t confirmed_at;

	/* counted */
	uint64_t changes, transactions;
	usec_t first_at;
	usec_t cpu_before;
};

static volatile sig_atomic_t ended;

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

/* What is wanted ------------------------------------------------------------------------------ */

static bool fits(const char *pattern, const char *schema, const char *table)
{
	char name[300];

	snprintf(name, sizeof(name), "%s.%s", schema, table);
	return fnmatch(pattern, name, 0) == 0 || fnmatch(pattern, table, 0) == 0;
}

static enum wanted judge(const struct tail *tl, const struct table *table)
{
	for (unsigned i = 0; i < tl->pattern_count; i++)
		if (fits(tl->patterns[i], table->schema, table->name))
			return WANTED;
	return tl->pattern_count ? NOT_WANTED : WANTED;
}

static void grow(struct tail *tl, unsigned uid)
{
	unsigned count = (uid + 1) * 2;

	tl->wanted = mem_resize(tl->wanted, count, sizeof(*tl->wanted));
	memset(tl->wanted + tl->wanted_count, UNKNOWN, count - tl->wanted_count);
	tl->wanted_count = count;
}

static bool wants(struct tail *tl, const struct change *change)
{
	const struct table *table = change->table;

	if (!table)
		return !tl->pattern_count;
	if (table->uid >= tl->wanted_count)
		grow(tl, table->uid);
	if (tl->wanted[table->uid] == UNKNOWN)
		tl->wanted[table->uid] = (uint8_t)judge(tl, table);
	return tl->wanted[table->uid] == WANTED;
}

/* Changes ------------------------------------------------------------------------------------- */

static void print(struct tail *tl, const struct change *change)
{
	if (!tl->measure)
		change_text_write(&tl->text, change, &tl->output);
}

static usec_t cpu_time(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * USEC_PER_SEC + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void count(struct tail *tl)
{
	if (!tl->changes++) {
		tl->first_at = clock_mono();
		tl->cpu_before = cpu_time();
	}
}

/* Of a transaction without anything wanted nothing is shown. */
static void take_row(struct tail *tl, const struct change *change)
{
	if (!wants(tl, change))
		return;
	if (tl->unbegun) {
		print(tl, &(struct change){.op = CHANGE_BEGIN, .txn = tl->unbegun});
		tl->unbegun = NULL;
		tl->begun = true;
		tl->transactions++;
	}
	print(tl, change);
	count(tl);
}

static void take_begin(struct tail *tl, const struct change *change)
{
	tl->unbegun = change->txn;
	tl->begun = false;
}

static void take_commit(struct tail *tl, const struct change *change)
{
	if (tl->begun)
		print(tl, change);
	tl->unbegun = NULL;
	tl->begun = false;
	tl->reached = change->position;
}

static void take_table(struct tail *tl, const struct change *change)
{
	(void)tl;
	(void)change;
}

static void take_idle(struct tail *tl, const struct change *change)
{
	tl->reached = change->position;
}

static void (*const handlers[])(struct tail *tl, const struct change *change) = {
	[CHANGE_BEGIN] = take_begin,   [CHANGE_ORIGIN] = take_table, [CHANGE_TABLE] = take_table, [CHANGE_INSERT] = take_row,
	[CHANGE_UPDATE] = take_row,    [CHANGE_DELETE] = take_row,   [CHANGE_READ] = take_row,    [CHANGE_TRUNCATE] = take_row,
	[CHANGE_MESSAGE] = take_row,   [CHANGE_COMMIT] = take_commit, [CHANGE_IDLE] = take_idle,
};

/* The loop ------------------------------------------------------------------------------------ */

static bool enough(const struct tail *tl)
{
	return ended || tl->changes >= tl->most;
}

static int take_many(struct tail *tl, struct error *err)
{
	struct change change;
	int got = 1;

	for (int i = 0; i < TAKE_MOST && !enough(tl) &&
			(got = masks_pass(tl->masks, &change, tl->ops->next(tl->source, &change, err), err)) > 0; i++)
		handlers[change.op](tl, &change);
	return got;
}

static int flush(struct tail *tl, struct error *err)
{
	struct view text = wr_view(&tl->output);

	if (fwrite(text.ptr, 1, text.len, stdout) != text.len || fflush(stdout) == EOF)
		return error_set(err, ERROR_TRANSIENT, "cannot write: %s", strerror(errno));
	wr_clear(&tl->output);
	return 0;
}

/* The slot keeps the log for us until then. */
static int confirm(struct tail *tl, struct error *err)
{
	usec_t now = clock_mono();

	if (now - tl->confirmed_at < CONFIRM_US)
		return 0;
	tl->confirmed_at = now;
	return tl->ops->confirm(tl->source, tl->reached, err);
}

static bool at_end(const struct tail *tl)
{
	return tl->end.kind != POSITION_NONE && position_compare(tl->reached, tl->end) >= 0;
}

static void wait_for_something(const struct tail *tl)
{
	struct pollfd fd = {.fd = tl->ops->wait_fd(tl->source), .events = POLLIN};

	poll(&fd, 1, WAIT_MS);
}

static int take_all(struct tail *tl, struct error *err)
{
	while (!enough(tl)) {
		int got = take_many(tl, err);

		if (got < 0)
			return -1;
		if ((got == 0 || tl->output.len > OUTPUT_BYTES) && flush(tl, err) < 0)
			return -1;
		if (confirm(tl, err) < 0 || tl->ops->serve(tl->source, err) < 0)
			return -1;
		if (at_end(tl))
			break;
		if (got == 0 && !enough(tl))
			wait_for_something(tl);
	}
	return 0;
}

/* What came before an error is shown, too. */
static int follow(struct tail *tl, struct error *err)
{
	struct error problem = {0};
	int result = take_all(tl, err), flushed = flush(tl, &problem);

	if (result == 0 && flushed < 0)
		*err = problem;
	return result < 0 ? -1 : flushed;
}

static void report(const struct tail *tl)
{
	double seconds = tl->changes ? (double)(clock_mono() - tl->first_at) / 1e6 : 0;
	double cpu = tl->changes ? (double)(cpu_time() - tl->cpu_before) / 1e6 : 0, each = tl->changes ? (double)tl->changes : 1;
	uint64_t bytes = tl->ops->metrics(tl->source)->read_bytes;

	if (tl->text.json)
		printf("{\"changes\":%" PRIu64 ",\"transactions\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"cpuSeconds\":%.3f}\n",
		       tl->changes, tl->transactions, bytes, seconds, cpu);
	else
		printf("%" PRIu64 " changes of %" PRIu64 " transactions, %" PRIu64 " bytes, in %.3f s: %.0f changes/s; %.3f s of CPU, %.2f us a "
		       "change\n", tl->changes, tl->transactions, bytes, seconds, seconds > 0 ? (double)tl->changes / seconds : 0, cpu,
		       cpu * 1e6 / each);
}

/* The command line ---------------------------------------------------------------------------- */

static int take_from(struct tail *tl, const char *from, struct error *err)
{
	tl->from = PEEK_NOW;
	if (!from || strcmp(from, "now") == 0)
		return 0;
	tl->from = strcmp(from, "slot") == 0 ? PEEK_SLOT : PEEK_POSITION;
	if (tl->from == PEEK_SLOT || position_parse(view_of(from), &tl->position) == 0)
		return 0;
	return error_set(err, ERROR_INPUT, "--from is 'now', 'slot' or a position such as 0/1A2B3C8, not '%s'", from);
}

static int take_count(struct tail *tl, const char *number, struct error *err)
{
	char *end;

	tl->most = UINT64_MAX;
	if (!number)
		return 0;
	tl->most = strtoull(number, &end, 10);
	if (end != number && !*end && *number != '-' && tl->most)
		return 0;
	return error_set(err, ERROR_INPUT, "--count is a number from 1 on, not '%s'", number);
}

static int open_site(struct site *site, struct error *err)
{
	if (site_connect(site, err) < 0)
		return -1;
	if (site->options->pack && site_compile(site) < 0) {
		site_complain(site);
		return error_set(err, ERROR_INPUT, "the mapping pack is wrong");
	}
	if (site_capture(site, err) < 0)
		return -1;
	return site->source_ops->check_publication(site->source, err);
}

/* A name with a slip in it would be waited for without end. */
static int check_patterns(const struct tail *tl, const struct site *site, struct error *err)
{
	for (size_t i = 0; i < tl->pattern_count; i++) {
		bool found = false;

		for (size_t j = 0; j < site->captured_count && !found; j++)
			found = fits(tl->patterns[i], site->captured[j].schema, site->captured[j].name);
		if (!found)
			return error_set(err, ERROR_INPUT, "--table %s: no captured table is called that", tl->patterns[i]);
	}
	return 0;
}

/* Making a slot takes its time, and a quiet database says nothing: it is told when looking has begun. */
static void tell_start(const struct tail *tl, struct position start)
{
	char text[POSITION_TEXT_BYTES];

	position_print(start, text);
	if (!tl->text.json && isatty(STDERR_FILENO))
		fprintf(stderr, "tailwater: changes from %s on\n", text);
}

static int run_tail(struct tail *tl, struct site *site, bool follows, struct error *err)
{
	struct position start;

	if (open_site(site, err) < 0 || check_patterns(tl, site, err) < 0)
		return -1;
	tl->ops = site->source_ops;
	tl->source = site->source;
	tl->masks = site->masks;
	if (tl->ops->peek(tl->source, tl->from, tl->position, &start, err) < 0)
		return -1;
	if (!follows)
		tl->end = site->identity.log_end;
	tl->reached = start;
	tell_start(tl, start);
	return follow(tl, err);
}

static void tail_done(struct tail *tl)
{
	wr_done(&tl->output);
	arena_done(&tl->text.arena);
	free(tl->wanted);
}

/* An end by ^C is a good one. */
static void end_by_signal(void)
{
	struct sigaction action = {.sa_handler = on_end};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int tail_all(const struct arguments *args, const struct conf *conf, struct error *err)
{
	struct tail tl = {.measure = argument(args, "--measure") != NULL,
			  .text = {.options = &conf->pipeline, .json = argument(args, "--json") != NULL}};
	struct site site = {.options = &conf->pipeline};
	int result;

	tl.patterns = argument_list(args, "--table", &tl.pattern_count);
	if (take_from(&tl, argument(args, "--from"), err) < 0 || take_count(&tl, argument(args, "--count"), err) < 0)
		return -1;
	end_by_signal();
	result = run_tail(&tl, &site, !argument(args, "--no-follow"), err);
	if (result == 0 && tl.measure)
		report(&tl);
	tail_done(&tl);
	site_done(&site);
	return result;
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct error err = {0};
	int result;

	if (!conf)
		return EXIT_USAGE;
	result = tail_all(args, conf, &err);
	conf_free(conf);
	return result < 0 ? verb_fail(&err) : EXIT_DONE;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--table", "PATTERN", true, "Only tables that fit: of the name, or of schema.name. May be given several times."},
	{"--from", "WHERE", false,
	 "now (what is committed from now on, if not given), slot (what the agent's slot has not been told is done), or a "
	 "position after that, as 0/1A2B3C8. Looking at what the slot keeps needs PostgreSQL 12."},
	{"--count", "N", false, "End after so many changes."},
	{"--no-follow", NULL, false, "End where the log ended when this began."},
	{"--json", NULL, false, "A JSON object on a line for each change."},
	{"--measure", NULL, false, "Print no change, but at the end how many there were, how fast they came, and what they cost."},
	FLAGS_END,
};

const struct verb verb_tail = {
	.name = "tail",
	.summary = "decode and print what the source sends, without publishing it",
	.help = "Shows the changes of the captured tables as the agent gets them, as lines for people or JSON, until ^C. It reads by a "
		"temporary slot of its own, which the server drops when this ends: it needs a free place in "
		"max_replication_slots, and, like every new slot, waits at its beginning for transactions that are open. The "
		"agent may run beside it. Columns of tables.exclude_columns are not shown.",
	.flags = flags,
	.run = run,
};
