/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What a mirrored row and a document cost in processor time, on a state file with the shipped defaults, on one thread,
 * without source and broker: nanoseconds per upsert (keys in order, and random ones), microseconds per document of a
 * single row that joins another table, and per invoice with five lines and their taxes (the demo's pack). A document is
 * evaluated, compared with the kept one, asked for its rules, and kept; encoding is not part of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "canonical/evaluate.h"
#include "canonical/rules.h"
#include "canonical/touch.h"
#include "state/documents.h"
#include "unit/rows.h"

#define ROWS 1000000
#define RANDOM_KEYS 2000000
#define COMMIT_ROWS 100000
#define INVOICES 100000
#define LINES 5

static struct error err;

static void must(int result)
{
	if (result < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

/* Time of this process on a processor: others on the machine disturb it least. */
static usec_t cpu_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

struct bench {
	struct arena arena;
	struct diagnostics diag;
	struct contract *contract;
	struct pack *pack;
	struct mapping *mapping;
	struct db *db;
	struct mirror *mirror;
	struct touch *touch;
	struct documents *documents;
	const struct table *tables[32];
	unsigned table_count;
	char path[64];
};

static void report(const char *name, double value, const char *unit)
{
	printf("%-44s %10.2f %s\n", name, value, unit);
	fflush(stdout);
}

static void stop_if_wrong(struct bench *bench, const void *made)
{
	if (made)
		return;
	fprintf(stderr, "%.*s", (int)bench->diag.text.len, bench->diag.text.data);
	exit(1);
}

static const char *top(void)
{
	const char *srcdir = getenv("srcdir");

	return srcdir ? srcdir : ".";
}

/* `pack` is the text of a pack, or the name of a folder below the source tree. */
static void bench_open(struct bench *bench, const char *schemas, const char *pack, const char *const *tables,
		       unsigned table_count)
{
	struct mapping_options options = {.instance = "bench", .tables_known = true, .tables = bench->tables};
	const struct mirror_need *needs;
	unsigned count;

	memset(bench, 0, sizeof(*bench));
	arena_init(&bench->arena);
	for (unsigned i = 0; i < table_count; i++)
		bench->tables[bench->table_count++] = rows_table(&bench->arena, tables[i]);
	bench->contract = contract_load(arena_printf(&bench->arena, "%s/%s", top(), schemas).ptr, &bench->diag);
	stop_if_wrong(bench, bench->contract);
	bench->pack = strchr(pack, '\n') ? pack_read(view_of(pack), &bench->diag)
					 : pack_load(arena_printf(&bench->arena, "%s/%s", top(), pack).ptr, NULL,
						     &bench->diag);
	stop_if_wrong(bench, bench->pack);
	options.pack = bench->pack;
	options.contract = bench->contract;
	options.table_count = table_count;
	bench->mapping = mapping_compile(&options, &bench->diag);
	stop_if_wrong(bench, bench->mapping);
	snprintf(bench->path, sizeof(bench->path), "/tmp/tailwater-bench-%d.db", (int)getpid());
	must(db_open(bench->path, NULL, &bench->db, &err));
	needs = mapping_needs(bench->mapping, &count);
	must(mirror_open(bench->db, needs, count, &bench->mirror, &err));
	for (unsigned i = 0; i < table_count; i++)
		must(mirror_declare(bench->mirror, bench->tables[i], NULL, &err));
	must(mapping_open(bench->mapping, bench->db, &err));
	must(touch_open(bench->mapping, bench->mirror, 0, &bench->touch, &err));
	must(documents_open(bench->db, &bench->documents, &err));
}

static void bench_close(struct bench *bench)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};

	touch_close(bench->touch);
	documents_close(bench->documents);
	mapping_free(bench->mapping);
	mirror_close(bench->mirror);
	db_close(bench->db);
	pack_free(bench->pack);
	contract_free(bench->contract);
	diag_done(&bench->diag);
	arena_done(&bench->arena);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s%s", bench->path, suffixes[i]);
		unlink(name);
	}
}

static const struct table *find_table(const struct bench *bench, const char *name)
{
	for (unsigned i = 0; i < bench->table_count; i++)
		if (strcmp(bench->tables[i]->name, name) == 0)
			return bench->tables[i];
	abort();
}

