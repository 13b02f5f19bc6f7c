/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Locks of servers and tables. */
#include "hold.h"

#include <mysqld_error.h>
#include <string.h>

#include "base/writer.h"
#include "source/source.h"

void my_write_name(const char *name, struct writer *to)
{
	wr_u8(to, '`');
	for (; *name; name++) {
		if (*name == '`')
			wr_u8(to, '`');
		wr_u8(to, (uint8_t)*name);
	}
	wr_u8(to, '`');
}

bool my_is_denied(MYSQL *conn)
{
	unsigned code = mysql_errno(conn);

	return code == ER_SPECIFIC_ACCESS_DENIED_ERROR || code == ER_DBACCESS_DENIED_ERROR || code == ER_TABLEACCESS_DENIED_ERROR ||
	       code == ER_ACCESS_DENIED_ERROR;
}

static int limit_wait(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	return my_do(conn, err, "SET SESSION lock_wait_timeout = %u", hold->patience_s);
}

/* 1; 0: it is not permitted; -1. */
static int hold_all(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	if (limit_wait(conn, hold, err) < 0)
		return -1;
	if (my_do(conn, err, "FLUSH TABLES WITH READ LOCK") == 0)
		return 1;
	return my_is_denied(conn) ? 0 : -1;
}

int my_hold_tables(const struct my_hold *hold, struct error *err)
{
	struct writer sql = {0};
	int failed;

	if (!hold->count)
		return 1;
	if (limit_wait(hold->conn, hold, err) < 0)
		return -1;
	for (size_t i = 0; i < hold->count; i++) {
		wr_printf(&sql, i ? ", " : "LOCK TABLES ");
		my_write_name(hold->tables[i].schema, &sql);
		wr_u8(&sql, '.');
		my_write_name(hold->tables[i].name, &sql);
		wr_printf(&sql, " READ");
	}
	failed = mysql_real_query(hold->conn, sql.data, sql.len);
	wr_done(&sql);
	if (!failed)
		return 1;
	my_fail(hold->conn, err, "LOCK TABLES");
	return my_is_denied(hold->conn) ? 0 : -1;
}

MYSQL *my_hold_still(MYSQL *conn, const struct my_hold *hold, struct error *err)
{
	for (unsigned i = 0; i < 2; i++) {
		bool few = (i == 0) == hold->tables_first;
		int held = few ? my_hold_tables(hold, err) : hold_all(conn, hold, err);

		if (held)
			return held < 0 ? NULL : few ? hold->conn : conn;
	}
	error_state(err, STATE_UNSUPPORTED, "the user may not hold the server still for the moment of a snapshot, nor its tables");
	error_hint(err, "grant RELOAD, or LOCK TABLES: see `tailwater grants`");
	return NULL;
}
