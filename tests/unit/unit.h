/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What every unit test includes: cmocka with the headers it needs, a list form in which a test's name is a sentence,
 * and assertions in our words.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/view.h"

/* {"a sentence", function} in a `const struct CMUnitTest[]`. */
#define TEST(sentence, function) {(sentence), (function), NULL, NULL, NULL}
#define TEST_WITH(sentence, function, setup, teardown) {(sentence), (function), (setup), (teardown), NULL}

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Names the row of a table at which an assertion fails. */
#define FOR_EACH(row, table) \
	for (size_t row##_i = 0; row##_i < COUNT_OF(table); row##_i++) \
		for (const __typeof__((table)[0]) *row = &(table)[row##_i]; row; row = NULL)

#define assert_view(actual, text) \
	do { \
		struct view actual_ = (actual); \
		char copy_[512]; \
		snprintf(copy_, sizeof(copy_), "%.*s", VIEW_ARG(actual_)); \
		assert_string_equal(copy_, (text)); \
	} while (0)

#define assert_ok(call, err) \
	do { \
		if ((call) < 0) \
			fail_msg("%s: %s", #call, (err)->text); \
	} while (0)

#endif
