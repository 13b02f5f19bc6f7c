/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* SQLite's memory (sqlite.org/malloc.html, section 3.1.5). */
#ifndef STATE_DB_MEMORY_H
#define STATE_DB_MEMORY_H

/*
 * Makes SQLite take small pieces from free lists. Has an effect only before SQLite is first used in the process; if it was,
 * nothing changes.
 */
void db_memory_install(void);

#endif
