/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the verbs look at besides the configuration, each part only when asked for: the pack and the contracts compiled,
 * the source's tables, the state file. Nothing here writes anywhere.
 */
#ifndef CONTROL_SITE_H
#define CONTROL_SITE_H

#include "base/diagnostics.h"
#include "base/error.h"
#include "canonical/mapping.h"
#include "canonical/pack.h"
#include "control/conf.h"
#include "pipeline/pipeline.h"
#include "schema/catalog.h"
#include "schema/contract.h"
#include "source/source.h"

struct site {
	const struct pipeline_options *options;
	const struct settings *settings;   /* of who asks for them; may be NULL */
	struct diagnostics diag;

	struct contract *contract;
	struct pack *pack;
	bool pack_read;                    /* or tried */
	struct masks *masks;               /* by configuration and pack; applied to what the source describes */
	struct mapping *mapping;

	struct catalog *catalog;           /* versions of `tables` */
	bool tables_known;
	const struct table **tables;       /* of the source, or of the state file */
	unsigned table_count;

	const struct source_ops *source_ops;
	struct source *source;
	struct source_identity identity;
	struct source_listing *listing;    /* all tables of the source */
	struct source_table *captured;     /* those that the agent would capture */
	const struct table **captured_versions;
	size_t captured_count;

	struct db *db;                     /* the state file, for reading */
};

/* Ends and frees what was opened; the site itself is the caller's. */
void site_done(struct site *site);

/* Connects to the source and describes all its tables. */
MUST_CHECK int site_connect(struct site *site, struct error *err);

/* Opens the state file; with `tables` its mirrored tables are those that a mapping is compiled against. */
MUST_CHECK int site_open_state(struct site *site, bool tables, struct error *err);

/* Compiles the pack against what is known; complaints go to site->diag. */
MUST_CHECK int site_compile(struct site *site);

/* After both: says to the source what would be captured. ERROR_INPUT if a table or column is missing. */
MUST_CHECK int site_capture(struct site *site, struct error *err);

/* After it: does a captured table lack a replica identity? */
bool site_lacks_identity(const struct site *site);

/* After it: a rule of masking.columns that fits none of the captured columns, or NULL. */
const struct mask_rule *site_idle_mask(const struct site *site);

/* ERROR_INPUT unless a state file can be made where state.file says. */
MUST_CHECK int site_check_folder(const struct pipeline_options *options, struct error *err);

/* Asks the configured registry for its level of compatibility: "unknown" if it has none. */
MUST_CHECK int site_ask_registry(const struct site *site, char level[40], struct error *err);

/* Prints the collected complaints to standard error and forgets them. */
void site_complain(struct site *site);

#endif
