/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * The conditions of an entity's events as one statement: "old.<path>" and "new.<path>" become parameters, decimals with
 * affinity and collation of their own, so that SQL compares them by value. First each condition is prepared alone, with
 * parameters padded to the length of what they replace, so that SQLite's complaints have their place.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "compile.h"
#include "sql_tokens.h"

struct rule {
	struct statement condition;
	struct writer padded;    /* "SELECT (" + condition with parameters of the same length + ")" */
	struct writer final;     /* with parameters as they will be bound */
	const char *reverses;
};

static const struct {
	const char *name;
	enum event_class class;
} classes[] = {{"ENTITY", EVENT_ENTITY}, {"OPERATIONAL", EVENT_OPERATIONAL}, {"FINANCIAL", EVENT_FINANCIAL}};

static int read_class(struct mapping *mapping, const struct yaml_node *event, enum event_class *ret)
{
	const struct yaml_node *node = yaml_get(event, "class");

	if (!node)
		return diag_error(mapping->diag, event->key_at, "event '%s' has no class", event->key);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (!view_is(node->text, classes[i].name))
			continue;
		*ret = classes[i].class;
		return 0;
	}
	return diag_error(mapping->diag, node->at, "'%s' is no class of events; it is ENTITY, OPERATIONAL or FINANCIAL",
			  node->text.ptr ? node->text.ptr : "");
}

static void check_event_keys(struct mapping *mapping, const struct yaml_node *event)
{
	for (const struct yaml_node *node = event->first; node; node = node->next)
		if (strcmp(node->key, "class") != 0 && strcmp(node->key, "when") != 0 &&
		    strcmp(node->key, "reverses") != 0)
			diag_error(mapping->diag, node->key_at, "unknown key '%s'; an event has 'class', 'when' and "
				   "'reverses'", node->key);
}

static void check_event_schema(struct mapping *mapping, const struct entity_plan *plan, const struct yaml_node *event)
{
	const struct avro_type *type = contract_find_in(mapping->options.contract, CONTRACT_EVENT, event->key);
	int field = type ? avro_field_index(type, VIEW("document")) : -1;

	if (!type)
		diag_error(mapping->diag, event->key_at, "there is no schema " CONTRACT_EVENT "%s", event->key);
	else if (field < 0 || type->fields[field].type != plan->entity.type)
		diag_error(mapping->diag, event->key_at, "schema " CONTRACT_EVENT "%s is not about %s", event->key,
			   plan->entity.name);
}

/* Fields --------------------------------------------------------------------------------------- */

static struct view unquoted(struct mapping *mapping, struct token token)
{
	char *text;
	size_t len = 0;

	if (token.kind != TOKEN_QUOTED && token.kind != TOKEN_STRING)
		return arena_copy(&mapping->arena, token.text);
	text = (char *)arena_copy(&mapping->arena, token.text).ptr;
	for (size_t i = 1; i + 1 < token.text.len; i++) {
		text[len++] = token.text.ptr[i];
		if (token.text.ptr[i] == token.text.ptr[0])
			i++;
	}
	text[len] = '\0';
	return (struct view){text, len};
}

static int refuse_path(struct mapping *mapping, struct place at, const struct avro_type *type, const char *path,
		       struct view name)
{
	const char **names = MEM_ARRAY(const char *, type->field_count + 1), *guess;

