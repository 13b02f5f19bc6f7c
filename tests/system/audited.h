/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A workload on MariaDB whose triggers note each change of the table `account`, in the order of the changes of a row, with a
 * version that comes with the row; and an agent that publishes it, small batches at a time.
 */
#ifndef SYSTEM_AUDITED_H
#define SYSTEM_AUDITED_H

#include "system/plain.h"

/* Makes the tables and the procedure work(transactions). */
void audited_prepare(struct scene *scene);

void audited_configure(struct plain *plain, struct scene *scene, const char *name, const char *tables);
void audited_stream(struct plain *plain); /* starts the agent, and waits until it streams */
bool audited_has_worked(struct agent *agent);

pid_t audited_begin(struct scene *scene);
void audited_end(struct scene *scene, pid_t pid);

/* Waits until the state file is behind the present end of the server's log. */
void audited_catch_up(struct plain *plain);

/* Runs the agent until the state file is behind the end of the server's log. */
void audited_finish(struct plain *plain);

/* Fails unless every audited change was published once, in order; the table is empty of what the snapshot did not read. */
void audited_verify(struct plain *plain);

#endif
