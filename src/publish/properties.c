/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* What librdkafka itself says about a property. */
#include "publish/properties.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/diagnostics.h"
#include "base/memory.h"
#include "client.h"

static const char *const ours[] = {
	"allow.auto.create.topics", "auto.offset.reset", "enable.auto.commit", "enable.idempotence",
	"enable.partition.eof",
	"isolation.level", "log.queue", "transactional.id",
};

static void suggest(rd_kafka_conf_t *conf, const char *name, char *words, size_t size)
{
	size_t count;
	const char **dump = rd_kafka_conf_dump(conf, &count);
	const char **names = MEM_ARRAY(const char *, count / 2);
	const char *meant;

	for (size_t i = 0; i < count / 2; i++)
		names[i] = dump[2 * i];
	meant = diag_did_you_mean(view_of(name), names, count / 2);
	snprintf(words, size, "%s", meant ? meant : "");
	rd_kafka_conf_dump_free(dump, count);
	free(names);
}

enum property_fault kafka_property_check(const struct kafka_property *property, char *words, size_t size)
{
	rd_kafka_conf_t *conf;
	rd_kafka_conf_res_t result;

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(property->name, ours[i]) == 0)
			return PROPERTY_OURS;
	conf = rd_kafka_conf_new();
	result = rd_kafka_conf_set(conf, property->name, property->value, words, size);
	if (result == RD_KAFKA_CONF_UNKNOWN)
		suggest(conf, property->name, words, size);
	words[strcspn(words, "\n")] = '\0';
	rd_kafka_conf_destroy(conf);
	return result == RD_KAFKA_CONF_OK	 ? PROPERTY_FITS
	       : result == RD_KAFKA_CONF_UNKNOWN ? PROPERTY_UNKNOWN
						 : PROPERTY_VALUE;
}
