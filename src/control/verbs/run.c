/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * `tailwater run`: the agent. The pipeline has this thread; a second one, the watch, does what happens beside it once a
 * second: the metrics file, a reload, signs of life to systemd, word that the end has begun. Others answer over HTTP and
 * on the control socket.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "config.h"
#include "control/conf.h"
#include "control/control.h"
#include "control/daemon.h"
#include "control/http.h"
#include "control/metrics.h"
#include "control/options.h"
#include "control/pages.h"
#include "control/values.h"
#include "progress.h"
#include "site.h"
#include "verbs.h"

#define WATCH_MS 1000
#define BAR_MS 250

struct watch {
	pthread_t thread;
	int end_fd;
	bool told_stopping;
	const char *path;         /* of the configuration */
	const char *metrics_path; /* NULL: none */
	struct conf *conf;
	struct pipeline_control control;
	struct pipeline_metrics metrics;
	struct pipeline_status status;
	struct pages pages;
	struct http *http;        /* NULL: not wanted */
	struct mailbox mailbox;
	struct control control_side;
	struct http *control_http; /* NULL: not wanted */
	const char *told_state;   /* to systemd; NULL: none yet */
};

static void write_metrics(struct watch *watch)
{
	struct error err;

	if (!watch->metrics_path || metrics_write_file(&watch->metrics, watch->metrics_path, &err) == 0)
		return;
	log_error(watch->conf->pipeline.name, &err);
	watch->metrics_path = NULL;
}

/* Reload -------------------------------------------------------------------------------------- */

/* What has changed, by name; true if something of it counts. */
static bool compare_options(const struct watch *watch, const struct conf *now)
{
	const char *who = watch->conf->pipeline.name;
	bool counts = false;

	for (size_t i = 0; i < option_count; i++) {
		if (option_same(&option_table[i], &watch->conf->settings, &now->settings))
			continue;
		counts |= option_table[i].reloadable;
		if (option_table[i].reloadable)
			log_info(who, "option '%s' has a new value", option_table[i].name);
		else
			log_warning(who, "option '%s' was changed in the file: this takes a restart",
				    option_table[i].name);
	}
	return counts;
}

/*
 * What may change while the pipeline runs; everything else keeps the value that it began with. The one before stays, since
 * the pipeline may be reading it.
 */
static void take_over(struct watch *watch, struct conf *now)
{
	bool kafka = !option_same(option_find(VIEW("kafka")), &watch->conf->settings, &now->settings);

	conf_merge(now, watch->conf);
	log_setup(now->log_format, now->log_level);
	now->older = watch->conf;
	watch->conf = now;
	atomic_store(&watch->pages.conf, now);
	if (kafka)
		atomic_store(&watch->control.reconnect, true);
	atomic_store(&watch->control.next_options, &now->pipeline);
}

static void reload(struct watch *watch)
{
	struct diagnostics diag = {0};
	struct conf *now = conf_load(watch->path, &diag);

	log_bar(NULL);
	fwrite(wr_view(&diag.text).ptr, 1, diag.text.len, stderr);
	diag_done(&diag);
	if (!now) {
		log_warning(watch->conf->pipeline.name, "the configuration has errors: it was not read again");
	} else if (compare_options(watch, now)) {
		take_over(watch, now);
		return;
	} else {
		log_info(watch->conf->pipeline.name, "the configuration was read again: nothing of it takes effect");
	}
	conf_free(now);
}

/* The watch ----------------------------------------------------------------------------------- */

static void tell_stopping(struct watch *watch)
{
	if (watch->told_stopping || !atomic_load(&watch->control.stop))
		return;
	daemon_notify("STOPPING=1");
	watch->told_stopping = true;
}

/* The pipeline's thread says that it lives, not this one. */
static void tell_alive(const struct watch *watch)
{
	if (daemon_watched() && pipeline_status_alive(&watch->status))
		daemon_notify("WATCHDOG=1");
}

/* For `systemctl status`. */
static void tell_state(struct watch *watch)
{
	struct pipeline_view view;
	char text[80];
	const char *state;

	pipeline_status_read(&watch->status, &view);
	state = pipeline_view_state(&view);
	if (state == watch->told_state)
		return;
	watch->told_state = state;
	snprintf(text, sizeof(text), "STATUS=%s", state);
	daemon_notify(text);
}

/* Somebody looks on: how far a snapshot is. */
static void draw_bar(struct watch *watch)
{
	unsigned width = log_bar_width();
	struct pipeline_view view;
	struct writer line = {0};

	if (!width)
		return;
	pipeline_status_read(&watch->status, &view);
	if (view.reading.under_way) {
		progress_bar(&view, width, &line);
		wr_u8(&line, 0);
	}
	log_bar(line.data);
	wr_done(&line);
}

/* Wakes once a second (or to draw), when told to end, and when a signal has told the pipeline to stop. */
static void *watch_main(void *arg)
{
	struct watch *watch = arg;
	struct pollfd fds[] = {
		{.fd = watch->end_fd, .events = POLLIN},
		{.fd = watch->control.wake_fd, .events = POLLIN},
	};

	while (poll(fds, 2, log_bar_width() ? BAR_MS : WATCH_MS) <= 0 || !fds[0].revents) {
		draw_bar(watch);
		tell_stopping(watch);
		tell_state(watch);
		tell_alive(watch);
		fds[1].fd = watch->told_stopping ? -1 : watch->control.wake_fd;
		write_metrics(watch);
		if (daemon_reload_wanted())
			reload(watch);
	}
	log_bar(NULL);
	tell_stopping(watch);
	tell_state(watch);
	return NULL;
}

