/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a running agent says about itself, by path. A page is made from what other threads may read (pipeline/status.h, counters) and
 * has nothing of rows in it. How it gets to a reader is http.c's.
 *
 *	/healthz      200 while the pipeline's thread is heard of: not to be restarted for a server that is away
 *	/readyz       200 while streaming with Kafka answering, otherwise 503; the body is the state
 *	/metrics      Prometheus' text format
 *	/status       one screen
 *	/api/status   the same as JSON
 *	/api/config   the configuration as it counts, without secrets
 */
#ifndef CONTROL_PAGES_H
#define CONTROL_PAGES_H

#include <stddef.h>

#include "base/writer.h"
#include "control/conf.h"
#include "pipeline/pipeline.h"

/* Who is asked. */
struct pages {
	_Atomic(const struct conf *) conf; /* what it is running with; another one after a SIGHUP */
	struct pipeline_status *status;
	const struct pipeline_metrics *metrics;
	usec_t started_at;              /* wall */
};

/* The same at one moment. */
struct page_facts {
	const struct pages *pages;
	struct pipeline_view view;
	usec_t now;                     /* wall */
};

struct page {
	const char *path;
	const char *type;
	/* Appends the body; returns the code of HTTP. */
	unsigned (*print)(const struct page_facts *facts, struct writer *to);
};

/* By path, or NULL. */
const struct page *page_find(const char *path);

/* All of them; *ret_count is their number. */
const struct page *page_list(size_t *ret_count);

void page_facts_take(const struct pages *pages, struct page_facts *ret);

#endif
