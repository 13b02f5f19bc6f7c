/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * Where things go: which tables are captured (those with change topics and those that the mapping reads), and what is done
 * with each table version.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "run.h"

static bool matches_any(const char *const *patterns, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (fnmatch(patterns[i], text, 0) == 0)
			return true;
	return false;
}

bool pipeline_publishes(const struct pipeline_options *options, const char *schema, const char *name)
{
	char text[300];

	snprintf(text, sizeof(text), "%s.%s", schema, name);
	return matches_any(options->include, options->include_count, text) &&
	       !matches_any(options->exclude, options->exclude_count, text);
}

int pipeline_check_names(const struct pipeline_options *options, const struct source_ops *ops, struct source *source, struct error *err)
{
	const char **names = MEM_ARRAY(const char *, options->include_count);
	size_t count = 0;
	int result;

	for (size_t i = 0; i < options->include_count; i++)
		if (!strpbrk(options->include[i], "*?[\\") &&
		    !matches_any(options->exclude, options->exclude_count, options->include[i]))
			names[count++] = options->include[i];
	result = count && ops->check_names ? ops->check_names(source, names, count, err) : 0;
	free(names);
	return result;
}

bool pipeline_mirrors(const struct pipeline_options *options, const char *schema, const char *name)
{
	char text[300];

	snprintf(text, sizeof(text), "%s.%s", schema, name);
	return matches_any(options->mirror, options->mirror_count, text) && pipeline_publishes(options, schema, name);
}

bool pipeline_publishes_column(const struct pipeline_options *options, const struct table *table,
			       const struct column *column)
{
	char text[400];

	snprintf(text, sizeof(text), "%s.%s.%s", table->schema, table->name, column->name);
	return !matches_any(options->exclude_columns, options->exclude_column_count, text);
}

bool routes_column_wanted(const void *arg, const struct table *table, const struct column *column)
{
	return pipeline_publishes_column(arg, table, column);
}

/*
 * Of the columns that the mapping reads, those that the table has. One that is gone makes the table stale, if the
 * mirror has it; if not, the mapping was not compiled.
 */
static struct source_table wanted_table(struct pipeline *p, const struct mirror_need *need, const struct table *version)
{
	struct source_table wanted = {.schema = version->schema, .name = version->name};
	const char **columns;

	if (!need)
		return wanted;
	columns = ARENA_ARRAY(&p->mapping_arena, const char *, need->column_count + 1);
	for (unsigned i = 0; i < need->column_count; i++)
		if (table_column(version, need->columns[i]) >= 0)
			columns[wanted.column_count++] = need->columns[i];
	wanted.columns = columns;
	return wanted;
}

/* All columns of a table that has a key to find its rows by; one whose log has whole rows needs no help. */
static void need_whole(struct pipeline *p, const struct table *version)
{
	const struct mirror_need *mapped = mapping_need(p->mapping, version->schema, version->name);
	const char **columns = ARENA_ARRAY(&p->mapping_arena, const char *, version->column_count + 1);
	struct mirror_need *need = (struct mirror_need *)routes_need(p, version->schema, version->name);

	if (!version->key_count || (!mapped && version->identity == IDENTITY_FULL && !p->source_ops->cuts_images))
		return;
	if (!need)
		need = &p->needs[p->need_count++];
	for (unsigned i = 0; i < version->column_count; i++)
		columns[i] = version->columns[i].name;
	*need = (struct mirror_need){.schema = version->schema, .name = version->name, .columns = columns,
				     .column_count = version->column_count};
	if (mapped) {
		need->indexes = mapped->indexes;
		need->index_count = mapped->index_count;
	}
}

/* What the mirror needs: what the mapping reads, and the tables that are mirrored whole. */
static void collect_needs(struct pipeline *p, size_t listed)
{
	const struct mirror_need *mapped = p->mapping ? mapping_needs(p->mapping, &p->need_count) : NULL;

	if (!mapped)
		p->need_count = 0;
	p->needs = ARENA_ARRAY(&p->mapping_arena, struct mirror_need, p->need_count + listed + 1);
	if (p->need_count)
		memcpy(p->needs, mapped, sizeof(*mapped) * p->need_count);
	for (size_t i = 0; i < listed; i++)
		if (pipeline_mirrors(p->options, p->versions[i]->schema, p->versions[i]->name))
			need_whole(p, p->versions[i]);
}

