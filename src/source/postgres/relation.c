/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/* Relations into table versions. */
#include "relation.h"

#include <stdlib.h>

#include "base/memory.h"
#include "binary.h"
#include "schema/catalog.h"


void pg_relations_init(struct pg_relations *set, struct catalog *catalog, struct pg_facts facts)
{
	*set = (struct pg_relations){.catalog = catalog, .facts = facts};
	arena_init(&set->arena);
}

void pg_relations_done(struct pg_relations *set)
{
	for (struct map_entry *entry = NULL; (entry = map_next(&set->type_names, entry));)
		free(entry->value);
	map_done(&set->captured);
	map_done(&set->tables);
	map_done(&set->type_names);
	arena_done(&set->arena);
}

static struct view oid_key(const uint32_t *oid)
{
	return (struct view){(const char *)oid, sizeof(*oid)};
}

static struct view copy_oid(struct pg_relations *set, uint32_t oid)
{
	return arena_copy(&set->arena, oid_key(&oid));
}

void pg_relations_capture_none(struct pg_relations *set)
{
	map_clear(&set->captured);
	map_clear(&set->tables);
	set->last = NULL;
}

void pg_relations_capture(struct pg_relations *set, const char *schema, const char *name)
{
	map_put(&set->captured, arena_printf(&set->arena, "%s.%s", schema, name), set);
}

static bool is_captured(const struct pg_relations *set, const char *schema, const char *name, struct arena *arena)
{
	return map_get(&set->captured, arena_printf(arena, "%s.%s", schema, name)) != NULL;
}

void pg_relations_type(struct pg_relations *set, uint32_t oid, struct view name)
{
	char *before = map_get(&set->type_names, oid_key(&oid));

	if (before && view_is(name, before))
		return;
	map_put(&set->type_names, copy_oid(set, oid), mem_text(name));
	free(before);
}

/* What a column's type is to us: its row of the type table, name and modifier. */
struct resolved {
	const struct pg_type *type;
	bool array;              /* of that type */
	bool domain;             /* over it: the name is the domain's */
	const char *name;
	const char *labels;      /* of an enum; or NULL */
	uint32_t oid;
	int32_t modifier;
};

/* Built in: the row is enough. */
static bool resolve_by_oid(uint32_t oid, int32_t modifier, struct resolved *ret)
{
	ret->oid = oid;
	ret->modifier = modifier;
	ret->type = pg_type_find(oid, modifier);
	if (ret->type)
		return true;
	ret->type = pg_type_find_array(oid, modifier);
	ret->array = ret->type != NULL;
	if (ret->array)
		ret->oid = ret->type->oid;
	return ret->array;
}

/* An enum, or a type of an extension; false: neither. */
static bool resolve_row(const struct pg_type_fact *fact, struct resolved *ret)
{
	ret->type = fact->kind == 'e' ? &pg_type_enum : fact->kind == 'b' ? pg_type_find_extension(fact->name) : NULL;
	ret->labels = fact->labels;
	return ret->type != NULL;
}

/* What the catalogue says of a type that is not built in; an array is told by its elements. */
static int resolve_bottom(struct pg_relations *set, const struct pg_type_fact *fact, struct resolved *ret, struct error *err)
{
	const struct pg_type_fact *element = NULL;

	if (!resolve_row(fact, ret) && fact->element) {
		if (set->facts.type(set->facts.context, fact->element, &element, err) < 0)
			return -1;
		ret->array = element && resolve_row(element, ret);
		if (ret->array && !ret->domain)
			ret->name = element->name;
	}
	if (!ret->type)
		ret->type = &pg_type_other;
	return 0;
}

/* A domain is what is at its bottom. */
static int resolve_by_fact(struct pg_relations *set, const struct pg_type_fact *fact, struct resolved *ret,
			   struct error *err)
{
	const struct pg_type_fact *bottom = fact;

