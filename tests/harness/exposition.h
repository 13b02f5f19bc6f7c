/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Prometheus' text format 0.0.4, checked line by line as a scraper would read it, with the conventions for names: HELP
 * and TYPE stand once above the samples of each name, a counter ends in _total, no sample stands twice.
 */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <stdbool.h>

/* NULL if all of it is right, otherwise what is wrong with which line, in a static buffer. */
const char *exposition_fault(const char *text);

/* The value of a sample, as it stands there with its labels: "tailwater_ready", "x{a=\"b\"}". False if there is none. */
bool exposition_value(const char *text, const char *sample, double *ret);

#endif
