/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* JSON texts (RFC 8259), appended to a writer. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/view.h"
#include "base/writer.h"

/*
 * A quoted JSON string: control characters, quote and backslash are escaped, other bytes are written as they are; bytes
 * that are no UTF-8 become U+FFFD, so that the result is JSON in any case.
 */
void json_text(struct writer *wr, struct view text);

/* A valid JSON text, written again with a line for each member, indented. */
void json_indent(struct writer *wr, struct view json);

#endif