	ret->name = fact->name;
	ret->domain = fact->kind == 'd';
	if (ret->domain) {
		if (resolve_by_oid(fact->base, fact->modifier, ret))
			return 0;
		if (set->facts.type(set->facts.context, fact->base, &bottom, err) < 0)
			return -1;
	}
	if (bottom)
		return resolve_bottom(set, bottom, ret, err);
	ret->type = &pg_type_other;
	return 0;
}

/* The catalogue knows the type best; the log's own word for it serves when the type is gone by now. */
static int resolve_type(struct pg_relations *set, const struct pg_column *column, struct resolved *ret,
			struct error *err)
{
	const struct pg_type_fact *fact = NULL;
	const char *told;
	int found;

	*ret = (struct resolved){0};
	if (resolve_by_oid(column->type, column->modifier, ret)) {
		ret->name = ret->type->name;
		return 0;
	}
	found = set->facts.type(set->facts.context, column->type, &fact, err);
	if (found < 0)
		return -1;
	if (found)
		return resolve_by_fact(set, fact, ret, err);
	told = map_get(&set->type_names, oid_key(&column->type));
	ret->name = told ? told : "unknown";
	ret->type = told ? pg_type_find_name(told, column->modifier) : NULL;
	if (!ret->type)
		ret->type = &pg_type_other;
	return 0;
}

/* Declared with several dimensions, it has no form but its text. */
static void settle_array(const struct pg_attribute_fact *attribute, struct resolved *resolved)
{
	if (!resolved->array || attribute->dimensions < 2)
		return;
	resolved->array = false;
	resolved->type = &pg_type_other;
}

/* The number of digits that money has is a fact, too. */
static int settle_money(struct pg_relations *set, struct resolved *resolved, struct error *err)
{
	int digits = 0;

	if (!pg_type_is_money(resolved->type))
		return 0;
	if (set->facts.money_digits(set->facts.context, &digits, err) < 0)
		return -1;
	resolved->type = pg_type_money(digits);
	if (resolved->type)
		return 0;
	error_set(err, ERROR_INPUT, "a column of type money, whose amounts have %d digits behind the point by the database's "
		  "lc_monetary: only 0, 2 and 3 are known", digits);
	return error_hint(err, "exclude the table, or make the column numeric");
}

static struct column column_of(const struct pg_column *from, const struct resolved *resolved, int number, struct arena *arena)
{
	const char *name = pg_type_print(resolved->name, resolved->oid, resolved->modifier, arena);
	struct type type = pg_type_of(resolved->type, resolved->modifier);
	bool array = resolved->array;

	return (struct column){
		.name = from->name,
		.type = array ? (struct type){.kind = TYPE_ARRAY} : type,
		.element = array ? type : (struct type){0},
		.element_from_text = array ? resolved->type->convert : NULL,
		.source_type = array && !resolved->domain ? arena_printf(arena, "%s[]", name).ptr : name,
		.source_oid = from->type,
		.source_modifier = from->modifier,
		.source_number = number,
		.identity = from->key,
		.labels = resolved->labels,
	};
}

/* A column of this name, or nothing: by now it may be gone, or another one. */
static struct pg_attribute_fact find_attribute(const struct pg_attribute_facts *attributes, const char *name)
{
	for (unsigned i = 0; i < attributes->count; i++)
		if (strcmp(attributes->facts[i].name, name) == 0)
			return attributes->facts[i];
	return (struct pg_attribute_fact){0};
}

static int build_columns(struct pg_relations *set, const struct pg_relation *relation, struct table *draft,
			 pg_convert **convert, pg_convert **binary, struct arena *arena, struct error *err)
{
	struct pg_attribute_facts attributes = {0};

	if (relation->told)
		attributes = relation->told->attributes;
	else if (set->facts.attributes(set->facts.context, relation->oid, arena, &attributes, err) < 0)
		return -1;
	for (unsigned i = 0; i < relation->column_count; i++) {
		const struct pg_column *from = &relation->columns[i];
		struct pg_attribute_fact attribute = find_attribute(&attributes, from->name);
		struct resolved resolved;

		if (resolve_type(set, from, &resolved, err) < 0 || settle_money(set, &resolved, err) < 0)
			return -1;
		settle_array(&attribute, &resolved);
		convert[i] = resolved.array ? convert_array : resolved.type->convert;
		binary[i] = resolved.array ? NULL : binary_of(resolved.type);
		draft->columns[i] = column_of(from, &resolved, attribute.number, arena);
	}
	return 0;
}

