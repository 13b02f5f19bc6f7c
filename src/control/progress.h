/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* How far the reading of a snapshot is, for people and programs. */
#ifndef CONTROL_PROGRESS_H
#define CONTROL_PROGRESS_H

#include "base/writer.h"
#include "pipeline/status.h"

/* "41 %, 00:00:41 left, 310 of 760 MB, 2 of 7 tables, 3200000 of about 7800000 rows" */
void progress_words(const struct reading_view *reading, struct writer *to);

/* An object, or null. */
void progress_json(const struct reading_view *reading, struct writer *to);

/* A line for a terminal of that width, without its end: a bar and the words. */
void progress_bar(const struct pipeline_view *view, unsigned width, struct writer *to);

#endif
