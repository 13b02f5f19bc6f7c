/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What is wrong with a certificate, in one sentence: clients say no more than that it could not be verified. Only for
 * `doctor`; connections themselves are made by the clients' libraries.
 */
#ifndef CONTROL_CERTIFICATE_H
#define CONTROL_CERTIFICATE_H

#include <stdbool.h>

#include "base/findings.h"

/* Servers that begin without TLS, and are asked for it. */
enum asked_as { ASKED_BY_NOBODY, ASKED_AS_POSTGRESQL, ASKED_AS_MYSQL };

struct certificate_of {
	const char *code;       /* of the finding */
	const char *host;
	const char *port;
	enum asked_as asked;
	const char *ca_file;    /* NULL: the system's */
	bool issuer_checked;    /* by the client; and ... */
	bool name_checked;
	const char *option;     /* which option says so, for the remedy */
	const char *own_file;   /* our own certificate, or NULL ... */
	const char *own_key;    /* ... and its key, if it stands elsewhere */
};

/* Connects, looks at the certificate that is shown, and adds what there is to say. */
void certificate_examine(const struct certificate_of *of, struct findings *findings);

#endif