static enum identity identity_of(char identity)
{
	switch (identity) {
	case 'f':
		return IDENTITY_FULL;
	case 'i':
		return IDENTITY_INDEX;
	case 'n':
		return IDENTITY_NOTHING;
	default:
		return IDENTITY_KEY;
	}
}

/* The catalogue's order of the key, if every column of it is here and flagged as the log says. */
static bool take_key(const char *const *names, unsigned count, struct table *draft, struct arena *arena)
{
	draft->key = ARENA_ARRAY(arena, unsigned, count);
	draft->key_count = 0;
	for (unsigned i = 0; i < count; i++) {
		int column = table_column(draft, names[i]);

		if (column < 0 || !draft->columns[column].identity)
			return false;
		draft->key[draft->key_count++] = (unsigned)column;
	}
	return true;
}

static void take_flagged_columns(struct table *draft, struct arena *arena)
{
	draft->key = ARENA_ARRAY(arena, unsigned, draft->column_count);
	draft->key_count = 0;
	for (unsigned i = 0; i < draft->column_count; i++)
		if (draft->columns[i].identity)
			draft->key[draft->key_count++] = i;
}

static unsigned count_flagged(const struct table *draft)
{
	unsigned count = 0;

	for (unsigned i = 0; i < draft->column_count; i++)
		count += draft->columns[i].identity;
	return count;
}

/* 1 and the names, 0 if there are none, -1. */
static int find_key(struct pg_relations *set, const struct pg_relation *relation, struct arena *arena, const char ***ret_names,
		    unsigned *ret_count, struct error *err)
{
	if (!relation->told)
		return set->facts.key(set->facts.context, relation->oid, relation->identity, arena, ret_names, ret_count, err);
	*ret_names = relation->told->key;
	*ret_count = relation->told->key_count;
	return *ret_count > 0;
}

/*
 * With identity FULL every column is flagged, and only the catalogue knows of a primary key; otherwise the flags are
 * the truth, and the catalogue, if it agrees with them, gives their order.
 */
static int build_key(struct pg_relations *set, const struct pg_relation *relation, struct table *draft,
		     struct arena *arena, struct error *err)
{
	const char **names = NULL;
	unsigned count = 0;
	int found = find_key(set, relation, arena, &names, &count, err);
	bool agrees;

	if (found < 0)
		return -1;
	agrees = found && take_key(names, count, draft, arena);
	if (draft->identity == IDENTITY_FULL) {
		if (!agrees)
			draft->key_count = 0;
	} else if (!agrees || draft->key_count != count_flagged(draft)) {
		take_flagged_columns(draft, arena);
	}
	return 0;
}

static struct pg_table *entry_of(struct pg_relations *set, const struct table *table, bool captured, pg_convert **convert,
				 pg_convert **binary)
{
	struct pg_table *entry = ARENA_NEW(&set->arena, struct pg_table);

	*entry = (struct pg_table){.table = table, .captured = captured};
	entry->convert = ARENA_ARRAY(&set->arena, pg_convert *, table->column_count);
	memcpy(entry->convert, convert, sizeof(*convert) * table->column_count);
	entry->binary = ARENA_ARRAY(&set->arena, pg_convert *, table->column_count);
	memcpy(entry->binary, binary, sizeof(*binary) * table->column_count);
	return entry;
}

static struct pg_table *remember(struct pg_relations *set, uint32_t oid, const struct table *table, bool captured,
				 pg_convert **convert, pg_convert **binary)
{
	struct pg_table *entry = entry_of(set, table, captured, convert, binary);

	map_put(&set->tables, copy_oid(set, oid), entry);
	set->last = NULL;
	return entry;
}

