/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Masking: values that nobody behind the source is to see. It happens right behind the source's `next`, before the
 * mirror, an encoder, an exception or a log sees a row; what a column is, is decided with its table version, in which a
 * masked column has the type of what it holds then. Equal values give equal masks, so that keys stay keys, joins stay
 * joins, and a replay gives the same bytes.
 *
 *   drop     null
 *   last4    **** and the last four characters of a text that has eight or more
 *   token    tok_<key>_<22 characters>: HMAC-SHA-256, cut to 128 bits, in base64url
 *   encrypt  enc_<key>_<base64url>: nonce of 12 bytes, text, tag of 16 bytes of AES-256-GCM; the nonce is an HMAC of
 *            the text, so that a nonce is used again only for the same text
 *
 * <key> is the first four bytes of the key's own HMAC in hexadecimal digits: it says which key was used. Each use has a
 * key of its own: the HMAC-SHA-256 with the configured key of "tailwater token", "tailwater nonce", "tailwater
 * encrypt" or "tailwater name".
 */
#ifndef MASK_MASK_H
#define MASK_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diagnostics.h"
#include "base/error.h"
#include "base/view.h"
#include "model/change.h"
#include "model/table.h"

#define MASK_KEY_BYTES_LEAST 32

/* A kind of data, with what is done with it unless the configuration says otherwise. */
struct mask_class {
	const char *name;
	enum mask_method method;
	const char *meaning; /* for the manual */
};

extern const struct mask_class mask_classes[];
extern const size_t mask_class_count;

/* The method of that name, or -1; the class of that name, or NULL. */
int mask_method_find(const char *name);
const struct mask_class *mask_class_find(const char *name);

/* "schema.table.column" or "table.column", with * and ?, and what is done with it: a method or a class. */
struct mask_rule {
	const char *columns;
	const char *what;
	const char *place; /* where it was written, as in FILE:LINE:COLUMN; NULL: not known */
};

/* All is borrowed for the time of the call. */
struct mask_options {
	const struct mask_rule *site;    /* of the configuration; the first that fits a column decides ... */
	size_t site_count;
	const struct mask_rule *pack;    /* ... and behind them those of the mapping pack */
	size_t pack_count;
	const struct mask_rule *classes; /* name of a class, method */
	size_t class_count;
	const char *key;                 /* a secret of MASK_KEY_BYTES_LEAST or more characters; may be NULL */
};

struct masks;

/* ERROR_INPUT if a rule says what does not exist, or needs a key when there is none. */
MUST_CHECK int masks_new(struct masks **ret, const struct mask_options *options, struct error *err);

/* Overwrites the keys; takes NULL. */
void masks_free(struct masks *masks);

/* True if there is any rule. */
bool masks_any(const struct masks *masks);

/*
 * Makes the columns of a draft what they are behind the mask: type, source_type, what tells versions apart. It is what
 * catalog_mask takes; `masks` is a struct masks.
 */
void masks_shape(const void *masks, struct table *draft);

/* ERROR_INPUT if a column of a key is masked in a way that makes different rows the same. */
MUST_CHECK int masks_check(const struct table *table, struct error *err);

/*
 * Masks the values of a change of a masked table in place. What they point to then lives until the next call.
 */
MUST_CHECK int masks_apply(struct masks *masks, const struct change *change, struct error *err);

/* True if a rule needs the key. */
bool masks_keyed(const struct masks *masks);

/*
 * What of a source is to be kept in a file of ours, as a place in a table by its key, so that only who has the masking key can
 * read it, and back: -1 if it is none that this key has made. In the arena; to be sealed only by masks with a key.
 */
MUST_CHECK int masks_seal(struct masks *masks, struct view text, struct arena *arena, struct view *ret, struct error *err);
MUST_CHECK int masks_unseal(struct masks *masks, struct view sealed, struct arena *arena, struct view *ret);

/* What a source's `next` gave, as everybody behind it may see it: `got` again, or -1. */
static inline int masks_pass(struct masks *masks, const struct change *change, int got, struct error *err)
{
	if (got <= 0 || !change->table || !change->table->masked)
		return got;
	return masks_apply(masks, change, err) < 0 ? -1 : got;
}

/* Tells of each rule that fits no column of the tables. */
void masks_unused(const struct mask_rule *rules, size_t count, const struct table *const *tables, size_t table_count,
		  void (*tell)(void *arg, const struct mask_rule *rule), void *arg);

#endif
