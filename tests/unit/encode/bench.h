/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* An encoder with one plan, for tests that look at its records as JSON. */
#ifndef UNIT_ENCODE_BENCH_H
#define UNIT_ENCODE_BENCH_H

#include "base/error.h"
#include "base/writer.h"
#include "encode/envelope.h"
#include "encode/plan.h"
#include "model/message.h"

/* A pipeline's end: an encoder, one plan, two writers. */
struct bench {
	struct encoder *enc;
	struct encode_plan *plan;
	struct writer key, value;
	struct message message;
	struct error err;
	char text[8192];
};

/* Every change belongs to it: begun when the bench starts. */
extern const struct transaction bench_txn;

/* A plan for the table, or for logical messages; with other forms of values. */
void bench_start(struct bench *b, const struct table *table);
void bench_start_with(struct bench *b, const struct table *table, const struct value_forms *forms);
void bench_stop(struct bench *b);

/* A part of a change; b->message or b->err. */
int bench_encode(struct bench *b, const struct change *change, unsigned part);

/* A message's bytes as JSON, "none" if there are none; valid until the next one. */
const char *bench_json(struct bench *b, const struct encode_schema *schema, struct view message);

#define NUMBER(n) {.state = VALUE_PRESENT, {.integer = (n)}}
#define WORD(w) {.state = VALUE_PRESENT, .text = {(w), sizeof(w) - 1}}
#define MISSING(s) {.state = (s)}

#endif
