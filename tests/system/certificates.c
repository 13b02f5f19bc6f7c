/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* By openssl's command, as an administrator would. */
#include "system/certificates.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/harness.h"

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"

char certs[200];

void shell(const char *format, ...)
{
	char *command;
	va_list args;

	va_start(args, format);
	if (vasprintf(&command, format, args) < 0)
		abort();
	va_end(args);
	if (system(command) != 0)
		harness_fail(NULL, command);
	free(command);
}

static void remove_all(void)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", certs);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", certs);
}

static void make_authority(const char *name)
{
	shell("cd %s && openssl req -x509 " NEW_KEY " -keyout %s.key -out %s.pem -days 30 -subj /CN=%s 2>/dev/null", certs, name, name, name);
}

void certificates_begin(void)
{
	snprintf(certs, sizeof(certs), "/tmp/tailwater-certs-%d", (int)getpid());
	shell("mkdir -m 755 %s", certs);
	atexit(remove_all);
	make_authority("ca");
	make_authority("other");
}

void certificates_make(const char *name, const char *subject, const char *validity)
{
	shell("cd %s && openssl req " NEW_KEY " -keyout %s.key -out %s.csr -subj /CN=%s 2>/dev/null && printf 'subjectAltName=IP:127.0.0.1\\n' >ext && "
	      "openssl x509 -req -in %s.csr -CA ca.pem -CAkey ca.key %s -extfile ext -out %s.pem 2>/dev/null", certs, name, name, subject, name,
	      validity, name);
}
