/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * How one gets in: the parameters of a connection, TLS among them, and what is said when it fails. A mode that asks for TLS is
 * never met without it, nor is a password given in clear where there is none.
 */
#ifndef MYSQL_LOGIN_H
#define MYSQL_LOGIN_H

#include <mysql.h>
#include <stdbool.h>

#include "base/error.h"

struct source_login;

/* ERROR_INPUT if there is no connection parameter of this name, or ssl_mode has no such value. */
int my_check_parameter(const char *name, const char *value, struct error *err);

/* Sets a connection's options, connects and logs in. */
int my_login(const struct source_login *login, MYSQL **ret, struct error *err) MUST_CHECK;

#endif
