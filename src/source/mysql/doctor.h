/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What `tailwater doctor` says of MySQL and MariaDB, beside what a start refuses. */
#ifndef MYSQL_DOCTOR_H
#define MYSQL_DOCTOR_H

#include "conn.h"

struct findings;
struct source_table;

/* Of the server. */
void my_doctor_server(MYSQL *conn, const struct my_server *server, struct findings *findings);

/* Of these tables. */
void my_doctor_tables(MYSQL *conn, const struct my_server *server, const struct source_table *tables, size_t count,
		      struct findings *findings);

#endif
