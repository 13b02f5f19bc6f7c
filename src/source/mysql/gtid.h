/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Sets of global transaction ids. Those of MySQL (Reference Manual, "GTID Format and Storage") have a range of numbers, with
 * holes perhaps, for each server and tag. Those of MariaDB (Knowledge Base, "Global Transaction ID") have the last number of each
 * domain: what is before it is in the set.
 */
#ifndef MYSQL_GTID_H
#define MYSQL_GTID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

struct writer;

#define GTID_UUID_BYTES 16
#define GTID_TAG_BYTES 32
#define GTID_TEXT_BYTES 96

/* One transaction. Number 0: none. */
struct gtid {
	bool mariadb;
	uint8_t uuid[GTID_UUID_BYTES];  /* MySQL: the server on which it began ... */
	char tag[GTID_TAG_BYTES + 1];   /* ... and its tag, or "" */
	uint32_t domain, server;        /* MariaDB */
	uint64_t number;
};

/* All numbers from the first to the last. */
struct gtid_range {
	uint64_t first, last;
};

struct gtid_origin;

/* Zeroed it is empty. It takes its kind from what is put in first. */
struct gtid_set {
	struct gtid_origin *origins;    /* owned, in the order in which they came */
	size_t count, capacity;
	size_t latest;                  /* the origin that was asked for last */
};

void gtid_set_done(struct gtid_set *set);

/* Replaces what is there by "uuid[:tag]:1-5:7[:tag:1],..." or "domain-server-number,..."; -1, and it is empty. */
int gtid_set_parse(struct gtid_set *set, struct view text, struct error *err) MUST_CHECK;

/* As the server writes it; ranges are joined and in order. */
void gtid_set_print(const struct gtid_set *set, struct writer *to);

/* In MariaDB, what came before it in its domain is in the set from now on, too. */
void gtid_set_add(struct gtid_set *set, const struct gtid *gtid);

bool gtid_set_has(const struct gtid_set *set, const struct gtid *gtid);

/* True if all of `part` is in `whole`; otherwise `missing` gets what is not. */
bool gtid_set_covers(const struct gtid_set *whole, const struct gtid_set *part, struct writer *missing);

/* "uuid:5", "uuid:tag:5", "0-1-5"; returns the length. */
int gtid_print(const struct gtid *gtid, char text[GTID_TEXT_BYTES]);

#endif
