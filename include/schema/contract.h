/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The Avro contracts: every *.avsc below a folder, names resolved across files, as trees of model/avro.h; and single
 * schema texts, as they are published and read back. What the trees do not know (fixed, aliases, unions other than with
 * null) is refused in contracts with its place, and so are mistakes that Avro libraries let pass: duplicate fields,
 * defaults that do not fit. All trees live as long as their contract.
 */
#ifndef SCHEMA_CONTRACT_H
#define SCHEMA_CONTRACT_H

#include "base/diagnostics.h"
#include "base/view.h"
#include "base/writer.h"
#include "model/avro.h"

struct contract;

#define CONTRACT_DOCUMENT "tailwater.canonical." /* + entity: its document */
#define CONTRACT_HEADER "tailwater.canonical.Header"
#define CONTRACT_ENTITY "tailwater.entity."      /* + entity: its message, made by the program */
#define CONTRACT_EVENT "tailwater.event."        /* + event: its message */

/* Loads a folder. Complaints go to diag; NULL if there was an error. To be freed with contract_free. */
struct contract *contract_load(const char *folder, struct diagnostics *diag);

/*
 * Parses one self-contained schema text, also of other origin: attributes that we do not know (connect.*, aliases,
 * logical types) are passed over. `name` stands for the file in complaints. NULL and complaints if it is no schema.
 */
struct contract *contract_parse_text(const char *name, struct view json, struct diagnostics *diag);

/* Frees it with all its types; takes NULL. */
void contract_free(struct contract *contract);

/* The type that a text (contract_parse_text) declares. */
const struct avro_type *contract_root(const struct contract *contract);

/*
 * A named type by its full name, or NULL; the second form puts prefix and name together: (CONTRACT_DOCUMENT,
 * "Invoice").
 */
const struct avro_type *contract_find(const struct contract *contract, const char *full_name);
const struct avro_type *contract_find_in(const struct contract *contract, const char *prefix, const char *name);

/*
 * The message of an entity: record tailwater.entity.<Entity> {header: tailwater.canonical.Header, document:
 * tailwater.canonical.<Entity>}, made when first asked for; NULL if one of the two is not in the contract.
 */
const struct avro_type *contract_entity_message(struct contract *contract, const char *entity);

/*
 * Appends the type as a self-contained schema text, always the same for the same type: named types are written out
 * where they are first used.
 */
void contract_print(const struct avro_type *type, struct writer *to);

#endif
