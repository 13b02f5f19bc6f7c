/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Private to state/. */
#ifndef STATE_DB_FORMAT_H
#define STATE_DB_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "state/db.h"

/* Makes the tables of a new file, and those of an earlier format what they are now; ERROR_INPUT if it is another file. */
MUST_CHECK int format_settle(struct db *db, const char *path, bool *ret_new, struct error *err);

/* By the pragmas application_id and user_version. */
bool format_is_present(int64_t application, int64_t format);

#endif
