/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* The verbs: each is the last thing in verbs/<verb>.c. */
#ifndef CONTROL_VERBS_H
#define CONTROL_VERBS_H

#include "control/verb.h"

extern const struct verb verb_run;
extern const struct verb verb_check;
extern const struct verb verb_doctor;
extern const struct verb verb_grants;
extern const struct verb verb_map_check;
extern const struct verb verb_map_test;
extern const struct verb verb_read;
extern const struct verb verb_exceptions_list;
extern const struct verb verb_exceptions_show;
extern const struct verb verb_exceptions_retry;
extern const struct verb verb_publish;
extern const struct verb verb_position;
extern const struct verb verb_position_adopt;
extern const struct verb verb_snapshot;
extern const struct verb verb_status;
extern const struct verb verb_tail;
extern const struct verb verb_unmask;
extern const struct verb verb_schema;
extern const struct verb verb_completion;
extern const struct verb verb_version;
extern const struct verb verb_help;

#endif
