/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* A byte of sql_mode and a statement: whatever it is, what is told of it stands in the statement. */
#include <stdlib.h>

#include "fuzz.h"

#include "mysql/ddl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ddl_session session = {.database = VIEW("erp")};
	struct view text = fuzz_view(data, size);
	struct arena arena;
	struct ddl ddl;

	if (!text.len)
		return 0;
	session.sql_mode = (*text.ptr & 1 ? 4 : 0) | (*text.ptr & 2 ? 1 << 20 : 0);
	text.ptr++;
	text.len--;
	arena_init(&arena);
	ddl_read(text, &session, &arena, &ddl);
	for (const struct ddl_table *table = ddl.tables; table; table = table->next)
		if (!ddl_is_about(&ddl, table->schema, table->name) || strlen(table->name) > text.len)
			abort();
	for (const struct ddl_action *action = ddl.actions; action; action = action->next)
		if (action->column.label_count > text.len || (action->name && strlen(action->name) > text.len))
			abort();
	arena_done(&arena);
	return 0;
}