const struct mirror_need *routes_need(const struct pipeline *p, const char *schema, const char *name)
{
	for (unsigned i = 0; i < p->need_count; i++)
		if (strcmp(p->needs[i].schema, schema) == 0 && strcmp(p->needs[i].name, name) == 0)
			return &p->needs[i];
	return NULL;
}

/* The wanted ones of the tables that the server has, and their versions. */
static void choose_tables(struct pipeline *p, size_t listed)
{
	free(p->tables);
	p->tables = MEM_ARRAY(struct source_table, listed);
	p->table_count = 0;
	for (size_t i = 0; i < listed; i++) {
		const char *schema = p->listing[i].schema, *name = p->listing[i].name;
		const struct mirror_need *need = routes_need(p, schema, name);
		bool published = pipeline_publishes(p->options, schema, name);

		if (!published && !need)
			continue;
		p->tables[p->table_count] = wanted_table(p, need, p->versions[i]);
		p->versions[p->table_count++] = p->versions[i];
	}
}

/* All tables as they are, for the mapping to be compiled against. */
static int capture_all(struct pipeline *p, size_t *ret_listed, struct error *err)
{
	free(p->listing);
	p->listing = NULL;
	if (p->source_ops->list(p->source, &p->listing, ret_listed, err) < 0)
		return -1;
	free(p->tables);
	p->tables = MEM_ARRAY(struct source_table, *ret_listed);
	for (size_t i = 0; i < *ret_listed; i++)
		p->tables[i] = (struct source_table){.schema = p->listing[i].schema, .name = p->listing[i].name};
	free(p->versions);
	p->versions = MEM_ARRAY(const struct table *, *ret_listed);
	return p->source_ops->capture(p->source, p->tables, *ret_listed, p->versions, err);
}

/* Complaints of the mapping as one error; all of them go to standard error first. */
int routes_complain(struct pipeline *p, const char *what, struct error *err)
{
	fwrite(p->diag.text.data ? p->diag.text.data : "", 1, p->diag.text.len, stderr);
	return error_set(err, ERROR_INPUT, "%s: %u error%s", what, p->diag.errors, p->diag.errors == 1 ? "" : "s");
}

struct mapping *routes_try_mapping(struct pipeline *p, const struct table *const *tables, unsigned count,
				   struct diagnostics *diag)
{
	struct mapping_options options = {
		.pack = p->pack,
		.instance = p->options->instance,
		.contract = p->contract,
		.tables_known = true,
		.tables = tables,
		.table_count = count,
		.history = p->options->history,
		.history_count = p->options->history_count,
	};

	return mapping_compile(&options, diag);
}

/* Against the tables as the mirror remembers them: one that the source has changed since is stale, not a mistake. */
static int compile_mapping(struct pipeline *p, size_t listed, struct error *err)
{
	const struct table *const *tables;
	unsigned count;

	arena_reset(&p->mapping_arena);
	if (!p->pack)
		return 0;
	if (mirror_remember(p->db, p->versions, (unsigned)listed, &p->mapping_arena, &tables, &count, err) < 0)
		return -1;
	p->mapping = routes_try_mapping(p, tables, count, &p->diag);
	return p->mapping ? 0 : routes_complain(p, "the mapping pack is wrong", err);
}

/* What was decided is about the tables as they were when all were listed. */
static int capture_chosen(struct pipeline *p, struct error *err)
{
	const struct table **before = MEM_ARRAY(const struct table *, p->table_count);
	int result;

	for (size_t i = 0; i < p->table_count; i++)
		before[i] = p->versions[i];
	result = p->source_ops->capture(p->source, p->tables, p->table_count, p->versions, err);
	for (size_t i = 0; i < p->table_count && result == 0; i++)
		if (before[i] != p->versions[i])
			result = error_set(err, ERROR_TRANSIENT, "table %s.%s was altered during the start", p->tables[i].schema,
					   p->tables[i].name);
	free(before);
	return result;
}

int routes_capture(struct pipeline *p, struct error *err)
{
	size_t listed = 0;

	if (pipeline_check_names(p->options, p->source_ops, p->source, err) < 0)
		return -1;
	if (capture_all(p, &listed, err) < 0 || loads_prepare(p, listed, err) < 0 || compile_mapping(p, listed, err) < 0)
		return -1;
	collect_needs(p, listed);
	if (loads_widen(p, err) < 0)
		return -1;
	choose_tables(p, listed);
	if (p->table_count == 0) {
		error_set(err, ERROR_INPUT, "no table of the database is captured");
		return error_hint(err, "name some under tables.include, or give a mapping.pack");
	}
	return layouts_keep(p, err) < 0 ? -1 : capture_chosen(p, err);
}

