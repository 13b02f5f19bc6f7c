/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Looking without touching. */
#include "site.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "pipeline/masking.h"
#include "registry/client.h"
#include "state/db.h"
#include "state/shapes.h"

#define REGISTRY_ANSWER_US (10 * USEC_PER_SEC)

void site_done(struct site *site)
{
	mapping_free(site->mapping);
	pack_free(site->pack);
	contract_free(site->contract);
	if (site->source)
		site->source_ops->close(site->source);
	free(site->captured);
	free(site->captured_versions);
	free(site->listing);
	free(site->tables);
	catalog_free(site->catalog);
	masks_free(site->masks);
	db_close(site->db);
	diag_done(&site->diag);
}

void site_complain(struct site *site)
{
	fwrite(wr_view(&site->diag.text).ptr, 1, site->diag.text.len, stderr);
	wr_clear(&site->diag.text);
}

static int describe_all(struct site *site, size_t listed, struct error *err)
{
	struct source_table *all = MEM_ARRAY(struct source_table, listed + 1);
	int result;

	for (size_t i = 0; i < listed; i++)
		all[i] = (struct source_table){.schema = site->listing[i].schema, .name = site->listing[i].name};
	site->tables = MEM_ARRAY(const struct table *, listed + 1);
	site->table_count = (unsigned)listed;
	result = site->source_ops->capture(site->source, all, listed, site->tables, err);
	free(all);
	return result;
}

static void load_pack(struct site *site)
{
	if (!site->pack_read && site->options->pack)
		site->pack = pack_load(site->options->pack, site->options->overlay, &site->diag);
	site->pack_read = true;
}

/* A pack that cannot be read is complained of when it is compiled. */
static int describe_masked(struct site *site, struct error *err)
{
	load_pack(site);
	site->catalog = catalog_new();
	if (masking_new(site->options, site->pack, &site->masks, err) < 0)
		return -1;
	catalog_mask(site->catalog, masks_any(site->masks) ? masks_shape : NULL, site->masks);
	return 0;
}

int site_connect(struct site *site, struct error *err)
{
	size_t listed = 0;

	if (describe_masked(site, err) < 0)
		return -1;
	site->source_ops = source_find(site->options->source_type);
	if (site->source_ops->open(&site->source, &site->options->source, site->catalog, err) < 0 ||
	    site->source_ops->identify(site->source, &site->identity, err) < 0 ||
	    pipeline_check_names(site->options, site->source_ops, site->source, err) < 0 ||
	    site->source_ops->list(site->source, &site->listing, &listed, err) < 0 ||
	    describe_all(site, listed, err) < 0)
		return -1;
	site->tables_known = true;
	return 0;
}

int site_open_state(struct site *site, bool tables, struct error *err)
{
	if (access(site->options->state_path, F_OK) < 0 && errno == ENOENT) {
		error_set(err, ERROR_TRANSIENT, "cannot open state file '%s': there is none", site->options->state_path);
		return error_hint(err, "the first start of the agent makes it; if it was lost, or stands elsewhere: state.file, and `tailwater help "
				       "snapshot`");
	}
	if (access(site->options->state_path, R_OK) < 0 && errno == EACCES) {
		error_set(err, ERROR_TRANSIENT, "cannot open state file '%s': %s", site->options->state_path, strerror(errno));
		return error_hint(err, "run this as the agent's user, whom it belongs to");
	}
	if (db_open_reader(site->options->state_path, &site->db, err) < 0)
		return -1;
	if (!tables)
		return 0;
	site->catalog = catalog_new();
	site->tables_known = true;
	return shapes_load(site->db, site->catalog, &site->tables, &site->table_count, err);
}

int site_compile(struct site *site)
{
	struct mapping_options options = {
		.instance = site->options->instance,
		.tables_known = site->tables_known,
		.tables = site->tables,
		.table_count = site->table_count,
		.history = site->options->history,
		.history_count = site->options->history_count,
	};

	site->contract = contract_load(site->options->schemas, &site->diag);
	load_pack(site);
	if (!site->contract || !site->pack)
		return -1;
	options.contract = site->contract;
	options.pack = site->pack;
	site->mapping = mapping_compile(&options, &site->diag);
	return site->mapping ? 0 : -1;
}

int site_capture(struct site *site, struct error *err)
{
	site->captured_versions = MEM_ARRAY(const struct table *, site->table_count + 1);
	site->captured = MEM_ARRAY(struct source_table, site->table_count + 1);
	for (unsigned i = 0; i < site->table_count; i++) {
		const struct source_listing *table = &site->listing[i];
		const struct mirror_need *need = mapping_need(site->mapping, table->schema, table->name);
		bool whole = pipeline_mirrors(site->options, table->schema, table->name);

		if (need || pipeline_publishes(site->options, table->schema, table->name))
			site->captured[site->captured_count++] = (struct source_table){
				.schema = table->schema,
				.name = table->name,
				.columns = need && !whole ? need->columns : NULL,
				.column_count = need && !whole ? need->column_count : 0,
			};
	}
	return site->source_ops->capture(site->source, site->captured, site->captured_count, site->captured_versions, err);
}

bool site_lacks_identity(const struct site *site)
{
	for (size_t i = 0; i < site->captured_count; i++)
		if (table_has_no_identity(site->captured_versions[i]))
			return true;
	return false;
}

static void note_rule(void *arg, const struct mask_rule *rule)
{
	const struct mask_rule **first = arg;

	*first = *first ? *first : rule;
}

const struct mask_rule *site_idle_mask(const struct site *site)
{
	const struct mask_rule *first = NULL;

	masks_unused(site->options->masks, site->options->mask_count, site->captured_versions, site->captured_count, note_rule, &first);
	return first;
}

int site_check_folder(const struct pipeline_options *options, struct error *err)
{
	char *path = mem_text(view_of(options->state_path)), *folder = dirname(path);
	int result = access(folder, W_OK | X_OK);

	if (result < 0) {
		error_set(err, ERROR_INPUT, "no state file can be written in %s (state.file): %s", folder, strerror(errno));
		error_hint(err, "make this folder, and let it belong to the agent's user; or correct state.file");
	}
	free(path);
	return result;
}

int site_ask_registry(const struct site *site, char level[40], struct error *err)
{
	struct registry_request request = {.question = REGISTRY_LEVEL};
	struct registry_options options = site->options->registry;
	struct registry_answer answer;
	struct registry *registry;
	int result;

	options.patience_us = REGISTRY_ANSWER_US;
	if (registry_new(&registry, &options, err) < 0)
		return -1;
	result = registry_get(registry, &request, &answer, err);
	if (result == 0)
		snprintf(level, 40, "%.*s", answer.found ? (int)answer.level.len : 7,
			 answer.found ? answer.level.ptr : "unknown");
	registry_free(registry);
	return result;
}
