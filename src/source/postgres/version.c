/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

#include "version.h"

static const int since[] = {
	[PG_INCLUDED_COLUMNS] = 110000,    [PG_PUBLISHED_TRUNCATE] = 110000, [PG_GENERATED_COLUMNS] = 120000,
	[PG_SLOT_COPY] = 120000,           [PG_LOG_STATISTICS] = 140000,     [PG_WIDE_XIDS] = 130000,
	[PG_ROOT_PUBLISHED] = 130000,      [PG_DETACH_PENDING] = 140000,
	[PG_SLOT_STATUS] = 130000,         [PG_LOGICAL_MESSAGES] = 140000,   [PG_BINARY_VALUES] = 140000,
	[PG_IDLE_LIMIT] = 140000,          [PG_PLACE_RANGES] = 140000,
	[PG_TWO_PHASE_SLOTS] = 140000,     [PG_ROW_FILTERS] = 150000,        [PG_ORIGIN_FILTER] = 160000,
	[PG_STANDBY_DECODING] = 160000,    [PG_INVALIDATION_REASON] = 170000, [PG_TRANSACTION_LIMIT] = 170000,
	[PG_FAILOVER_SLOTS] = 170000,      [PG_PUBLISHED_GENERATED] = 180000,
};

bool pg_has(int version, enum pg_feature feature)
{
	return version >= since[feature];
}

int pg_since(enum pg_feature feature)
{
	return since[feature] / 10000;
}
