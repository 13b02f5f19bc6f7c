/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Topics to publish to: made with what is stated, or checked if they exist. A handle lives as long as its set; its
 * partition count is that of the metadata seen at opening.
 */
#ifndef PUBLISH_TOPICS_H
#define PUBLISH_TOPICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"
#include "publish/producer.h"

struct topic;
struct topics;

enum topic_policy {
	TOPIC_COMPACT,  /* kept by key for good: checkpoint, schemas, entities */
	TOPIC_DELETE,   /* kept for a time: events, exceptions */
	TOPIC_ANY,      /* made for a time, any policy is accepted: change topics */
};

struct topic_spec {
	const char *name;
	enum topic_policy policy;
	int32_t partitions;   /* for making it; a topic that exists keeps its own, but "at most" holds */
	int32_t partitions_most; /* 0: any number */
	int16_t replication;  /* 0: the broker's default */
	int64_t retention_ms; /* TOPIC_DELETE, TOPIC_ANY; -1: for ever */
};

/* A set of handles on a producer; the producer is borrowed and freed after the set. */
struct topics *topics_new(struct producer *producer);
void topics_free(struct topics *topics);

/*
 * Opens all of them: missing ones are made, the others checked (cleanup.policy, partitions). *ret_handles has one for
 * each. A topic that was once written and is missing is not made anew: must_exist says which; TOPIC_CHANGED then.
 */
int topics_open(struct topics *topics, const struct topic_spec *specs, const bool *must_exist, size_t count,
		struct topic **ret_handles, struct error *err);

/* Full name, and number of partitions as last seen; the name is valid as long as the set. */
const char *topic_name(const struct topic *topic);
int32_t topic_partitions(const struct topic *topic);

/* Of each topic the sum of the end offsets of its partitions. */
int topics_ends(struct topics *topics, struct topic *const *handles, size_t count, int64_t *ret, struct error *err);

/*
 * True if more was delivered to the topic since the last call; *ret_end: the sum of its end offsets, as far as they are
 * known from topics_ends and from what was delivered since.
 */
bool topic_has_grown(struct topic *topic, int64_t *ret_end);

/* All handles of the set, by number, in the order in which they were opened. */
size_t topics_count(const struct topics *topics);
struct topic *topics_at(const struct topics *topics, size_t i);

/* The partition that Java clients choose for a key (murmur2); without a key: 0. */
int32_t partition_of_key(struct view key, int32_t partitions);
int32_t topic_partition_of(const struct topic *topic, struct view key);

#endif