	for (unsigned i = 0; i < type->field_count; i++)
		names[i] = type->fields[i].name;
	guess = diag_did_you_mean(name, names, type->field_count);
	free(names);
	return diag_error(mapping->diag, at, "the document has no field '%s'%s%s%s", path,
			  guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

/* Follows a path from the document to a scalar, or to an entry of a map. */
static int follow_path(struct mapping *mapping, const struct entity_plan *plan, struct place at,
		       struct rule_field *field)
{
	const struct avro_type *type = plan->entity.type;
	const char *rest = field->path;

	while (*rest) {
		struct view name = {rest, strcspn(rest, ".")};
		int index = avro_field_index(type, name);

		if (index < 0 || field->step_count == sizeof(field->steps) / sizeof(field->steps[0]))
			return refuse_path(mapping, at, type, field->path, name);
		field->steps[field->step_count++] = (unsigned)index;
		type = type->fields[index].type;
		rest += name.len + (rest[name.len] == '.');
		if (type->kind == AVRO_MAP && *rest) {
			field->map_key = view_of(rest);
			type = type->items;
			break;
		}
		if (type->kind != AVRO_RECORD)
			break;
	}
	if (type->kind >= AVRO_RECORD || (*rest && !field->map_key.ptr))
		return diag_error(mapping->diag, at, "'%s' is no single value; a rule compares single values",
				  field->path);
	field->type = type;
	return 0;
}

static struct rule_field *find_field(struct mapping *mapping, struct entity_plan *plan, struct view path,
				     struct place at)
{
	struct rules_plan *rules = &plan->rules;
	struct rule_field *fields, *field;

	for (unsigned i = 0; i < rules->field_count; i++)
		if (view_is(path, rules->fields[i].path))
			return &rules->fields[i];
	fields = ARENA_ARRAY(&mapping->arena, struct rule_field, rules->field_count + 1);
	if (rules->field_count)
		memcpy(fields, rules->fields, sizeof(*fields) * rules->field_count);
	field = &fields[rules->field_count];
	field->path = path.ptr;
	if (follow_path(mapping, plan, at, field) < 0)
		return NULL;
	rules->fields = fields;
	rules->field_count++;
	return field;
}

static bool is_decimal(const struct rule_field *field)
{
	return field->type->logical == AVRO_DECIMAL;
}

/* Translation ---------------------------------------------------------------------------------- */

static struct place place_in(const struct rule *rule, const char *at)
{
	return text_place(rule->condition.node, (size_t)(at - rule->condition.sql));
}

/* "= 'POSTED'", "IN ('A', 'B')", "IS NOT 'X'" behind an enum: are these its symbols? */
static void check_symbols(struct mapping *mapping, const struct rule *rule, const struct rule_field *field,
			  const char *behind)
{
	struct token token = token_next(&behind);
	bool in_list = false;

	if (field->type->kind != AVRO_ENUM)
		return;
	while (token_is_word(token, "not") || token_is_word(token, "is"))
		token = token_next(&behind);
	if (token_is_word(token, "in") || token.kind == TOKEN_OPERATOR) {
		if (token.kind == TOKEN_OPERATOR && !token_is(token, "=") && !token_is(token, "==") &&
		    !token_is(token, "<>") && !token_is(token, "!="))
			return;
		in_list = token.kind == TOKEN_WORD;
		token = token_next(&behind);
	}
	if (in_list && token_is(token, "("))
		token = token_next(&behind);
	while (token.kind == TOKEN_STRING) {
		struct view symbol = unquoted(mapping, token);
		const char *guess;

		if (avro_symbol_index(field->type, symbol) < 0) {
			guess = diag_did_you_mean(symbol, field->type->symbols, field->type->symbol_count);
			diag_error(mapping->diag, place_in(rule, token.text.ptr), "'%s' can never be '%s'%s%s%s",
				   field->path, symbol.ptr, guess ? "; did you mean '" : "", guess ? guess : "",
				   guess ? "'?" : "");
		}
		token = token_next(&behind);
		if (!in_list || !token_is(token, ","))
			return;
		token = token_next(&behind);
	}
}

static void write_padded(struct rule *rule, int parameter, size_t length)
{
	size_t start = rule->padded.len;

	wr_printf(&rule->padded, "?%d", parameter);
	while (rule->padded.len - start < length)
		wr_u8(&rule->padded, ' ');
}

static void write_final(struct rule *rule, const struct rule_field *field, int parameter)
{
	if (is_decimal(field))
		wr_printf(&rule->final, "(CAST(?%d AS TEXT) COLLATE DECIMAL)", parameter);
	else
		wr_printf(&rule->final, "?%d", parameter);
}

/* Whether "('A', 'B', 3)" follows; moves behind it and counts. */
static bool read_literals(const char **at, unsigned *ret_count)
{
	struct token token = token_next(at);

	*ret_count = 0;
	if (!token_is(token, "("))
		return false;
	do {
		token = token_next(at);
		if (token.kind != TOKEN_STRING && token.kind != TOKEN_NUMBER)
			return false;
		++*ret_count;
		token = token_next(at);
	} while (token_is(token, ","));
	return token_is(token, ")");
}

/*
 * "IN ('A', 'B', 'C')" behind a field becomes a chain of comparisons: SQLite would build a temporary table of the list,
 * each time the rule is asked, which costs more than all the rest. Returns what is behind the list, or NULL if there is
 * none.
 */
static const char *write_in_list(struct rule *rule, const struct rule_field *field, int parameter, const char *behind)
{
	struct token token = token_next(&behind);
	bool negated = token_is_word(token, "not");
	const char *list, *end;
	unsigned count;

	if (negated)
		token = token_next(&behind);
	list = end = behind;
	if (!token_is_word(token, "in") || !read_literals(&end, &count))
		return NULL;
	wr_printf(&rule->final, negated ? "(NOT (" : "((");
	token_next(&list);
	for (unsigned i = 0; i < count; i++) {
		write_final(rule, field, parameter);
		token = token_next(&list);
		wr_printf(&rule->final, " = %.*s%s", VIEW_ARG(token.text), i + 1 < count ? " OR " : "))");
		token_next(&list);
	}
	return end;
}

/* Writes the parameter that stands for a field, in both forms; moves *at behind what it replaces. */
static void write_parameter(struct rule *rule, const struct rule_field *field, int parameter, const char *start,
			    const char **at)
{
	const char *end = write_in_list(rule, field, parameter, *at);

	write_padded(rule, parameter, (size_t)(*at - start));
	if (!end) {
		write_final(rule, field, parameter);
		return;
	}
	wr_bytes(&rule->padded, *at, (size_t)(end - *at));
	*at = end;
}

/* `at` stands behind "old" or "new", which begins at `start`; moves behind the path. */
static void translate_field(struct mapping *mapping, struct entity_plan *plan, struct rule *rule, int side,
			    const char *start, const char **at, int *next_parameter)
{
	struct token dot = token_next(at), name = token_next(at);
	const char *behind = *at;
	struct rule_field *field;

	if (!token_is(dot, ".") || (name.kind != TOKEN_WORD && name.kind != TOKEN_QUOTED)) {
		diag_error(mapping->diag, place_in(rule, start), "'%.3s' is a document; name a field of it: '%.3s.<field>'",
			   start, start);
		*at = dot.text.ptr;
		return;
	}
	field = find_field(mapping, plan, unquoted(mapping, name), place_in(rule, name.text.ptr));
	if (!field)
		return;
	if (!field->parameters[side])
		field->parameters[side] = (*next_parameter)++;
	write_parameter(rule, field, field->parameters[side], start, at);
	check_symbols(mapping, rule, field, behind);
}

static void copy_text(struct rule *rule, const char *from, const char *to)
{
	wr_bytes(&rule->padded, from, (size_t)(to - from));
	wr_bytes(&rule->final, from, (size_t)(to - from));
}

static void translate(struct mapping *mapping, struct entity_plan *plan, struct rule *rule, int *next_parameter)
{
	const char *at = rule->condition.sql, *copied = at;
	struct token token = token_next(&at), last = {0};

	for (; token.kind != TOKEN_END; last = token, token = token_next(&at)) {
		bool is_old = token_is_word(token, "old"), is_new = token_is_word(token, "new");

		if (token.kind == TOKEN_PARAMETER)
			diag_error(mapping->diag, place_in(rule, token.text.ptr), "a rule has no parameters");
		if ((!is_old && !is_new) || token_is(last, "."))
			continue;
		copy_text(rule, copied, token.text.ptr);
		translate_field(mapping, plan, rule, is_new, token.text.ptr, &at, next_parameter);
		copied = at;
	}
	copy_text(rule, copied, at);
}

/* Checks --------------------------------------------------------------------------------------- */

/* SQLite's own complaints: its offsets are those of the condition, but for what stands before it. */
static int check_condition(struct mapping *mapping, struct rule *rule)
{
	static const char head[] = "SELECT (";
	struct capture capture = {.mapping = mapping, .tables_allowed = false};
	sqlite3 *handle = db_handle(mapping->scratch);
	struct statement padded = rule->condition;
	struct writer text = {0};
	unsigned errors = mapping->diag->errors;
	sqlite3_stmt *stmt;

	wr_printf(&text, "%s%.*s\n)", head, (int)rule->padded.len, rule->padded.data);
	padded.sql = arena_copy(&mapping->arena, wr_view(&text)).ptr;
	wr_done(&text);
	sqlite3_set_authorizer(handle, NULL, NULL);
	if (sqlite3_prepare_v2(handle, padded.sql, -1, &stmt, NULL) != SQLITE_OK) {
		int offset = sqlite3_error_offset(handle) - (int)(sizeof(head) - 1);

		sqlite3_finalize(stmt);
		return diag_error(mapping->diag, text_place(padded.node, offset > 0 ? (size_t)offset : 0), "%s",
				  sqlite3_errmsg(handle));
	}
	sqlite3_finalize(stmt);
	sqlite3_finalize(capture_prepare(&capture, &padded, "a rule"));
	return mapping->diag->errors == errors ? 0 : -1;
}

static void check_decimals(struct mapping *mapping, const struct entity_plan *plan, const struct rule *rule,
			   const char *sql, int parameters)
{
	bool *decimals = ARENA_ARRAY(&mapping->arena, bool, (size_t)parameters + 1);
	struct flow_options options = {
		.handle = db_handle(mapping->scratch), .sql = sql, .decimal_params = decimals,
		.param_count = (unsigned)parameters, .arena = &mapping->arena,
	};
	struct flow_fault *faults;

	for (unsigned i = 0; i < plan->rules.field_count; i++)
		for (int side = 0; side < 2; side++)
			if (plan->rules.fields[i].parameters[side] && is_decimal(&plan->rules.fields[i]))
				decimals[plan->rules.fields[i].parameters[side] - 1] = true;
	for (faults = flow_follow(&options, NULL, 0); faults; faults = faults->next)
		diag_error(mapping->diag, text_place(rule->condition.node, 0), "%s", faults->message);
}

static void check_reverses(struct mapping *mapping, const struct yaml_node *events, const struct yaml_node *event)
{
	const struct yaml_node *node = yaml_get(event, "reverses");

	if (node && (!node_text(mapping, node, "'reverses'") || yaml_get(events, node->text.ptr)))
		return;
	if (node)
		diag_error(mapping->diag, node->at, "there is no event '%s' here", node->text.ptr);
}

static const char *condition_sql(struct mapping *mapping, const struct rule *rule)
{
	return arena_printf(&mapping->arena, "SELECT (%.*s\n) IS TRUE", VIEW_ARG(wr_view(&rule->final))).ptr;
}

static int compile_event(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *events,
			 const struct yaml_node *event, struct entity_event *ret, struct rule *rule, int *next_parameter)
{
	unsigned errors = mapping->diag->errors;
	const struct yaml_node *when = yaml_get(event, "when");
	const char *sql;

	if (event->kind != YAML_MAPPING)
		return diag_error(mapping->diag, event->at, "event '%s' is a mapping with 'class' and 'when'", event->key);
	check_event_keys(mapping, event);
	check_event_schema(mapping, plan, event);
	check_reverses(mapping, events, event);
	ret->name = event->key;
	if (read_class(mapping, event, &ret->class) < 0)
		return -1;
	if (!when)
		return diag_error(mapping->diag, event->key_at, "event '%s' has no 'when'", event->key);
	if (!node_text(mapping, when, "'when'"))
		return -1;
	rule->condition = (struct statement){.sql = when->text.ptr, .node = when};
	rule->reverses = yaml_get(event, "reverses") ? yaml_get(event, "reverses")->text.ptr : NULL;
	translate(mapping, plan, rule, next_parameter);
	if (mapping->diag->errors != errors)
		return -1;
	if (check_condition(mapping, rule) < 0)
		return -1;
	sql = condition_sql(mapping, rule);
	check_decimals(mapping, plan, rule, sql, *next_parameter - 1);
	if (!rule->reverses)
		rules_try(mapping, plan, rule->condition.sql, sql, event);
	return mapping->diag->errors == errors ? 0 : -1;
}

static void compile_events(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *events)
{
	struct entity_event *list = ARENA_ARRAY(&mapping->arena, struct entity_event, events->count + 1);
	struct writer all = {0};
	int next_parameter = 1;
	unsigned i = 0;

	plan->rules.each = ARENA_ARRAY(&mapping->arena, struct statement, events->count + 1);
	wr_printf(&all, "SELECT ");
	for (const struct yaml_node *event = events->first; event; event = event->next) {
		struct rule rule = {0};

		compile_event(mapping, plan, events, event, &list[i], &rule, &next_parameter);
		plan->rules.each[i] = (struct statement){.sql = condition_sql(mapping, &rule), .node = rule.condition.node};
		wr_printf(&all, "%s%s", i ? ", " : "", plan->rules.each[i].sql + strlen("SELECT "));
		i++;
		wr_done(&rule.padded);
		wr_done(&rule.final);
	}
	plan->entity.events = list;
	plan->entity.event_count = i;
	plan->rules.memory = ARENA_NEW(&mapping->arena, struct rules_memory);
	plan->rules.statement = (struct statement){.sql = arena_copy(&mapping->arena, wr_view(&all)).ptr, .node = events};
	wr_done(&all);
}

void rules_compile(struct mapping *mapping, struct entity_plan *plan)
{
	const struct yaml_node *events = yaml_get(plan->file->root, "events");

	if (yaml_is_null(events))
		return;
	if (events->kind != YAML_MAPPING)
		diag_error(mapping->diag, events->at, "'events' is a mapping of names to rules");
	else if (events->count > ENTITY_EVENTS_MAX)
		diag_error(mapping->diag, events->at, "an entity has at most %d events", ENTITY_EVENTS_MAX);
	else
		compile_events(mapping, plan, events);
}

/* Of the configuration. Its fields are not those of the events: a commit does not look at them. */
void rules_compile_history(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *node)
{
	struct rule rule = {.condition = {.sql = node->text.ptr, .node = node}};
	struct entity_plan aside = *plan;
	unsigned errors = mapping->diag->errors;
	int next_parameter = 1;
	const char *sql;

	aside.rules = (struct rules_plan){.statement = {.sql = NULL}};
	translate(mapping, &aside, &rule, &next_parameter);
	for (unsigned i = 0; i < aside.rules.field_count; i++)
		if (aside.rules.fields[i].parameters[0])
			diag_error(mapping->diag, node->at, "the history has no 'old': name fields of the document as new.<field>");
	if (mapping->diag->errors == errors && check_condition(mapping, &rule) == 0) {
		sql = condition_sql(mapping, &rule);
		check_decimals(mapping, &aside, &rule, sql, next_parameter - 1);
		aside.rules.statement = (struct statement){.sql = sql, .node = node};
	}
	plan->history = aside.rules;
	wr_done(&rule.padded);
	wr_done(&rule.final);
}
