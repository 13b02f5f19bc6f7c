/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What operators have done by hand to the state file: who does it now, and all of it as lines. */
#ifndef CONTROL_AUDITS_H
#define CONTROL_AUDITS_H

#include "base/error.h"
#include "control/conf.h"

/* Whoever runs this program. */
const char *audits_who(char text[200]);

/* Those whose action begins so, to standard output; how many there were. */
MUST_CHECK int audits_print(const struct conf *conf, const char *action, unsigned *ret_count, struct error *err);

#endif
