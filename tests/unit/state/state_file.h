/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A state file on disk for a test, alone in a folder that goes with it. */
#ifndef UNIT_STATE_STATE_FILE_H
#define UNIT_STATE_STATE_FILE_H

#include <stdlib.h>
#include <unistd.h>

#include "unit/unit.h"

struct state_file {
	char folder[64];
	char path[128]; /* nothing is there yet */
};

static inline void state_file_make(struct state_file *file)
{
	strcpy(file->folder, "/tmp/tailwater-test-XXXXXX");
	assert_non_null(mkdtemp(file->folder));
	snprintf(file->path, sizeof(file->path), "%s/state.db", file->folder);
}

/* With what SQLite and the lock put beside it. */
static inline void state_file_remove(const struct state_file *file)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	char name[160];

	FOR_EACH(suffix, suffixes) {
		snprintf(name, sizeof(name), "%s%s", file->path, *suffix);
		unlink(name);
	}
	rmdir(file->folder);
}

#endif
