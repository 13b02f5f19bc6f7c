/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* MySQL's binary JSON (MySQL source, json_binary.h) as the text that the server prints. */
#ifndef MYSQL_JSON_H
#define MYSQL_JSON_H

#include "base/arena.h"
#include "base/error.h"
#include "base/view.h"
#include "base/writer.h"

/* Appends the text: 0, or -1 if it is garbled, or deeper than the server lets it be. */
int my_json_print(struct view binary, struct writer *to);

/* The text of a document after changes of parts of it, in the arena: 0, or -1 if they do not fit to it. */
int my_json_apply(struct view text, struct view diffs, struct arena *arena, struct view *ret) MUST_CHECK;

#endif
