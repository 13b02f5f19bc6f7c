/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * References to secrets inside a text: ${file:/path}, ${cred:name} (systemd's credentials folder), ${env:NAME}; $${ is
 * a plain ${. What they stand for goes into the value and nowhere else: no message shows it.
 */
#ifndef CONTROL_SECRETS_H
#define CONTROL_SECRETS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/diagnostics.h"
#include "base/view.h"

#define SECRET_BYTES_MAX 65536

/* True if the text has a reference: then its value is treated as a secret. */
bool secrets_mentioned(struct view text);

/* The text with what its references stand for, in the arena, NUL-terminated. Complaints are about the place `at`. */
int secrets_expand(struct view text, struct place at, struct arena *arena, struct view *ret, struct diagnostics *diag);

#endif
