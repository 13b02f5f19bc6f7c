/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Where a file of the log ends that is not written any more. One that a crash has ended can have the beginning of a transaction that was
 * never committed (MariaDB leaves it there, MySQL cuts it off): it must not be published, and nothing in the log says so.
 */
#ifndef MYSQL_ENDING_H
#define MYSQL_ENDING_H

#include "look.h"

/*
 * From a place between transactions: 1 and the end of the last whole one in its file, if that file was ended by a crash; *ret_next is the
 * beginning of the next one. 0 if the file is written, or was ended as it should be. The look is used for it.
 */
int my_log_ending(MYSQL *conn, struct my_look *look, struct position from, struct position *ret, struct position *ret_next,
		  struct error *err) MUST_CHECK;

#endif