static int watch_start(struct watch *watch, struct error *err)
{
	watch->end_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->end_fd < 0)
		return error_set(err, ERROR_INTERNAL, "no eventfd can be had: %s", strerror(errno));
	if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0) {
		close(watch->end_fd);
		return error_set(err, ERROR_INTERNAL, "no thread can be had");
	}
	return 0;
}

static void watch_stop(struct watch *watch)
{
	uint64_t one = 1;

	if (write(watch->end_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(watch->thread, NULL);
	close(watch->end_fd);
	write_metrics(watch);
}

/* The run ------------------------------------------------------------------------------------- */

static void on_ready(void *arg)
{
	(void)arg;
	daemon_notify("READY=1");
}

static void log_counters(const struct watch *watch)
{
	struct writer words = {0};

	metrics_words(&watch->metrics, &words);
	log_info(watch->conf->pipeline.name, "ended: %.*s", VIEW_ARG(wr_view(&words)));
	wr_done(&words);
}

static int run_watched(struct watch *watch, struct error *err)
{
	const struct pipeline_options *pipeline = &watch->conf->pipeline;
	int result;

	if (watch_start(watch, err) < 0)
		return -1;
	log_info(pipeline->name, "tailwater %s, %s from %s to %s.*", PACKAGE_VERSION, pipeline->source_type,
		 pipeline->database, pipeline->prefix);
	result = pipeline_run(pipeline, &watch->control, &watch->metrics, err);
	watch_stop(watch);
	log_counters(watch);
	return result;
}

static int start_http(struct watch *watch, struct error *err)
{
	const char *listen = watch->conf->settings.http_listen;

	if (!listen)
		return 0;
	if (http_start(&watch->http, listen, &watch->pages, err) < 0)
		return -1;
	log_info(watch->conf->pipeline.name, "answering on http://%s", listen);
	return 0;
}

static int start_control(struct watch *watch, struct error *err)
{
	const char *path = conf_control(watch->conf);
	int fd;

	if (!path)
		return 0;
	if (control_listen(path, &fd, err) < 0)
		return -1;
	watch->control_side = (struct control){.mailbox = &watch->mailbox, .status = &watch->status};
	if (http_start_control(&watch->control_http, fd, &watch->pages, &watch->control_side, err) == 0)
		return 0;
	control_unlisten(path);
	return -1;
}

/* Who waits for an answer is told first that none will come. */
static void stop_control(struct watch *watch)
{
	mailbox_close(&watch->mailbox);
	if (!watch->control_http)
		return;
	control_unlisten(conf_control(watch->conf));
	http_stop(watch->control_http);
}

static int run_answering(struct watch *watch, struct error *err)
{
	int result;

	watch->control.status = &watch->status;
	watch->control.mailbox = &watch->mailbox;
	watch->pages = (struct pages){
		.conf = watch->conf,
		.status = &watch->status,
		.metrics = &watch->metrics,
		.started_at = clock_wall(),
	};
	result = start_control(watch, err) < 0 || start_http(watch, err) < 0 ? -1 : run_watched(watch, err);
	stop_control(watch);
	http_stop(watch->http);
	return result;
}

static int run_pipeline(struct watch *watch, struct error *err)
{
	int result;

	if (site_check_folder(&watch->conf->pipeline, err) < 0 || daemon_signals(&watch->control, err) < 0)
		return -1;
	if (mailbox_init(&watch->mailbox, err) < 0) {
		daemon_signals_end(&watch->control);
		return -1;
	}
	pipeline_status_init(&watch->status);
	result = run_answering(watch, err);
	pipeline_status_done(&watch->status);
	mailbox_done(&watch->mailbox);
	daemon_signals_end(&watch->control);
	return result;
}

static int run(const struct arguments *args)
{
	const char *path = argument(args, "--config");
	struct watch watch = {
		.path = path ? path : CONFIG_DEFAULT,
		.metrics_path = argument(args, "--metrics-file"),
		.conf = verb_conf(args),
		.control = {.on_ready = on_ready},
	};
	struct error err = {0};
	int code = EXIT_DONE;

	if (!watch.conf)
		return EXIT_USAGE;
	watch.conf->pipeline.from_now |= argument(args, "--from-now") != NULL;
	watch.conf->pipeline.take_over = argument(args, "--take-over") != NULL;
	failpoint_setup();
	daemon_keep_memory();
	if (run_pipeline(&watch, &err) < 0) {
		log_error(watch.conf->pipeline.name, &err);
		code = error_exit_code(&err);
	}
	for (struct conf *conf = watch.conf, *older; conf; conf = older) {
		older = conf->older;
		conf_free(conf);
	}
	return code;
}

static const struct flag flags[] = {
	FLAG_CONFIG,
	{"--from-now", NULL, false, "At the first start: publish nothing of what is there by then, as with snapshot.history: none."},
	{"--take-over", NULL, false,
	 "Take the source over from another agent that seems to be alive: it is fenced. Without this the state is "
	 "CONFLICT."},
	{"--metrics-file", "FILE", false, "Write the counters as JSON into this file, once a second and at the end."},
	FLAGS_END,
};

const struct verb verb_run = {
	.name = "run",
	.summary = "read the source and publish, until told to stop",
	.help = "Runs the agent in the foreground: at the first start a snapshot of the captured tables, then every "
		"committed transaction. It waits for servers that are away, and ends only when told to (SIGTERM or "
		"SIGINT: what is under way is committed first) or in a named state (see `tailwater help states`).",
	.flags = flags,
	.run = run,
};
