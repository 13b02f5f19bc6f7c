/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Log lines: one line for each event, as text or JSON, to standard error. Library folders return errors and stay
 * silent; pipeline and control log, each failure once. A line begins with who speaks (the source's name).
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* From now on, in all threads: the form of lines, and the last level that is written. At first LOG_TEXT, LOG_INFO. */
void log_setup(enum log_format format, enum log_level most);

/* `who` may be NULL. The message is lower case, no full stop, names quoted. Thread-safe. */
void log_write(enum log_level level, const char *who, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A line of level LOG_ERROR with the error's state, text and hint. */
void log_error(const char *who, const struct error *err);

/*
 * A line that stays the last one of the terminal, or NULL: there is none from now on. Without a terminal that moves its cursor
 * (and with lines in JSON) nothing is shown.
 */
void log_bar(const char *text);

/* How many columns it may have; 0: none is shown. */
unsigned log_bar_width(void);

#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