static void apply(struct bench *bench, const struct change *change)
{
	if (touch_wants(bench->touch, change->table))
		must(touch_before(bench->touch, change, &err));
	must(mirror_apply(bench->mirror, change, &err));
	if (touch_wants(bench->touch, change->table))
		must(touch_after(bench->touch, change, &err));
}

static void commit(struct bench *bench)
{
	must(db_commit(bench->db, &err));
	must(db_checkpoint(bench->db, &err));
}

/* A change from text, with columns set over it. */
static struct change prepared(struct bench *bench, const char *table, const char *row)
{
	return rows_change(&bench->arena, find_table(bench, table), row);
}

/* Documents ---------------------------------------------------------------- */

/* Evaluates all touched roots; returns their number. */
static unsigned make_documents(struct bench *bench, bool keep)
{
	static char payload[200];
	struct arena arena;
	struct touched touched;
	unsigned count = 0, slot = 0;
	const struct entity *entity = NULL;

	arena_init(&arena);
	must(touch_start(bench->touch, 0, &err));
	while (touch_next(bench->touch, &touched, &err) == 1) {
		struct kept_document kept = {0};
		struct document document;
		uint64_t fired;

		arena_reset(&arena);
		must(evaluate(bench->mapping, touched.entity, touched.key, &arena, &document, &err));
		if (!document.exists || !document.valid) {
			fprintf(stderr, "invalid: %.*s: %.*s\n", VIEW_ARG(document.fault.path),
				VIEW_ARG(document.fault.message));
			exit(1);
		}
		count++;
		if (!keep)
			continue;
		if (touched.entity != entity)
			must(documents_slot(bench->documents, touched.entity->name, true, &slot, &err));
		entity = touched.entity;
		must(document_get(bench->documents, slot, touched.key, &kept, &err));
		must(rules_fire(bench->mapping, entity, (struct rules_side){0},
				(struct rules_side){.document = &document.datum}, &fired, &err));
		memcpy(payload, &touched.key.number, sizeof(touched.key.number));
		kept = (struct kept_document){.payload = {payload, sizeof(payload)}};
		must(document_put(bench->documents, slot, touched.key, &kept, &err));
	}
	must(touch_clear(bench->touch, &err));
	arena_done(&arena);
	return count;
}

/* Rows and single-row documents ---------------------------------------------------------------- */

#define WIDE "t(*id int64, a int32, b int64, c text, d decimal, e zoned, f bool, g text, h int32, i date)"
#define ENTITY \
	"entity: Order\nroot: t\nreference: [customer]\ndocument: |\n" \
	"  SELECT t.c AS number, ref('Customer', t.a) AS customer, CASE t.f WHEN 1 THEN 'POSTED' ELSE 'DRAFT' END AS status,\n" \
	"         t.d AS \"total.amount\", 'EUR' AS \"total.currency\", c.name AS \"extensions.name\"\n" \
	"    FROM t JOIN customer c ON c.id = t.a WHERE t.id = :id\n" \
	"events:\n  OrderPosted: {class: FINANCIAL, when: old.status IS NOT 'POSTED' AND new.status = 'POSTED'}\n"
#define HEAD "name: b\nversion: \"1\"\nsystem: s\n"

static void open_rows(struct bench *bench)
{
	static const char *const tables[] = {WIDE, "customer(*id int64, name text)"};
	char pack[2000];

	snprintf(pack, sizeof(pack), "pack.yaml %zu\n%s\nOrder.yaml %zu\n%s\n", strlen(HEAD), HEAD, strlen(ENTITY),
		 ENTITY);
	bench_open(bench, "tests/unit/canonical/data/schemas", pack, tables, 2);
	for (int64_t i = 0; i < 1000; i++) {
		struct change change = prepared(bench, "customer", "+ 1|somebody");

		change.after.values[0].integer = i;
		apply(bench, &change);
	}
}

static struct change wide_row(struct bench *bench)
{
	return prepared(bench, "t",
			"+ 1|1|12345|A-2024-000123|1234.50|2024-02-29 12:34:56+00|1|some longer text here|7|"
			"2024-02-29");
}

