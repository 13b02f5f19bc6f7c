/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The counters of a pipeline as JSON, as words of a log line and for Prometheus, from one table. */
#ifndef CONTROL_METRICS_H
#define CONTROL_METRICS_H

#include "base/error.h"
#include "base/writer.h"
#include "pipeline/pipeline.h"

/* {"changes":1,"transactions":1, ...} */
void metrics_json(const struct pipeline_metrics *metrics, struct writer *to);

/* "changes 1, transactions 1, ...": those that are not 0. */
void metrics_words(const struct pipeline_metrics *metrics, struct writer *to);

/* As Prometheus reads them (text format 0.0.4): all counters; and what stands above the samples of a gauge. */
void metrics_counters(const struct pipeline_metrics *metrics, struct writer *to);
void metrics_gauge(struct writer *to, const char *name, const char *help);

/* Writes the JSON into a file: a reader sees the old content or the new, never a part. */
MUST_CHECK int metrics_write_file(const struct pipeline_metrics *metrics, const char *path, struct error *err);

#endif
