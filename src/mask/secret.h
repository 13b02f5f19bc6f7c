/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Tokens and encrypted texts (see mask/mask.h for their form): all that needs a key. */
#ifndef MASK_SECRET_H
#define MASK_SECRET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"

#define SECRET_NAME_BYTES 9 /* eight hexadecimal digits and a NUL */

struct secret;

/* Keys for every use, made of the configured one. */
MUST_CHECK int secret_new(struct secret **ret, struct view key, struct error *err);

/* Overwrites them; takes NULL. */
void secret_free(struct secret *secret);

/* Which key it is, without telling anything of it. */
const char *secret_name(const struct secret *secret);

/* The masks of a text, in the arena. */
MUST_CHECK int secret_token(struct secret *secret, struct view text, struct arena *arena, struct view *ret,
			    struct error *err);
MUST_CHECK int secret_encrypt(struct secret *secret, struct view text, struct arena *arena, struct view *ret,
			      struct error *err);

/* The text of such a mask again; -1 if it is none that this key has made. */
MUST_CHECK int secret_decrypt(struct secret *secret, struct view mask, struct arena *arena, struct view *ret);

#endif