static double upsert(struct bench *bench, bool random)
{
	struct change change = wide_row(bench);
	uint64_t seed = 12345;
	usec_t start = cpu_now();

	for (int64_t i = 0; i < ROWS; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		change.after.values[0].integer = random ? (int64_t)((seed >> 33) % RANDOM_KEYS) : i;
		change.after.values[1].integer = (int64_t)((seed >> 40) % 1000);
		must(mirror_apply(bench->mirror, &change, &err));
		if ((i + 1) % COMMIT_ROWS == 0)
			commit(bench);
	}
	return (double)(cpu_now() - start) * 1000 / ROWS;
}

/* 100 rows a transaction, each a root. */
static double upsert_and_evaluate(struct bench *bench, bool keep)
{
	struct change change = wide_row(bench);
	usec_t start = cpu_now();
	unsigned documents = 0;

	for (int64_t i = 0; i < ROWS / 2; i++) {
		change.after.values[0].integer = i;
		change.after.values[1].integer = i % 1000;
		apply(bench, &change);
		if ((i + 1) % 100 == 0)
			documents += make_documents(bench, keep);
		if ((i + 1) % COMMIT_ROWS == 0)
			commit(bench);
	}
	return (double)(cpu_now() - start) / documents;
}

static void bench_rows(void)
{
	struct bench bench;
	double row;

	open_rows(&bench);
	row = upsert(&bench, false);
	report("mirror_upsert_ns", row, "ns (keys in order)");
	report("mirror_upsert_again_ns", upsert(&bench, false), "ns (keys in order, rows exist)");
	bench_close(&bench);
	open_rows(&bench);
	report("mirror_upsert_random_ns", upsert(&bench, true), "ns (random keys over 2 million)");
	bench_close(&bench);
	open_rows(&bench);
	report("document_us", upsert_and_evaluate(&bench, false) - row / 1000, "us (touched, evaluated)");
	bench_close(&bench);
	open_rows(&bench);
	report("document_kept_us", upsert_and_evaluate(&bench, true) - row / 1000, "us (rules, kept)");
	bench_close(&bench);
}

/* Invoices ---------------------------------------------------------------- */

/* The demo's tables as far as its pack reads them (contrib/demo/schema.sql). */
static const char *const demo_tables[] = {
	"currency(*id int64, code text)",
	"status_code(*kind text, *code int16, label text, meaning text)",
	"tax(*id int64, code text, name text, category text, percent decimal)",
	"company(*id int64, code text, name text, reg_no text, vat_no text, country text, currency_id int64, parent_id int64,"
	" tz text, fiscal_start int16, created_at timestamp, modified_at zoned)",
	"partner(*id int64, number text, old_number text, name text, legal_name text, kind text, is_customer bool,"
	" is_prospect bool, is_supplier bool, state int16, parent_id int64, billing_id int64, merged_into_id int64,"
	" vat_no text, country text, currency_id int64, payment_term text, lang text, credit_limit numeric, credit_hold bool,"
	" attributes json, created_at zoned, modified_at zoned, deleted_at zoned)",
	"partner_address(*partner_id int64, *kind text, street text, street2 text, postal_code text, city text, region text,"
	" country text)",
	"partner_contact(*id int64, partner_id int64, name text, email text, phone text, role text)",
	"employee(*id int64, company_id int64, partner_id int64, number text, name text, email text, kind enum,"
	" manager_id int64, hours_per_day decimal, hired_on date, left_on date, active bool, created_at zoned,"
	" modified_at zoned)",
	"employee_rate(*employee_id int64, *valid_from date, currency_id int64, cost_rate decimal, bill_rate decimal)",
	"project(*id int64, company_id int64, partner_id int64, code text, name text, kind text, status int16,"
	" parent_id int64, manager_id int64, currency_id int64, budget numeric, budget_hours decimal,"
	" planned_effort interval, percent_complete float64, planned_start date, planned_end date, actual_start date,"
	" actual_end date, created_at zoned, modified_at zoned)",
	"timesheet(*id int64, company_id int64, employee_id int64, week_start date, status int16, approved_by int64,"
	" approved_at zoned)",
	"timesheet_line(*id int64, timesheet_id int64, project_id int64, task_id int64, work_date date,"
	" started_at timestamp, duration interval, billable bool, note text, bill_rate decimal, cost_rate decimal,"
	" invoice_line_id int64, voided bool, created_at zoned, modified_at zoned)",
	"invoice(*id int64, company_id int64, doc_type int16, side text, number text, status text, partner_id int64,"
	" bill_to_id int64, project_id int64, original_id int64, reason text, payment_term text, issue_date date,"
	" due_date date, tax_date date, accounting_date date, currency_id int64, exchange_rate numeric, net_total decimal,"
	" tax_total decimal, gross_total decimal, posted_at timestamp, report text, user text, created_at timestamp,"
	" modified_at zoned)",
	"invoice_line(*id int64, invoice_id int64, order int32, kind text, description text, qty numeric, uom text,"
	" price decimal, discount_pct decimal, net decimal, project_id int64, task_id int64, original_line_id int64,"
	" service_from date, service_to date)",
	"invoice_line_tax(*line_id int64, *tax_id int64, base decimal, amount decimal)",
	"payment(*id int64, company_id int64, partner_id int64, number text, direction text, method text, status int16,"
	" amount decimal, currency_id int64, exchange_rate numeric, bank_fee numeric, value_date date, booking_date date,"
	" reference text, e2e_id text, created_at zoned, modified_at zoned)",
	"payment_allocation(*id int64, payment_id int64, invoice_id int64, amount decimal, discount numeric,"
	" write_off numeric, allocated_at zoned)",
};

