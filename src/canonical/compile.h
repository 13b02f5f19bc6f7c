/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a pack is compiled into, and the parts of the compiler. Everything lives in the mapping's arena. Private to
 * canonical/.
 */
#ifndef CANONICAL_COMPILE_H
#define CANONICAL_COMPILE_H

#include <sqlite3.h>

#include "base/arena.h"
#include "base/map.h"
#include "canonical/mapping.h"
#include "dataflow.h"
#include "pack_files.h"
#include "state/key.h"

/* A statement of a mapping file; stmt is on the state file, while the mapping is open. */
struct statement {
	const char *sql;
	const struct yaml_node *node;
	sqlite3_stmt *stmt;
};

/* Where the value of a parameter comes from: a part of the root key, or a column of a row further up. */
struct param_plan {
	int parameter;
	const struct row_plan *row; /* NULL: of the key */
	unsigned column;            /* of that row's statement, or the part of the key */
};

enum target {
	TARGET_HELPER,       /* alias begins with "_" */
	TARGET_FIELD,
	TARGET_MAP,          /* an entry of a map */
	TARGET_LEGAL_ENTITY, /* of the header, where the document has no such field */
	TARGET_CORRELATION,
	TARGET_QUALITY,
	TARGET_DELETED,      /* where the document has no such field */
};

struct column_plan {
	enum target target;
	const char *name;               /* the path; of map entries and correlations, the key in them */
	unsigned slot;                  /* FIELD, MAP: in the row's block */
	const struct avro_type *type;   /* FIELD: what the slot takes; MAP: the entries */
	bool nullable;
	bool is_legal_entity;           /* goes to the header, too */
	bool is_deleted;
};

/* A record inside a row; record 0 is the row itself. */
struct record_plan {
	const struct avro_type *type;
	const char *path;               /* within the row; "" for record 0 */
	unsigned slot;                  /* where its own datum stands (not record 0) */
	unsigned first;                 /* slot of its first field */
	unsigned parent;
	bool nullable;
};

/*
 * Rows of one query: the document's single row, or those of a nested array. A row is a block of datums: the fields of
 * record 0, then those of each record inside it. The template is a block with all that is the same in every row.
 */
struct row_plan {
	struct statement statement;
	struct row_plan *parent;        /* NULL: the document */
	const char *path;               /* of the array, within the parent's row */
	unsigned slot;                  /* of the array, in the parent's block */
	const struct avro_type *type;   /* of one row: a record, or a scalar (then slot 0 is all) */
	struct column_plan *columns;
	unsigned column_count;
	unsigned *map_columns;          /* which ones are entries of maps */
	unsigned map_column_count;
	struct record_plan *records;
	unsigned record_count;
	unsigned slot_count;
	const char **slot_paths;        /* by slot: the field's path within the row */
	bool *needed;                   /* by slot: a datum that must be set if its record is */
	unsigned *needed_slots;         /* the same as a list */
	unsigned needed_count;
	unsigned *slot_records;         /* by slot: the record it is a field of */
	struct datum *template;
	bool *fed;                      /* by slot: some column, array or record gives it a value */
	struct param_plan *params;
	unsigned param_count;
	struct row_plan *children;      /* nested arrays of this row */
	struct row_plan *next;          /* the next child of the parent */
	unsigned row_index;             /* while it runs: which row, for places in complaints */
};

enum touch_way { TOUCH_ROOT, TOUCH_COLUMN, TOUCH_QUERY };

/* One way from a table's row to the roots it belongs to. */
struct touch_rule {
	enum touch_way way;
	const struct table *table;      /* as compiled; its versions are found by schema and name */
	const char *column;             /* TOUCH_COLUMN */
	struct statement statement;     /* TOUCH_QUERY */
	const char **params;            /* by parameter - 1: the row's column */
	unsigned param_count;
	struct place at;
	struct touch_rule *next;
};

/*
 * What rules gave for values seen before. They see nothing but the fields that they name, and none of the present time, so the
 * same values always give the same; and most rules look at a status that has few of them. While few are seen again, nothing
 * is looked up.
 */
#define REMEMBERED 64
#define REMEMBERED_BYTES 110

struct remembered {
	uint64_t fired;
	uint8_t len;                    /* 0: nothing stands here */
	char values[REMEMBERED_BYTES];
};

struct rules_memory {
	struct remembered slots[REMEMBERED]; /* by hash; a newer one takes the place of an older */
	uint64_t found, missed;
};

/* A scalar field of the document that rules look at, as old, as new, or both. */
struct rule_field {
	const char *path;
	const struct avro_type *type;
	unsigned steps[8];              /* field indexes from the document down */
	unsigned step_count;
	struct view map_key;            /* of the map that the steps lead to; VIEW_NONE: they lead to a scalar */
	int parameters[2];              /* old, new; 0: not looked at */
};

