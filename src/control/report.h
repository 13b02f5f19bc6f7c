/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Progress and checkpoints as JSON, for `position` and `read`. */
#ifndef CONTROL_REPORT_H
#define CONTROL_REPORT_H

#include "base/writer.h"
#include "publish/checkpoint.h"

/* Words for the phases of an open transaction and of a snapshot, by their enums. */
extern const char *const report_open_phases[];
extern const char *const report_snapshot_phases[];

/* Appends a JSON object. */
void report_progress(const struct progress *progress, struct writer *to);
void report_checkpoint(const struct checkpoint *checkpoint, struct writer *to);

/* A quoted instant in UTC: "2026-01-31T10:00:00.5Z". */
void report_time(usec_t time, struct writer *to);

#endif