static void put_invoice(struct bench *bench, struct change *invoice, struct change *line, struct change *tax,
			int64_t id)
{
	invoice->after.values[0].integer = id;
	apply(bench, invoice);
	for (int64_t i = 0; i < LINES; i++) {
		line->after.values[0].integer = id * LINES + i;
		line->after.values[1].integer = id;
		line->after.values[2].integer = i + 1;
		apply(bench, line);
		tax->after.values[0].integer = id * LINES + i;
		tax->after.values[1].integer = 1 + i % 2;
		apply(bench, tax);
	}
}

static void bench_invoices(void)
{
	struct bench bench;
	struct change change, invoice, line, tax;
	unsigned documents = 0;
	usec_t rows_us = 0, documents_us = 0;

	bench_open(&bench, "schemas", "contrib/mappings/demo", demo_tables,
		   sizeof(demo_tables) / sizeof(demo_tables[0]));
	change = prepared(&bench, "currency", "+ 1|NOK");
	apply(&bench, &change);
	change = prepared(&bench, "company", "+ 1|NO|Firm|1|2|NO|1|~|Europe/Oslo|1|2020-01-01 00:00:00|~");
	apply(&bench, &change);
	change = prepared(&bench, "tax", "+ 1|H|High|S |25.0000");
	apply(&bench, &change);
	change = prepared(&bench, "tax", "+ 2|L|Low|S |12.0000");
	apply(&bench, &change);
	must(touch_clear(bench.touch, &err));
	invoice = prepared(&bench, "invoice",
			   "+ 1|1|1|S|A-2024-000123|P|7|~|3|~|~|30D|2024-02-29|2024-03-30|2024-02-29|"
			   "2024-02-29|1|1|1000.00|200.00|1200.00|2024-02-29 12:00:00|~|anna|2024-02-28 12:00:00|~");
	line = prepared(&bench, "invoice_line",
			"+ 1|1|1|I|Consulting|7.5|h|1500.000000|~|200.00|3|4|~|2024-02-01|2024-02-29");
	tax = prepared(&bench, "invoice_line_tax", "+ 1|1|200.00|40.00");
	for (int64_t id = 0; id < INVOICES; id++) {
		usec_t start = cpu_now();

		put_invoice(&bench, &invoice, &line, &tax, id);
		rows_us += cpu_now() - start;
		if ((id + 1) % 100)
			continue;
		start = cpu_now();
		documents += make_documents(&bench, true);
		documents_us += cpu_now() - start;
		if ((id + 1) % (COMMIT_ROWS / 10) == 0)
			commit(&bench);
	}
	report("invoice_rows_us", (double)rows_us / documents, "us (11 rows mirrored and touched)");
	report("invoice_us", (double)documents_us / documents, "us (5 lines and taxes; rules, kept)");
	bench_close(&bench);
}

int main(void)
{
	bench_rows();
	bench_invoices();
	return 0;
}
