/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Files of tzdata under any bytes: whatever they say, every local time becomes some time. */
#include "fuzz.h"

#include "base/clock.h"
#include "base/datetime.h"
#include "canonical/zone.h"

#define YEAR_US (INT64_C(31556952) * USEC_PER_SEC)

static const int64_t times[] = {
	INT64_MIN, INT64_MIN + 1, -9000 * YEAR_US, -100 * YEAR_US, -1, 0, 1, 20 * YEAR_US, 50 * YEAR_US,
	50 * YEAR_US + YEAR_US / 3, 50 * YEAR_US + YEAR_US / 2, 67 * YEAR_US + YEAR_US / 4, 9000 * YEAR_US,
	INT64_MAX - 1, INT64_MAX,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zone *zone = zone_parse(fuzz_view(data, size));

	for (size_t i = 0; zone && i < sizeof(times) / sizeof(times[0]); i++)
		zone_to_utc(zone, times[i]);
	zone_free(zone);
	return 0;
}
