/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Real certificates for a test, in a folder of their own that goes with the process. */
#ifndef SYSTEM_CERTIFICATES_H
#define SYSTEM_CERTIFICATES_H

/* The folder, which others may read; there once certificates_begin has returned. */
extern char certs[200];

/* Makes the folder, and two authorities, `ca` and `other`: name.key and name.pem. */
void certificates_begin(void);

/* name.key and name.pem for this address, signed by `ca`; `validity` as openssl takes it ("-days 30"). */
void certificates_make(const char *name, const char *subject, const char *validity);

/* Runs a command; fails the test, which says what it was, unless it ends with 0. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
