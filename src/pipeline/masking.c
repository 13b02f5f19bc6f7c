/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Masks are part of the shape of tables: they are chosen after the pack and before the tables are looked at. */
#include "pipeline/masking.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/memory.h"
#include "run.h"

int masking_new(const struct pipeline_options *options, const struct pack *pack, struct masks **ret, struct error *err)
{
	struct mask_options wanted = {
		.site = options->masks,
		.site_count = options->mask_count,
		.classes = options->mask_classes,
		.class_count = options->mask_class_count,
		.key = options->mask_key,
	};
	unsigned count = 0;
	const struct pack_mask *masks = pack ? pack_masks(pack, &count) : NULL;
	struct mask_rule *rules = MEM_ARRAY(struct mask_rule, count + 1);
	int result;

	for (unsigned i = 0; i < count; i++)
		rules[i] = (struct mask_rule){.columns = masks[i].columns, .what = masks[i].what};
	wanted.pack = rules;
	wanted.pack_count = count;
	result = masks_new(ret, &wanted, err);
	free(rules);
	return result;
}

int masking_with_key(const struct pipeline_options *options, struct masks **ret, struct error *err)
{
	const struct mask_rule any = {.columns = "encrypted.value", .what = "encrypt"};
	struct mask_options wanted = {.site = &any, .site_count = 1, .key = options->mask_key};

	return masks_new(ret, &wanted, err);
}

/* A core file would have what the server sent. */
static void forbid_core_files(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

int masking_choose(struct pipeline *p, struct error *err)
{
	struct masks *masks;

	if (masking_new(p->options, p->pack, &masks, err) < 0)
		return -1;
	masks_free(p->masks);
	p->masks = masks;
	catalog_mask(p->catalog, masks_any(masks) ? masks_shape : NULL, masks);
	if (masks_any(masks))
		forbid_core_files();
	return 0;
}

struct unused {
	const struct pipeline *p;
	struct error *err;  /* NULL: warn */
	unsigned count;
};

static void tell_unused(void *arg, const struct mask_rule *rule)
{
	struct unused *unused = arg;

	if (!unused->err)
		log_warning(unused->p->options->name, "masking.columns: '%s' fits no column of a captured table", rule->columns);
	else if (!unused->count)
		masking_refuse(rule, unused->err);
	unused->count++;
}

int masking_refuse(const struct mask_rule *rule, struct error *err)
{
	error_set(err, ERROR_INPUT, "%s%smasking.columns: '%s' fits no column of a captured table: what it is meant for would be published "
		  "as it is", rule->place ? rule->place : "", rule->place ? ": " : "", rule->columns);
	return error_hint(err, "correct the name, or take the line out");
}

int masking_tell(struct pipeline *p, bool first, struct error *err)
{
	struct unused unused = {.p = p, .err = first ? err : NULL};

	if (first || !p->masks_told)
		masks_unused(p->options->masks, p->options->mask_count, p->versions, p->table_count, tell_unused, &unused);
	p->masks_told |= !first;
	return first && unused.count ? -1 : 0;
}

/*
 * Where the reading of a table stands is told by its last key, as the source has it: nothing that the state file may have if
 * keys are masked. What cannot be opened any more (with another masking key) is no place: the table is read from its beginning.
 */
int masking_put_mark(struct pipeline *p, struct view mark, struct writer *to, struct error *err)
{
	struct view sealed = mark;
	struct arena arena;
	int result = 0;

	arena_init(&arena);
	if (mark.len && masks_keyed(p->masks))
		result = masks_seal(p->masks, mark, &arena, &sealed, err);
	if (result == 0)
		wr_view_bytes(to, sealed);
	arena_done(&arena);
	return result;
}

void masking_get_mark(struct pipeline *p, struct view kept, struct writer *to)
{
	struct view mark = kept;
	struct arena arena;

	arena_init(&arena);
	wr_clear(to);
	if (!masks_keyed(p->masks) || masks_unseal(p->masks, kept, &arena, &mark) == 0)
		wr_view_bytes(to, mark);
	arena_done(&arena);
}
