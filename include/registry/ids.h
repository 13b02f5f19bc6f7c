/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a registry has said: the id of each schema under its subject. It is kept where the caller keeps things, so
 * that a registry is asked once for each schema, and may be away from then on. A schema is known by its text, since
 * that is what a registry compares.
 */
#ifndef REGISTRY_IDS_H
#define REGISTRY_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

/* How subjects are named, for keys and values: <topic>-value, <record>, <topic>-<record>. */
enum subject_strategy { SUBJECT_TOPIC, SUBJECT_RECORD, SUBJECT_TOPIC_RECORD };

enum message_part { PART_KEY, PART_VALUE };

/* A type without a name of its own has the subject of its topic. The caller frees it. */
char *subject_name(enum subject_strategy strategy, const char *topic, enum message_part part, const char *record);

struct schema_ids;

struct schema_ids *schema_ids_new(void);
void schema_ids_free(struct schema_ids *ids);

/* 0: not known. */
int32_t schema_ids_find(const struct schema_ids *ids, const char *subject, struct view text);
void schema_ids_put(struct schema_ids *ids, const char *subject, struct view text, int32_t id);

/* The same for a version, which is what a reference to the schema needs. */
int32_t schema_ids_find_version(const struct schema_ids *ids, const char *subject, struct view text);
void schema_ids_put_version(struct schema_ids *ids, const char *subject, struct view text, int32_t version);

/* One as it was kept. False if it is none. */
bool schema_ids_load(struct schema_ids *ids, struct view name, struct view value);

/* Calls `keep` for each that is not kept yet; those count as kept once schema_ids_kept says so. */
typedef int schema_ids_keep(void *arg, const char *name, const char *value, struct error *err);
MUST_CHECK int schema_ids_save(const struct schema_ids *ids, schema_ids_keep *keep, void *arg, struct error *err);
void schema_ids_kept(struct schema_ids *ids);
bool schema_ids_unkept(const struct schema_ids *ids);

#endif
