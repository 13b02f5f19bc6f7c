/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Parts of tables, in the order of their keys. */
#include "part.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source/source.h"

#define LIMIT_SECONDS 10            /* for a statement with a condition */
#define CLIENT_ERRORS 2000           /* errors of the client's own */
#define CLIENT_ERRORS_END 2999
#define NO_SUCH_COLUMN 1054
#define CONNECTION_KILLED 1927
#define UNKNOWN_VARIABLE 1193

void my_part_done(struct my_part *part)
{
	my_snapshot_done(&part->snapshot);
	wr_done(&part->mark);
	*part = (struct my_part){0};
}

void my_part_stop(struct my_part *part)
{
	my_snapshot_stop(&part->snapshot);
	if (part->snapshot.conn)
		mysql_query(part->snapshot.conn, "ROLLBACK");
}

int my_part_begin(struct my_part *part, const struct source_login *login, const struct my_server *server, const struct my_hold *hold,
		  struct position delivered, struct error *err)
{
	bool waited;

	if (!part->snapshot.conn && my_snapshot_open(&part->snapshot, login, err) < 0)
		return -1;
	if (my_snapshot_begin(&part->snapshot, server, hold, &part->at, NULL, err) < 0) {
		waited = my_snapshot_waited(&part->snapshot, hold);
		my_part_done(part);
		return waited ? 0 : -1;
	}
	part->family = server->family;
	if (position_compare(part->at, delivered) >= 0)
		return 1;
	my_part_stop(part);
	return 0;
}

/* A number stands for itself: as a text it would be compared as a float. */
static void write_literal(MYSQL *conn, const struct my_column *column, const char *text, struct writer *to)
{
	size_t len = strlen(text);
	bool plain = strspn(text, "-0123456789.") == len && column->code != MY_VARCHAR && column->code != MY_STRING &&
		     column->code != MY_BLOB && column->code != MY_ENUM && column->code != MY_SET && column->code < MY_DATE;

	if (plain) {
		wr_bytes(to, text, len);
		return;
	}
	wr_u8(to, '\'');
	to->len += mysql_real_escape_string(conn, wr_reserve(to, 2 * len + 1), text, len);
	wr_u8(to, '\'');
}

/* The mark has the key's texts, each ended by a NUL. (a > x) OR (a = x AND b > y) finds its way by an index in all versions. */
static void write_after(MYSQL *conn, const struct my_table *table, struct view mark, struct writer *to)
{
	const struct table *version = table->table;

	for (unsigned last = 0; last < version->key_count; last++) {
		const char *text = mark.ptr;

		wr_printf(to, last ? " OR (" : "((");
		for (unsigned i = 0; i <= last; i++, text += strlen(text) + 1) {
			const struct my_column *column = &table->columns[version->key[i]];

			wr_printf(to, "%s`%s` %s ", i ? " AND " : "", column->name, i == last ? ">" : "=");
			write_literal(conn, column, text, to);
		}
		wr_printf(to, ")");
	}
	wr_printf(to, ")");
}

static void write_order(const struct table *version, uint64_t rows, struct writer *to)
{
	for (unsigned i = 0; i < version->key_count; i++)
		wr_printf(to, "%s`%s`", i ? ", " : " ORDER BY ", version->columns[version->key[i]].name);
	if (version->key_count)
		wr_printf(to, " LIMIT %" PRIu64, rows);
}

/* Of masked columns, too, what a value is must not be told: a message quotes it, other than that of a column that is not there. */
static int fail(struct my_part *part, struct error *err)
{
	unsigned code = mysql_errno(part->snapshot.conn);
	const char *state = mysql_sqlstate(part->snapshot.conn), *message = mysql_error(part->snapshot.conn);
	size_t len = code == NO_SUCH_COLUMN ? strlen(message) : strcspn(message, "'");

	if (!part->asked || !code || (code >= CLIENT_ERRORS && code <= CLIENT_ERRORS_END) || code == CONNECTION_KILLED ||
	    strncmp(state, "08", 2) == 0 || strncmp(state, "40", 2) == 0)
		return -1;
	return error_set(err, ERROR_INPUT, "the server refuses its condition: %.*s (error %u)", (int)(len < 300 ? len : 300), message, code);
}

/* The stream waits while the server works. MySQL before 5.7.8 and MariaDB before 10.1.1 set no limit. */
static int limit_time(struct my_part *part, bool limited, struct error *err)
{
	const char *name = part->family == FAMILY_MARIADB ? "max_statement_time" : "max_execution_time";
	unsigned most = part->family == FAMILY_MARIADB ? LIMIT_SECONDS : LIMIT_SECONDS * 1000;
	char sql[80];

	if (part->limited == limited)
		return 0;
	part->limited = limited;
	snprintf(sql, sizeof(sql), "SET SESSION %s = %u", name, limited ? most : 0);
	return my_do(part->snapshot.conn, err, "%s", sql) < 0 && mysql_errno(part->snapshot.conn) != UNKNOWN_VARIABLE ? -1 : 0;
}

int my_part_select(struct my_part *part, const struct my_table *table, const struct source_part *wanted, struct error *err)
{
	bool keyed = table->table->key_count > 0, follows = keyed && wanted->after.ptr;
	struct writer rest = {0};
	int result;

	part->asked = wanted->condition != NULL;
	if (limit_time(part, part->asked, err) < 0)
		return -1;
	if (follows || wanted->condition)
		wr_printf(&rest, "WHERE ");
	if (follows)
		write_after(part->snapshot.conn, table, wanted->after, &rest);
	if (wanted->condition) /* a comment in it ends with its line */
		wr_printf(&rest, "%s(%s\n)", follows ? " AND " : "", wanted->condition);
	write_order(table->table, wanted->rows, &rest);
	wr_u8(&rest, 0);
	part->rows = part->bytes = 0;
	part->most = keyed ? wanted->rows : UINT64_MAX;
	part->most_bytes = keyed && wanted->bytes ? wanted->bytes : UINT64_MAX;
	result = my_snapshot_table(&part->snapshot, table, rest.data, err);
	wr_done(&rest);
	return result < 0 ? fail(part, err) : 0;
}

static void note_mark(struct my_part *part, const struct table *version, char **texts, const unsigned long *lengths)
{
	wr_clear(&part->mark);
	for (unsigned i = 0; i < version->key_count; i++) {
		wr_bytes(&part->mark, texts[version->key[i]], lengths[version->key[i]]);
		wr_u8(&part->mark, '\0');
	}
}

int my_part_row(struct my_part *part, const struct my_table *table, char ***ret_texts, unsigned long **ret_lengths, struct error *err)
{
	int got;

	if (part->bytes > part->most_bytes)
		return 0;
	got = my_snapshot_row(&part->snapshot, ret_texts, ret_lengths, err);
	if (got <= 0)
		return got < 0 ? fail(part, err) : 0;
	for (unsigned i = 0; i < table->table->column_count; i++)
		part->bytes += (*ret_lengths)[i];
	if (++part->rows == part->most || part->bytes > part->most_bytes)
		note_mark(part, table->table, *ret_texts, *ret_lengths);
	return 1;
}

int my_part_end(struct my_part *part, struct source_part_end *ret, struct error *err)
{
	(void)err;
	*ret = (struct source_part_end){
		.seen = part->at,
		.rows = part->rows,
		.more = part->rows == part->most || part->bytes > part->most_bytes,
	};
	ret->mark = ret->more ? wr_view(&part->mark) : VIEW_NONE;
	my_part_stop(part);
	return 0;
}
