/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A small shop for tests: its tables, contracts, pack, and a state file in memory to which changes are applied as the
 * pipeline does it.
 */
#ifndef UNIT_CANONICAL_SHOP_H
#define UNIT_CANONICAL_SHOP_H

#include "canonical/evaluate.h"
#include "canonical/mapping.h"
#include "canonical/rules.h"
#include "canonical/touch.h"
#include "state/db.h"
#include "state/mirror.h"

#define SHOP_TABLES 8

struct shop {
	struct arena arena;
	struct error err;
	struct diagnostics diag;
	struct contract *contract;
	const struct table *tables[SHOP_TABLES];
	struct pack *pack;
	struct mapping *mapping;
	struct db *db;
	struct mirror *mirror;
	struct touch *touch;
};

/* A file or folder of tests/unit/canonical/data, in the arena. */
const char *shop_path(struct shop *shop, const char *name);

/* Contracts and tables, no mapping. */
void shop_begin(struct shop *shop);

/* A pack of one entity, by its YAML; complaints as below. */
struct pack *shop_pack(struct shop *shop, struct view entity);

/* Compiles a pack; its complaints are in shop->diag. */
struct mapping *shop_compile(struct shop *shop, struct pack *pack);

/* The whole shop, with the pack of the data folder; memory_roots as for touch_open. */
void shop_open(struct shop *shop, unsigned memory_roots);

/* The same with a pack of one entity, by its YAML. */
void shop_open_entity(struct shop *shop, const char *entity);
void shop_done(struct shop *shop);

/* "orders: + 1|..." lines, each touched before, applied, touched after. */
void shop_apply(struct shop *shop, const char *changes);

/* Evaluates the touched roots from number `done` on: "Order 1, Order 2"; clears them. */
const char *shop_touched(struct shop *shop, uint64_t done);

struct document shop_evaluate(struct shop *shop, const char *entity, int64_t key);

/* A datum as one line of JSON-like text: decimals as numbers, dates and times as text, null fields left out. */
const char *shop_print(struct shop *shop, const struct avro_type *type, const struct datum *datum);

#endif
