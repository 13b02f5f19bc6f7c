/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* MySQL's binary JSON (MySQL source, json_binary.h) as the text that the server prints. */
#ifndef MYSQL_JSON_H
#define MYSQL_JSON_H

#include "base/view.h"
#include "base/writer.h"

/* Appends the text: 0, or -1 if it is garbled, or deeper than the server lets it be. */
int my_json_print(struct view binary, struct writer *to);

#endif