/* Its rows would go nowhere under the other name, and what was read under this one is another table's. */
static int renamed(const struct table *captured, const struct pg_relation *relation, struct error *err)
{
	error_state(err, STATE_PUBLICATION_CHANGED, "the captured table %s.%s is called %s.%s in the log", captured->schema,
		    captured->name, relation->schema, relation->name);
	return error_hint(err, "exclude it by both names (tables.exclude), or begin anew with a new state file, slot and prefix");
}

/* The shape of the version, and how its columns are read. */
static int build(struct pg_relations *set, const struct pg_relation *relation, struct arena *arena, struct table *draft,
		 pg_convert ***ret_convert, pg_convert ***ret_binary, struct error *err)
{
	*draft = (struct table){
		.source_id = relation->oid,
		.schema = relation->schema,
		.name = relation->name,
		.columns = ARENA_ARRAY(arena, struct column, relation->column_count),
		.column_count = relation->column_count,
		.identity = identity_of(relation->identity),
	};

	*ret_convert = ARENA_ARRAY(arena, pg_convert *, relation->column_count);
	*ret_binary = ARENA_ARRAY(arena, pg_convert *, relation->column_count);
	if (build_columns(set, relation, draft, *ret_convert, *ret_binary, arena, err) < 0)
		return -1;
	return build_key(set, relation, draft, arena, err);
}

/* The log tells of a relation when it begins, and again when something about it was altered, which may be no column. */
static bool told_again(struct pg_table *entry, const struct pg_relation *relation)
{
	bool again = entry->in_log && !relation->told;

	entry->in_log |= !relation->told;
	return again;
}

static int put(struct pg_relations *set, const struct pg_relation *relation, struct arena *arena,
	       const struct pg_table **ret, bool *ret_new, struct error *err)
{
	struct pg_table *entry, *known = map_get(&set->tables, oid_key(&relation->oid));
	const struct table *table;
	pg_convert **convert, **binary;
	struct table draft;

	if (known && known->captured &&
	    (strcmp(known->table->schema, relation->schema) != 0 || strcmp(known->table->name, relation->name) != 0))
		return renamed(known->table, relation, err);
	if (build(set, relation, arena, &draft, &convert, &binary, err) < 0)
		return -1;
	table = catalog_put(set->catalog, &draft, ret_new);
	entry = known;
	if (!entry || entry->table != table)
		entry = remember(set, relation->oid, table, is_captured(set, relation->schema, relation->name, arena),
				 convert, binary);
	*ret_new |= told_again(entry, relation);
	*ret = entry;
	return 0;
}

int pg_relations_look(struct pg_relations *set, const struct pg_relation *relation, const struct pg_table **ret,
		      struct error *err)
{
	const struct table *table;
	pg_convert **convert, **binary;
	struct table draft;
	struct arena arena;
	int result;

	arena_init(&arena);
	result = build(set, relation, &arena, &draft, &convert, &binary, err);
	if (result == 0) {
		const struct pg_table *known = map_get(&set->tables, oid_key(&relation->oid));

		table = catalog_version(set->catalog, &draft);
		if (known && known->table == table)
			set->looked = known;
		else if (!set->looked || set->looked->table != table)
			set->looked = entry_of(set, table, true, convert, binary);
		*ret = set->looked;
	}
	arena_done(&arena);
	return result;
}

int pg_relations_put(struct pg_relations *set, const struct pg_relation *relation, const struct pg_table **ret,
		     bool *ret_new, struct error *err)
{
	struct arena arena;
	int result;

	arena_init(&arena);
	result = put(set, relation, &arena, ret, ret_new, err);
	arena_done(&arena);
	return result;
}

const struct column *pg_relations_text_only(const struct pg_table *table)
{
	for (unsigned i = 0; i < table->table->column_count; i++)
		if (!table->binary[i])
			return &table->table->columns[i];
	return NULL;
}

const struct pg_table *pg_relations_find(struct pg_relations *set, uint32_t oid)
{
	if (!set->last || set->last_oid != oid) {
		set->last = map_get(&set->tables, oid_key(&oid));
		set->last_oid = oid;
	}
	return set->last;
}
