/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater doctor`: would a careful person let the agent run for years in these surroundings? Where `check` says whether
 * it can start, this says what may go wrong later, each thing with its evidence and a remedy. Nothing is changed anywhere.
 */
#include <errno.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/findings.h"
#include "base/json.h"
#include "base/memory.h"
#include "control/conf.h"
#include "pipeline/masking.h"
#include "publish/doctor.h"
#include "site.h"
#include "state/inputs.h"
#include "state/position.h"
#include "transport.h"
#include "verbs.h"

#define FREE_LEAST ((uint64_t)1 << 30)
#define LOSS_SOON_S 3600   /* until the log is lost */
#define LOSS_NEAR_S 28800

/* Parts ---------------------------------------------------------------------------------------- */

static void examine_pack(struct site *site, struct findings *findings)
{
	if (!site->options->pack)
		return;
	if (site_compile(site) < 0)
		findings_add(findings, FINDING_FAILURE, "M001", "`tailwater map check --connect` says what is wrong",
			     "the mapping pack '%s' has mistakes", site->options->pack);
	else
		findings_add(findings, FINDING_OK, "M001", NULL, "the pack %s %s fits the tables", pack_name(site->pack),
			     pack_version(site->pack));
}

static void examine_captured(struct site *site, struct findings *findings)
{
	struct writer sql = {0};
	struct error err = {0};

	if (site_capture(site, &err) < 0) {
		findings_error(findings, "P130", &err);
		return;
	}
	findings_add(findings, site->captured_count ? FINDING_OK : FINDING_FAILURE, "P130",
		     site->captured_count ? "" : "correct the patterns of tables.include, or give a mapping.pack",
		     "%zu table%s captured", site->captured_count, site->captured_count == 1 ? " is" : "s are");
	if (!site->captured_count)
		return;
	if (site->source_ops->check_access(site->source, &sql, &err) < 0)
		findings_error(findings, "P131", &err);
	else
		findings_add(findings, FINDING_OK, "P131", NULL, "the role may read them");
	if (site->source_ops->check_publication(site->source, &err) < 0)
		findings_error(findings, "P132", &err);
	else if (site->identity.keeps_place)
		findings_add(findings, FINDING_OK, "P132", NULL, "the publication carries them");
	site->source_ops->examine_captured(site->source, findings);
	if (site_idle_mask(site)) {
		masking_refuse(site_idle_mask(site), &err);
		findings_error(findings, "P133", &err);
	}
	wr_done(&sql);
}

/* Whether the agent would warn, or stop. */
static void examine_retention(struct site *site, struct findings *findings)
{
	uint64_t most = site->options->retained_most;
	struct source_retention retention;
	struct error err = {0};

	if (!most || !site->identity.slot_exists)
		return;
	if (site->source_ops->retention(site->source, &retention, &err) < 0) {
		findings_error(findings, "P122", &err);
		return;
	}
	findings_add(findings, retention.kept_bytes <= most ? FINDING_OK
			       : site->options->on_exceed == EXCEED_STOP ? FINDING_FAILURE : FINDING_WARNING, "P122",
		     retention.kept_bytes <= most ? "" : "start the agent so that it catches up, or raise source.max_retained_wal",
		     "the slot keeps %.1f MB of the log; source.max_retained_wal is %.1f MB", (double)retention.kept_bytes / 1e6,
		     (double)most / 1e6);
}

#define PLACE "source.place" /* what the source has told with the position */

/* 1, 0 if there is none yet, -1. */
static int read_position(struct site *site, struct position *ret, struct arena *arena, struct view *ret_place, struct error *err)
{
	struct site state = {.options = site->options};
	struct progress progress = {0};
	int known = 0;

	if (access(site->options->state_path, F_OK) == 0)
		known = site_open_state(&state, false, err) == 0 && position_load(state.db, &progress, err) == 0 &&
			input_get(state.db, PLACE, arena, ret_place, err) >= 0 ? progress.position.kind != POSITION_NONE : -1;
	*ret = progress.position;
	site_done(&state);
	return known;
}

/* A server that knows no slots: how long what comes next for us will be there. */
static void examine_age(struct site *site, struct findings *findings)
{
	struct view place = VIEW_NONE;
	struct error err = {0};
	struct position at;
	uint64_t seconds = UINT64_MAX;
	struct arena arena;
	int known;

	if (!site->source_ops->lasts)
		return;
	arena_init(&arena);
	known = read_position(site, &at, &arena, &place, &err);
	if (known > 0)
		known = site->source_ops->lasts(site->source, at, place, &seconds, &err);
	arena_done(&arena);
	if (known < 0)
		findings_error(findings, "M111", &err);
	else if (seconds == 0)
		findings_add(findings, FINDING_FAILURE, "M111", "begin anew with a snapshot, and let the server keep its log for longer",
			     "the server has removed the log that comes next for us");
	else if (seconds != UINT64_MAX)
		findings_add(findings, seconds < LOSS_SOON_S ? FINDING_FAILURE : seconds < LOSS_NEAR_S ? FINDING_WARNING : FINDING_OK, "M111",
			     seconds < LOSS_NEAR_S ? "start the agent so that it catches up, or let the server keep its log for longer" : "",
			     "the server will remove the log that comes next for us in %.1f hours, if nothing more is confirmed", (double)seconds / 3600);
}

static void examine_source(struct site *site, struct findings *findings)
{
	struct error err = {0};
	int connected = site_connect(site, &err);

	transport_examine_source(site->settings, findings);
	if (site->source)
		site->source_ops->examine(site->source, findings);
	if (connected < 0) {
		findings_error(findings, "P100", &err);
		return;
	}
	examine_retention(site, findings);
	examine_age(site, findings);
	examine_pack(site, findings);
	if (!site->options->pack || site->mapping)
		examine_captured(site, findings);
}

static void examine_kafka(struct site *site, struct findings *findings)
{
	char prefix[200];
	struct error err = {0};

	transport_examine_kafka(site->settings, findings);
	snprintf(prefix, sizeof(prefix), "%s.", site->options->prefix);
	if (kafka_examine(&site->options->kafka, prefix, findings, &err) < 0)
		findings_error(findings, "K201", &err);
}

static void examine_registry(struct site *site, struct findings *findings)
{
	char level[40];
	struct error err = {0};

	if (!site->options->registry.url)
		return;
	if (site_ask_registry(site, level, &err) < 0)
		findings_error(findings, "R301", &err);
	else
		findings_add(findings, strcmp(level, "NONE") ? FINDING_OK : FINDING_WARNING, "R301",
			     "set a level of compatibility: without one, a change of a table can break every consumer",
			     "the registry answers; compatibility %s", level);
}

/* Locks and flushes of a network's file system are not what the state file relies on. */
static void examine_file_system(const char *folder, struct findings *findings)
{
	struct statfs kind;
	struct statvfs room;

	if (statfs(folder, &kind) == 0 && (kind.f_type == NFS_SUPER_MAGIC || kind.f_type == SMB_SUPER_MAGIC))
		findings_add(findings, FINDING_FAILURE, "S402", "put state.file on a local disk",
			     "the state file is on a network's file system");
	else if (statfs(folder, &kind) == 0 && kind.f_type == TMPFS_MAGIC)
		findings_add(findings, FINDING_WARNING, "S402", "put state.file on a disk",
			     "the state file is in memory: it is gone with the next start of the machine");
	if (statvfs(folder, &room) == 0) {
		uint64_t bytes = (uint64_t)room.f_bavail * room.f_frsize;

		findings_add(findings, bytes < FREE_LEAST ? FINDING_WARNING : FINDING_OK, "S403",
			     bytes < FREE_LEAST ? "make room: the agent stops when it cannot write" : "",
			     "%.1f GB are free in %s", (double)bytes / 1e9, folder);
	}
}

static void examine_state(struct site *site, struct findings *findings)
{
	char *path = mem_text(view_of(site->options->state_path)), *folder = dirname(path);
	struct stat file;

	if (access(folder, W_OK | X_OK) < 0)
		findings_add(findings, FINDING_FAILURE, "S401", "make it, and let it belong to the agent's user",
			     "no state file can be written in %s: %s", folder, strerror(errno));
	else if (stat(site->options->state_path, &file) < 0)
		findings_add(findings, FINDING_OK, "S401", NULL, "there is no state file yet; the first start makes it");
	else
		findings_add(findings, file.st_mode & 077 ? FINDING_WARNING : FINDING_OK, "S401",
			     file.st_mode & 077 ? "chmod 600: it has the data of mirrored tables" : "",
			     "the state file has %.1f MB%s", (double)file.st_size / 1e6,
			     file.st_mode & 077 ? ", and others may read it" : "");
	examine_file_system(folder, findings);
	free(path);
}

static const struct part {
	const char *name;
	void (*examine)(struct site *site, struct findings *findings);
} parts[] = {
	{"source", examine_source},
	{"kafka", examine_kafka},
	{"registry", examine_registry},
	{"state", examine_state},
};

/* Output --------------------------------------------------------------------------------------- */

/* Every line of a remedy stands in the same column. */
static void print_fix(const char *fix)
{
	while (*fix) {
		size_t len = strcspn(fix, "\n");

		printf("                %.*s\n", (int)len, fix);
		fix += len + (fix[len] == '\n');
	}
}

static void print_human(const struct findings *findings)
{
	size_t failures = findings_count(findings, FINDING_FAILURE), warnings = findings_count(findings, FINDING_WARNING);
	const char *part = "";

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		if (strcmp(part, finding->part) != 0)
			printf("%s\n", finding->part);
		part = finding->part;
		printf("  %-7s %s  %s\n", severity_names[finding->severity], finding->code, finding->text);
		print_fix(finding->fix);
	}
	printf("%zu failure%s, %zu warning%s, %zu ok\n", failures, failures == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
	       findings_count(findings, FINDING_OK));
}

static void print_json(const struct findings *findings)
{
	struct writer text = {0};

	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->list[i];

		wr_printf(&text, "%s{\"part\":\"%s\",\"code\":\"%s\",\"severity\":\"%s\",\"text\":", i ? ",\n " : "[",
			  finding->part, finding->code, severity_names[finding->severity]);
		json_text(&text, view_of(finding->text));
		wr_printf(&text, ",\"fix\":");
		json_text(&text, view_of(finding->fix));
		wr_u8(&text, '}');
	}
	printf("%s%.*s]\n", findings->count ? "" : "[", VIEW_ARG(wr_view(&text)));
	wr_done(&text);
}

static int run(const struct arguments *args)
{
	struct conf *conf = verb_conf(args);
	struct site site = {.options = conf ? &conf->pipeline : NULL, .settings = conf ? &conf->settings : NULL};
	struct findings findings = {0};
	int code;

	if (!conf)
		return EXIT_USAGE;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		findings.part = parts[i].name;
		parts[i].examine(&site, &findings);
	}
	if (argument(args, "--json"))
		print_json(&findings);
	else
		print_human(&findings);
	code = findings_count(&findings, FINDING_FAILURE) ? EXIT_FAILED : EXIT_DONE;
	findings_done(&findings);
	site_done(&site);
	conf_free(conf);
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--json", NULL, false, "A JSON list of objects: part, code, severity (ok, warning, failure), text, fix."},
	FLAGS_END,
};

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "examine the servers and this machine for what may go wrong later",
	.help = "Looks at the source's settings, slot, role, publication and clock, at Kafka's brokers and topics, at the schema "
		"registry, and at the place of the state file. Each finding has a code, the evidence, and what to do. Nothing is "
		"changed anywhere. Exit code 0 if nothing is a failure; warnings do not count.",
	.flags = flags,
	.run = run,
};
