/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What makes a process a good daemon: signals that end it in order, and word to systemd. There is one process, so this
 * is the one place with state of its own.
 *
 *	first SIGTERM or SIGINT   the pipeline is told to stop: it drains to a commit, and the process exits with 0
 *	second one                the process exits at once, as after a crash
 *	SIGHUP                    the configuration is read again (daemon_reload_wanted)
 *	SIGPIPE                   ignored: writing fails with its error
 */
#ifndef CONTROL_DAEMON_H
#define CONTROL_DAEMON_H

#include <stdbool.h>

#include "base/error.h"
#include "pipeline/pipeline.h"

/* Memory once had is kept, up to some megabytes. */
void daemon_keep_memory(void);

/*
 * From now on signals stop this pipeline; makes its wake_fd. Fails (ERROR_INTERNAL) if the process has too many files
 * open.
 */
MUST_CHECK int daemon_signals(struct pipeline_control *control, struct error *err);

/* From now on signals find nothing to stop; closes wake_fd. No other thread may use the control any more. */
void daemon_signals_end(struct pipeline_control *control);

/* True once after a SIGHUP, or after several that came since it was last asked. */
bool daemon_reload_wanted(void);

/* "READY=1", "STOPPING=1", "STATUS=...": nothing happens unless systemd started us with Type=notify. */
void daemon_notify(const char *state);

/* True if systemd (WatchdogSec=) wants to hear WATCHDOG=1 from this process. */
bool daemon_watched(void);

#endif