static void reserve_routes(struct pipeline *p, unsigned count)
{
	if (count <= p->route_count)
		return;
	p->routes = mem_resize(p->routes, count, sizeof(*p->routes));
	memset(p->routes + p->route_count, 0, (count - p->route_count) * sizeof(*p->routes));
	p->route_count = count;
}

/* A later version of a table keeps the topic of the first. */
static struct topic *topic_of_table(struct pipeline *p, const struct table *table)
{
	for (size_t i = 0; i < p->table_count; i++)
		if (p->versions[i]->source_id == table->source_id && route_of(p, p->versions[i])->plan)
			return route_of(p, p->versions[i])->plan->topic;
	return NULL;
}

static bool is_whole(struct pipeline *p, const char *mapped_name)
{
	const char *dot = strchr(mapped_name, '.');
	char schema[400];

	if (dot)
		snprintf(schema, sizeof(schema), "%.*s", (int)(dot - mapped_name), mapped_name);
	else
		snprintf(schema, sizeof(schema), "%s", mirror_usual_schema());
	return mirror_state_of(p->mirror, schema, dot ? dot + 1 : mapped_name, NULL) == MIRROR_WHOLE;
}

/* The entities that read a table which is not what the source has are not evaluated: wrong is worse than late. */
void routes_hold(struct pipeline *p)
{
	unsigned count;
	const struct entity *const *entities;

	status_mirror(p);
	if (!p->mapping || !p->entity_routes)
		return;
	entities = mapping_entities(p->mapping, &count);
	for (unsigned i = 0; i < count; i++) {
		struct entity_route *route = &p->entity_routes[entities[i]->index];

		route->held = false;
		for (unsigned j = 0; j < entities[i]->depend_count; j++)
			route->held |= !is_whole(p, entities[i]->depends[j]);
		if (p->touch)
			touch_hold(p->touch, entities[i], route->held);
	}
}

/*
 * A version that does not fit is dealt with when a row of it comes (load_settle), at its place in the log, so that a replay
 * comes to the same: the catalogue may know of it long before that.
 */
static int declare_mirrored(struct pipeline *p, const struct table *table, struct route *route, struct error *err)
{
	enum mirror_state state;
	bool fits;

	if (!p->mirror)
		return 0;
	state = mirror_state_of(p->mirror, table->schema, table->name, NULL);
	route->mirrored = state != MIRROR_NONE;
	if (mirror_fits(p->mirror, table, &fits, err) < 0 || (fits && mirror_declare(p->mirror, table, &state, err) < 0))
		return -1;
	route->unfit = !fits;
	route->whole = route->mirrored && pipeline_mirrors(p->options, table->schema, table->name);
	route->touches = fits && route->mirrored && p->touch && touch_wants(p->touch, table);
	routes_hold(p);
	return 0;
}

int route_table(struct pipeline *p, const struct table *table, struct error *err)
{
	struct route *route;

	if (masks_check(table, err) < 0)
		return -1;
	reserve_routes(p, table->uid + 1);
	route = route_of(p, table);
	if (!route->known && pipeline_publishes(p->options, table->schema, table->name)) {
		route->plan = encode_plan_new(p->encoder, table, err);
		if (!route->plan)
			return -1;
		route->plan->topic = topic_of_table(p, table);
	}
	route->known = true;
	return declare_mirrored(p, table, route, err);
}

void routes_free(struct pipeline *p)
{
	unsigned count = 0;

	for (unsigned i = 0; i < p->route_count; i++)
		encode_plan_free(p->routes[i].plan);
	free(p->routes);
	p->routes = NULL;
	p->route_count = 0;
	if (p->mapping)
		mapping_entities(p->mapping, &count);
	for (unsigned i = 0; p->entity_routes && i < count; i++) {
		free(p->entity_routes[i].event_topics);
		free(p->entity_routes[i].event_tallies);
		free(p->entity_routes[i].event_keys);
		free(p->entity_routes[i].event_messages);
	}
	free(p->entity_routes);
	p->entity_routes = NULL;
	arena_reset(&p->route_arena);
}
