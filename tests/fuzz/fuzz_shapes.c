/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A statement, and behind its line shapes of tables as the state file has them: what is read, and what the statement makes of it, is written
 * so that it is read again the same.
 */
#include <stdlib.h>

#include "fuzz.h"

#include "base/writer.h"
#include "mysql/shapes.h"

static void add_charsets(struct my_charsets *set)
{
	my_charsets_collation(set, 63, my_charsets_add(set, "binary", 1));
	my_charsets_collation(set, 45, my_charsets_add(set, "utf8mb4", 4));
	my_charsets_collation(set, 8, my_charsets_add(set, "latin1", 1));
}

static void check_again(struct my_shapes *shapes)
{
	struct my_shapes again = {.charsets = shapes->charsets};
	struct writer once = {0}, twice = {0};
	struct error err;

	my_shapes_print(shapes, &once);
	if (my_shapes_parse(&again, wr_view(&once), &err) < 0)
		abort();
	my_shapes_print(&again, &twice);
	if (once.len != twice.len) /* tables come in any order */
		abort();
	wr_done(&once);
	wr_done(&twice);
	my_shapes_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = fuzz_view(data, size), sql = view_take(&text, '\n');
	struct ddl_session session = {.database = VIEW("erp")};
	struct my_charsets charsets = {0};
	struct my_shapes shapes = {.charsets = &charsets, .mariadb = true, .follows = true};
	struct arena arena = {0};
	struct error err;
	struct ddl ddl;

	add_charsets(&charsets);
	if (my_shapes_parse(&shapes, text, &err) == 0) {
		check_again(&shapes);
		ddl_read(sql, &session, &arena, &ddl);
		if (sql.len && ddl.kind != DDL_NONE)
			my_shapes_take(&shapes, &ddl, sql, (struct position){POSITION_BINLOG, UINT64_MAX});
		check_again(&shapes);
	}
	arena_done(&arena);
	my_shapes_done(&shapes);
	my_charsets_done(&charsets);
	return 0;
}
