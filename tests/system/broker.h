/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What an administrator of Kafka does, by accident or not. Topics are named in full. */
#ifndef BROKER_H
#define BROKER_H

#include "harness/harness.h"

void broker_delete_topic(const struct scene *scene, const char *topic);
void broker_create_topic(const struct scene *scene, const char *topic, int partitions);
void broker_raise_partitions(const struct scene *scene, const char *topic, int partitions);
void broker_set(const struct scene *scene, const char *topic, const char *name, const char *value);

/* Everybody may do everything with the topic but write to it; or nothing is said about it any more. */
void broker_forbid_writes(const struct scene *scene, const char *topic);
void broker_allow_writes(const struct scene *scene, const char *topic);

#endif