struct rules_plan {
	struct statement statement;     /* sql NULL: there are no events */
	struct rules_memory *memory;    /* rules.c */
	struct statement *each;         /* one for each event, never prepared: to find the one that failed */
	struct rule_field *fields;
	unsigned field_count;
};

struct entity_plan {
	struct entity entity;
	const struct yaml_file *file;
	const struct table *root;       /* NULL: tables are not known */
	struct statement image;         /* the root's row; sql NULL: tables are not known */
	struct row_plan *document;
	struct view id_prefix;          /* canonicalId without the key */
	int canonical_id_slot;          /* -1: there is no such field */
	bool needs_legal_entity;        /* required, and for the header only */
	int source_keys_slot;           /* filled with the key if no column does; -1: not so */
	struct touch_rule *touches;
	struct rules_plan rules;
	struct rules_plan history;      /* its statement alone: which documents the first snapshot publishes */
	bool *reads;                    /* by captured table: the documents read it */
	bool *touch_reads;              /* by captured table: its touches go by it */
	bool *listed;                   /* by captured table: root, touched_by or reference */
	bool masked;                    /* the documents read a column that is masked */
};

/* A table of the source, as far as statements use it. */
struct captured {
	const struct table *table;
	const char *name;               /* in the mirror */
	bool *columns;                  /* which ones are read */
	bool used;
	const char ***indexes;          /* lists of column names, each ended by NULL */
	unsigned index_count;
};

struct mapping {
	struct mapping_options options;
	struct arena arena;
	struct diagnostics *diag;       /* while compiling */
	struct db *scratch;             /* while compiling */
	struct captured *captured;      /* one for each table of the source */
	struct entity_plan *plans;
	const struct entity **entities;
	unsigned entity_count;
	struct mirror_need *needs;
	unsigned need_count;
	struct db *db;                  /* while open */
	struct writer text;
};

/* capture.c */

/* What preparing a statement on the scratch database has shown. */
struct capture {
	struct mapping *mapping;
	bool *reads;                    /* by captured table, may be NULL */
	bool tables_allowed;
	bool masked;                    /* a column that was read is masked */
	char refusal[200];              /* why the authorizer said no */
};

/* Makes the scratch database with all tables of the source. */
int capture_open(struct mapping *mapping);

/*
 * Prepares a statement; complains with the place and returns NULL if that fails. Where tables are not known, a
 * statement that fails for want of a table gives NULL without a complaint.
 */
sqlite3_stmt *capture_prepare(struct capture *capture, const struct statement *statement, const char *what);
struct captured *capture_find(struct mapping *mapping, const char *name);

/* Complains about the first place where the word stands in the statement (or its begin). */
struct place statement_place(const struct statement *statement, const char *word);

/* columns.c: the plan of a statement's result columns. `type` is that of one row. */
int columns_compile(struct mapping *mapping, struct entity_plan *plan, struct row_plan *row, sqlite3_stmt *stmt);
int columns_complete(struct mapping *mapping, struct row_plan *row);
void columns_seal(struct mapping *mapping, struct row_plan *row);

/* Finds or adds the slot of a path in a row; -1 after a complaint. */
int columns_slot(struct mapping *mapping, struct row_plan *row, const char *path, struct place at,
		 const struct avro_field **ret_field, const char **ret_rest);

/* indexes.c: finds indexes for tables that a statement would scan, or complains. */
void indexes_find(struct mapping *mapping, const struct statement *statement, const char *what);

/* needs.c: the capture list, from what statements have used. */
void needs_collect(struct mapping *mapping);
void needs_name_tables(struct mapping *mapping, struct entity_plan *plan);

/* root.c: binds a part of the root's key; and the query for its row in the mirror. */
void root_bind(const struct table *root, struct root_key key, sqlite3_stmt *stmt, int parameter, unsigned part,
	       struct arena *arena);
const char *root_image_sql(struct arena *arena, const char *name, const struct table *root);

/* touch_compile.c */
void touch_compile(struct mapping *mapping, struct entity_plan *plan);

/* rules_compile.c */
void rules_compile(struct mapping *mapping, struct entity_plan *plan);
void rules_compile_history(struct mapping *mapping, struct entity_plan *plan, const struct yaml_node *node);

/* history.c */
void history_compile(struct mapping *mapping);

/*
 * rules_trial.c: warns if a condition cannot be true while all of `old` is NULL. `condition` is the rule as the file
 * has it, `sql` the statement with parameters.
 */
void rules_try(struct mapping *mapping, const struct entity_plan *plan, const char *condition, const char *sql,
	       const struct yaml_node *event);

/* Decimal columns used as SQLite would do wrong; and what each result column can be (may be NULL). */
int flow_check(struct mapping *mapping, const struct statement *statement, struct flow_result *results, unsigned count);

/* The text of a scalar node, or a complaint and NULL. */
const char *node_text(struct mapping *mapping, const struct yaml_node *node, const char *what);

#endif
