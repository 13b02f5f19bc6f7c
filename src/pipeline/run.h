/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * What the files of pipeline/ share. The life of a batch:
 *
 *	recover.c    servers connected, positions compared, claim written, snapshot or stream begun
 *	pipeline.c   the loop: pull changes, serve, wait
 *	changes.c    one change: skipped, applied, published
 *	documents.c  at a commit: touched roots evaluated, and decided what of each is published; the messages are
 *	             made in document_messages.c (entities, events) and document_exceptions.c
 *	blame.c      which row or document an error is about
 *	markers.c    BEGIN and END records of transactions and snapshots, with counts
 *	schemas.c    which frame messages have; with a registry, schemas registered before their first message
 *	refused.c    change records that cannot be published
 *	newcomers.c  tables that are captured for the first time are let in
 *	repeats.c    rows of tables that are published while changes are streamed; repeat_records.c: in the state file
 *	rest.c       a first snapshot that was broken off goes on
 *	layouts.c    rows that came, went or changed without row events, by how the source keeps them
 *	loads.c      tables of the mirror that are loaded while changes are streamed
 *	jobs.c       documents evaluated again because the mapping pack changed
 *	rebuild.c    a state file built anew after the one before was lost
 *	event_id.c   what identifies a document's messages
 *	status.c     what other threads are told
 *	batch.c      one Kafka transaction: begun by its first message, committed with the checkpoint; the state commit
 *	             and the confirmation to the source, once per interval
 */
#ifndef PIPELINE_RUN_H
#define PIPELINE_RUN_H

#include "base/arena.h"
#include "base/map.h"
#include "base/writer.h"
#include "canonical/mapping.h"
#include "canonical/touch.h"
#include "encode/envelope.h"
#include "encode/plan.h"
#include "model/fault.h"
#include "model/progress.h"
#include "pipeline/pipeline.h"
#include "publish/checkpoint.h"
#include "publish/topics.h"
#include "registry/client.h"
#include "registry/ids.h"
#include "schema/catalog.h"
#include "schema/contract.h"
#include "state/db.h"
#include "state/documents.h"
#include "state/leftovers.h"
#include "state/mirror.h"

/* Counts the messages of a topic within a transaction or snapshot; those that have any are in a list. */
struct tally {
	struct view name;     /* "entity.Invoice": the topic without its prefix */
	uint64_t epoch;       /* of the count */
	uint64_t count;
	struct tally *next;
};

struct tallies {
	uint64_t epoch;       /* which transaction */
	struct tally *first, **end;
};

/* What is done with the changes of one table version. */
struct route {
	struct encode_plan *plan; /* owned; NULL: no change topic */
	bool mirrored;
	bool touches;             /* changes touch documents */
	bool whole;               /* all columns are mirrored: before images come from there */
	bool unfit;               /* rows of this version have no place in the mirrored table as it is */
	bool known;
	bool framed;              /* the plan's schemas have their frames */
	bool schemas_published;
	bool refusal_told;        /* the log has a line about records that cannot be published */
	struct tally refused;     /* how many */
};

/* The topics and schemas of one entity. */
struct entity_route {
	struct topic *topic;
	struct topic **event_topics;
	struct tally tally, *event_tallies;
	struct encode_schema key;             /* of the topic's keys */
	struct encode_schema message;         /* record tailwater.entity.<Entity> */
	struct encode_schema *event_keys;     /* of each event */
	struct encode_schema *event_messages;
	const struct header *header;          /* what is the same in the headers of all its messages */
	unsigned documents_slot;
	bool schemas_published;
	bool held;                            /* a table that it reads is not whole: nothing is evaluated */
};

struct other_format {
	struct writer key, value;
};

/* Where the source's log ended, some seconds apart: a ring. */
#define LOG_SAMPLES 31
struct log_samples {
	usec_t at[LOG_SAMPLES];
	uint64_t lsn[LOG_SAMPLES];
	unsigned count, next;
};

/* A table of the mirror that is loaded while changes are streamed. */
struct load {
	size_t table;           /* of those captured */
	bool is_new;            /* it was not mirrored before, or not all of it: all documents that read it leave */
	bool is_bag;
	bool waits;             /* rows that are older look like those of now: none is read before the stream is at shape_at */
	bool read;              /* to its end; the stream has to come that far */
	struct position shape_at; /* rows of other shapes that were committed up to there are older */
	struct position seen;
	uint64_t rows;
	struct writer mark;     /* where the part before ended; empty: there was none */
};

/* How the source keeps the rows of a table (layouts.c). */
struct layout {
	const char *schema, *name, *text;
};

struct batch {
	bool open;              /* a Kafka transaction has begun */
	usec_t begun_at;        /* monotonic */
	usec_t waiting_since;   /* what comes next may have come then: a commit was under way; 0: nothing waited */
	uint64_t events;
	uint64_t bytes;
	usec_t commit_took_us;  /* the last commit */
	uint64_t behind;        /* the source's metric of that name when it began */
};

struct pipeline {
	const struct pipeline_options *options;
	struct pipeline_control *control;
	struct pipeline_status *status;         /* the control's */
	struct pipeline_metrics *metrics;

	/* for the whole run */
	struct diagnostics diag;
	struct contract *contract;
	struct pack *pack_wanted;               /* of the folder */
	struct pack *pack_stored;               /* of the state file, while it is still in force; may be NULL */
	struct pack *pack;                      /* in force: one of the two */
	bool reconnect;                         /* Kafka is to be connected to with other properties, when nothing is open */
	bool inputs_pending;                    /* another pack or limit takes effect later ... */
	bool limit_pending;                     /* ... a limit among them */
	bool pack_switched;                     /* the folder's takes effect now, but that is not committed */
	bool limit_switched;                    /* the same of the limit below */
	struct db *db;
	struct catalog *catalog;
	struct masks *masks;                    /* of the configuration and the pack in force */
	char hint_told[sizeof(((struct error *)0)->hint)];
	bool identities_told;                   /* it has one about tables that are published and cannot be changed */
	bool masks_told;                        /* the log has a line about rules that fit nothing */
	struct encoder *encoder;
	struct registry *registry;              /* NULL: schemas go to a topic */
	struct schema_ids *schema_ids;
	size_t message_limit;                   /* bytes of key and value of a message; an input, too */
	char writer[CHECKPOINT_WRITER_BYTES];

	/* between two recoveries */
	const struct source_ops *source_ops;
	struct source *source;
	struct source_identity identity;
	struct source_listing *listing;         /* texts of `tables` */
	struct source_table *tables;            /* what is captured */
	const struct table **versions;          /* of each, as the catalogue has it at the start */
	size_t table_count;
	struct producer *producer;
	struct topics *topics;
	struct topic *checkpoint_topic;
	struct topic *schemas_topic;
	struct topic *exception_topic;
	struct tally exception_tally;
	struct mapping *mapping;
	struct arena mapping_arena;             /* tables that it was compiled against, and needs */
	struct mirror_need *needs;              /* of the mirror: the mapping's, and tables that are mirrored whole */
	unsigned need_count;
	struct mirror *mirror;
	struct touch *touch;
	struct documents *documents;
	struct rebuild *rebuild;                /* while the state file is built anew (rebuild.h); otherwise NULL */
	struct leftovers *leftovers;            /* while a snapshot is repeated; otherwise NULL */
	struct entity_route *entity_routes;     /* by entity->index */
	struct route *routes;                   /* by table->uid */
	unsigned route_count;
	struct route message_route;             /* of logical messages; its plan is the encoder's */
	struct route marker_route;              /* of records about transactions: the same */
	struct arena contract_arena;            /* texts of schemas */
	struct arena route_arena;               /* ... and of those of the routes, made anew with them */
	struct header_plan *header;
	const struct avro_type *exception_type;
	struct encode_schema exception_key;
	struct encode_schema exception_message;
	struct encode_schema string_schema;     /* of keys, as no registry knows it */
	struct map schemas_published;           /* fingerprint -> non-NULL, since the last recovery ... */
	struct arena schema_arena;              /* ... and its keys */

	/* loads.c */
	struct load *loads;                     /* tables that are not whole and can be; the first one is under way */
	size_t load_count;
	bool may_load;                          /* no first snapshot comes that loads everything */
	bool loads_due;                         /* the start has to look at the tables again ... */
	bool loads_wanted;                      /* ... or there are loads, or repeats: there is something to do between transactions */
	usec_t load_retry_at;                   /* monotonic */
	usec_t load_told_at;

	/* layouts.c: of the last look */
	struct layout *layouts;
	size_t layout_count, layout_next;
	struct map layouts_known;               /* "schema<TAB>name" -> text, as it is remembered */
	struct view layouts_record;             /* ... all of it */
	struct arena layout_arena;

	/* newcomers.c: tables that are wanted, but not captured yet */
	struct source_table *newcomers;
	const struct table **newcomer_versions;
	size_t newcomer_count;
	size_t newcomer_settled;                /* of so many, all who wrote to them have ended */
	struct position newcomers_at;           /* of all: when the stream is there, they are let in */
	usec_t newcomers_retry_at;

	/* snapshot.c: rows of tables that no mapping needs */
	struct reading *reading;                /* while they are read */
	char snapshot_rest[CHECKPOINT_REST_BYTES]; /* what the checkpoint says of it */
	struct writer place;                       /* what the source told last of our place in its log */

	/* repeats.c */
	struct repeat *repeats;                 /* a list; the first one is under way */
	bool repeat_pending;                    /* a part of it waits for the stream, and has to see all changes */

	/* where we are */
	uint64_t claim;
	uint64_t claim_tried;       /* the last one whose writing failed, or may have ... */
	usec_t claim_tried_at;      /* ... and when its record says that it was written */
	usec_t written_at;          /* the same of the last checkpoint that was sent */
	bool history_left_out;      /* documents of the first snapshot were kept, but not published */
	bool releasing;             /* the checkpoint being written is the last of this run */
	uint64_t job, job_done;     /* the job under way, 0 = none */
	uint64_t job_refused;       /* records that became exceptions in it, of a part */
	struct progress applied;    /* what the mirror has: becomes the state file's S at its commit */
	struct progress saved;      /* S, as the file has it on disk */
	struct position confirmed;  /* F, what the source was told of it last */
	struct progress published;  /* C: what the last Kafka commit covers */
	bool text_needed;           /* the source has met values that it reads as text only */
	bool other_form;            /* values come in another form than before the start */
	bool replaying;             /* applied is behind published */
	struct batch batch;
	struct writer key, value, payload, scratch;
	struct writer marker_key, marker_value;
	struct other_format formatted;          /* a message in another format than Avro ... */
	struct other_format marker_formatted;   /* ... and a marker, which is sent before a message that is ready */
	struct arena txn_arena;     /* reset at each source commit */
	struct arena doc_arena;     /* reset at each document */

	/* the open source transaction */
	const struct transaction *txn;
	struct view txn_position;   /* as texts, in the transaction's arena */
	struct view txn_number;
	bool txn_published;         /* all of it was published before */
	uint64_t txn_skip;          /* so many changes are in the state file */
	uint64_t txn_skip_documents;
	uint64_t txn_hidden;        /* so many changes are published */
	uint64_t txn_hidden_documents;
	bool txn_unmarked;          /* its BEGIN is due with its first message */
	bool txn_split;             /* a Kafka commit stands inside of it */
	struct tallies tallies;     /* of documents ... */
	struct tallies refusals;    /* ... and of change records that were counted, but could not be published */
	usec_t snapshot_at;         /* wall time of the snapshot (or job) being published ... */
	struct position snapshot_position; /* ... and where it stands in the log */
	uint64_t ordinal;           /* of the next message of the document being made */

	int pull_most;              /* changes in this turn of the loop */
	usec_t now;                 /* monotonic, of this turn of the loop */
	usec_t wall;                /* of the last read from the source, or shortly after it */
	usec_t state_committed_at;
	uint64_t rows_since_state_commit;
	usec_t publication_checked_at;
	bool look_wanted;           /* the log says that a table was altered: it is not waited for the next look */
	usec_t kafka_probed_at;
	usec_t retention_at;
	usec_t progress_at, progress_told_at;
	usec_t exceptions_at;
	usec_t loss_told_at, exceeded_told_at;
	struct log_samples log_samples;

	/* failures */
	struct progress failed_at;
	unsigned failures;
	usec_t backoff_us;
};

#define CLAIM_FRESH_US (60 * USEC_PER_SEC)      /* a writer that wrote so lately may be alive */

/* recover.c */
int recover_start(struct pipeline *p, struct error *err);
void recover_teardown(struct pipeline *p);

/* routes.c */
int routes_capture(struct pipeline *p, struct error *err);
const struct mirror_need *routes_need(const struct pipeline *p, const char *schema, const char *name);
int routes_complain(struct pipeline *p, const char *what, struct error *err);
void routes_hold(struct pipeline *p);
struct mapping *routes_try_mapping(struct pipeline *p, const struct table *const *tables, unsigned count,
				   struct diagnostics *diag);
bool routes_column_wanted(const void *arg, const struct table *table, const struct column *column);
int route_table(struct pipeline *p, const struct table *table, struct error *err);
void routes_free(struct pipeline *p);

/* topics.c */
int routes_open_topics(struct pipeline *p, struct error *err);
int routes_remember_ends(struct pipeline *p, struct error *err);

static inline struct route *route_of(struct pipeline *p, const struct table *table)
{
	return &p->routes[table->uid];
}

/* A counter is read by other threads, but written by this one alone: it needs no locked instruction. */
static inline void metric_add(_Atomic uint64_t *counter, uint64_t number)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + number, memory_order_relaxed);
}

static inline bool pipeline_stopping(const struct pipeline *p)
{
	return atomic_load_explicit(&p->control->stop, memory_order_relaxed);
}

/* status.c */
void status_phase(struct pipeline *p, enum pipeline_phase phase);
void status_alive(struct pipeline *p, usec_t may_take);
void status_failed(struct pipeline *p, const struct error *err);
void status_confirmed(struct pipeline *p, struct position position);
void status_pending(struct pipeline *p);
void status_begin(struct pipeline *p);
void status_kafka_asked(struct pipeline *p);
void status_kafka_answered(struct pipeline *p);
void status_received(struct pipeline *p);
void status_mirror(struct pipeline *p);
void status_orders(struct pipeline *p, uint64_t open, uint64_t number, uint64_t rows);
void status_turn(struct pipeline *p, bool idle);
void status_look(struct pipeline *p);
void status_job(struct pipeline *p);
void status_reading(struct pipeline *p, const struct source_progress *progress);
void status_source_end(struct pipeline *p, struct position end);

/* retention.c: looked at once in a while; -1 if it is to be stopped for. True: repeated snapshots are to wait. */
int retention_look(struct pipeline *p, struct error *err);
void retention_tell_loss(struct pipeline *p, usec_t now);
bool retention_pauses(const struct pipeline *p);

/* masking.c */
int masking_choose(struct pipeline *p, struct error *err);
/* Rules that fit nothing: before the first snapshot a reason to stop, later, when a table may have been dropped, a warning. */
int masking_tell(struct pipeline *p, bool first, struct error *err);
int masking_put_mark(struct pipeline *p, struct view mark, struct writer *to, struct error *err);
void masking_get_mark(struct pipeline *p, struct view kept, struct writer *to);

/* pipeline.c */
struct encode_options pipeline_encode_options(const struct pipeline_options *options);

/* publication.c: is it right, and has it been since the tables were first captured? */
int publication_check(struct pipeline *p, bool streamed, struct error *err);

/*
 * Can the application change all that is published? What it cannot is no reason to stop an agent that is at work, which would
 * mend nothing; before the first snapshot it is one.
 */
int publication_check_identities(struct pipeline *p, bool first, struct error *err);

/* Texts of the state file about the source (state/inputs.h). */
#define INPUT_SYSTEM "source.system"
#define INPUT_TIMELINE "source.timeline"
#define INPUT_PUBLICATION "source.publication"
#define INPUT_PLACE "source.place"
#define INPUT_SOURCE_HISTORY "source.history"
#define INPUT_LAYOUTS "source.layouts"
#define INPUT_ADOPTED_FROM "source.adopted_from" /* the system that the checkpoint may be of, until the next claim */

/* batch.c */
void progress_border(struct progress *applied, const struct progress *published);
int batch_emit(struct pipeline *p, const struct message *message, struct error *err);
static inline bool batch_too_large(const struct pipeline *p, size_t message_bytes)
{
	return message_bytes > p->message_limit;
}

int batch_refuse_size(const struct pipeline *p, const struct message *message, struct error *err);
int batch_mark(struct pipeline *p, const struct message *message, struct error *err);
int batch_publish_schema(struct pipeline *p, const struct encode_schema *schema, struct error *err);
bool batch_full(const struct pipeline *p);
int batch_commit(struct pipeline *p, struct error *err);
int batch_commit_if_due(struct pipeline *p, struct error *err);
int batch_commit_checkpoint(struct pipeline *p, struct error *err);
bool state_lacks(const struct pipeline *p);
int state_commit(struct pipeline *p, struct error *err);
int state_commit_if_due(struct pipeline *p, struct error *err);
usec_t batch_deadline(const struct pipeline *p);
void pipeline_clock(struct pipeline *p);
int pipeline_serve(struct pipeline *p, struct error *err);

/* blame.c */
int blame_change(struct pipeline *p, const struct change *change, struct error *err);
void blame_message(struct pipeline *p, struct error *err);

/* changes.c */
int change_handle(struct pipeline *p, struct change *change, struct error *err);
int change_set_hidden(struct pipeline *p, bool hidden, struct error *err);
int change_publish(struct pipeline *p, const struct change *change, struct error *err);
int change_apply(struct pipeline *p, const struct change *change, struct error *err);

/* markers.c: records that say where transactions and snapshots begin and end, and with how many events */
void tallies_begin(struct pipeline *p);
void tally_add(struct pipeline *p, struct tally *tally, uint64_t number);
void tally_refused(struct pipeline *p, struct tally *tally, struct view collection);
int tallies_save(struct pipeline *p, struct error *err);
int tallies_keep(struct pipeline *p, struct error *err);
int tallies_load(struct pipeline *p, struct error *err);
bool marker_wanted(const struct pipeline *p);
int marker_begin(struct pipeline *p, struct error *err);
int marker_end(struct pipeline *p, struct error *err);
int marker_snapshot(struct pipeline *p, const char *status, usec_t at, struct error *err);
struct event_count;
size_t marker_documents(struct pipeline *p, struct event_count **ret);
int marker_snapshot_end(struct pipeline *p, uint64_t snapshot, usec_t at, const struct event_count *tables, size_t table_count,
			const struct event_count *documents, size_t document_count, struct error *err);
uint64_t marker_count(struct pipeline *p, const struct table *table);
uint64_t marker_refused(struct pipeline *p, const struct table *table);

/* refused.c: an exception in the place of a change record; or -1 with err as it is. */
int change_refused(struct pipeline *p, const struct change *change, unsigned part, enum fault_reason reason,
		   struct error *err);

/* registrations.c */
int schemas_open(struct pipeline *p, struct error *err);
void schemas_close(struct pipeline *p);
int schemas_reopen(struct pipeline *p, struct error *err);
int schemas_save(struct pipeline *p, struct error *err);
void schemas_saved(struct pipeline *p);
bool schemas_unsaved(const struct pipeline *p);

/* schemas.c */
void schemas_text(enum record_format format, const struct encode_schema *schema, struct writer *to,
		  struct schema_text *ret);
int schemas_recode(struct pipeline *p, const struct encode_schema *key, const struct encode_schema *value,
		   struct other_format *to, struct message *message, struct error *err);
int schemas_settle(struct pipeline *p, struct error *err);
int schemas_settle_route(struct pipeline *p, struct route *route, struct error *err);

/* A message as it leaves: in its formats. Whatever measures or sends messages does so after this. */
static inline int message_format(struct pipeline *p, const struct encode_schema *key, const struct encode_schema *value,
				 struct message *message, struct error *err)
{
	if (p->options->key_format == FORMAT_AVRO && p->options->value_format == FORMAT_AVRO)
		return 0;
	return schemas_recode(p, key, value, &p->formatted, message, err);
}

/* contracts.c */
extern const struct avro_type avro_string;
struct encode_schema contract_schema(struct arena *arena, const struct avro_type *type);
int contracts_bind(struct pipeline *p, struct error *err);
int contracts_bind_entity(struct pipeline *p, const struct entity *entity, struct entity_route *route,
			  struct error *err);

/*
 * Room for the messages of one document, so that a message's ordinal does not depend on how many the documents before
 * it made: a transaction that is resumed in the middle gives the same ones.
 */
#define ORDINALS_OF_A_DOCUMENT 128

/* documents.c */
enum document_cause {
	CAUSE_COMMIT,
	CAUSE_SNAPSHOT,
	CAUSE_JOB,
	CAUSE_REPLAY, /* a job whose messages say that they are a repetition */
	CAUSE_RETRY, /* a job, too; but what it heals, with its events, happens only now */
	CAUSE_REBUILD, /* the same, against what was published before the state file was lost */
};
int documents_publish_touched(struct pipeline *p, enum document_cause cause, struct error *err);
int document_make(struct pipeline *p, const struct touched *root, enum document_cause cause, struct error *err);

/* event_id.c */
struct view event_id(struct pipeline *p, enum document_cause cause, const char *entity, struct view key,
		     const char *rule);
void event_id_begin(struct pipeline *p, const struct transaction *txn);

/* jobs.c */
int inputs_choose(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err);
int inputs_remember(struct pipeline *p, struct error *err);
int inputs_settle(struct pipeline *p, struct error *err);
bool inputs_due(const struct pipeline *p);
int inputs_meet(struct pipeline *p, struct error *err);
int jobs_run(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err);
bool at_border(const struct pipeline *p);

/*
 * A job for the roots that are touched now, at a border: committed with them. The next jobs_run does it, here or after a
 * crash.
 */
#define JOB_RETRY "retry"
#define JOB_REPUBLISH "publish"
int job_begin(struct pipeline *p, const char *kind, uint64_t *ret_number, struct error *err);

#define JOB_RELOAD "reload"
#define JOB_LOADED "loaded"
#define JOB_REBUILD "rebuild"
int jobs_quiet(struct pipeline *p, bool *ret, struct error *err);
int job_touch(struct pipeline *p, const char *table, struct error *err);

/* loads_choose.c */
int loads_prepare(struct pipeline *p, size_t listed, struct error *err);
int loads_widen(struct pipeline *p, struct error *err);

/* loads.c */
int loads_open(struct pipeline *p, struct error *err);
void loads_close(struct pipeline *p);
int loads_step(struct pipeline *p, struct error *err);
int loads_look(struct pipeline *p, struct error *err);
bool loads_busy(const struct pipeline *p);
int load_settle(struct pipeline *p, const struct change *change, struct error *err);
int load_recheck(struct pipeline *p, const struct table *table, struct error *err);
bool load_has(struct pipeline *p, const struct change *change);

/* layouts.c: of these tables now; has one changed so that rows did without row events (a reason, or NULL)?; what is remembered */
int layouts_read(struct pipeline *p, const struct table *const *tables, size_t count, struct error *err);
int layouts_change(struct pipeline *p, const char *schema, const char *name, const char **ret_reason, struct error *err);
int layouts_keep(struct pipeline *p, struct error *err);
int layouts_look(struct pipeline *p, bool *ret_due, struct error *err);
void layouts_free(struct pipeline *p);

/* newcomers.c */
int newcomers_open(struct pipeline *p, struct error *err);
void newcomers_close(struct pipeline *p);
int newcomers_step(struct pipeline *p, struct error *err);

/* repeats.c */
struct request;
int repeats_open(struct pipeline *p, struct error *err);
void repeats_close(struct pipeline *p);
int repeats_adopt(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err);
int repeats_step(struct pipeline *p, struct error *err);
bool repeats_busy(const struct pipeline *p);
int repeats_add_rest(struct pipeline *p, const struct source_table *table, const char *rest, struct error *err);
bool repeats_rest(const struct pipeline *p, const struct repeat *but);
void repeats_see(struct pipeline *p, const struct change *change);
int repeats_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err);
int repeats_cancel(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err);

/* requests.c: what others ask for, if there is anything and its moment has come */
int requests_serve(struct pipeline *p, struct error *err);

/* retry.c, republish.c */
struct request;
int retry_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err);
int republish_take(struct pipeline *p, const struct request *request, struct writer *answer, struct error *err);
struct root_key root_key_parse(const struct entity *entity, struct view text);
int entity_unknown(const struct pipeline *p, struct view name, struct error *err);

/* snapshot.c */
int snapshot_run(struct pipeline *p, bool drop_first, struct error *err);

/* rest.c: what is left of a first snapshot that was broken off */
int rest_begin(struct pipeline *p, const struct table *const *tables, size_t count, usec_t at, struct error *err);
int rest_note(struct pipeline *p, const struct table *table, uint64_t rows, struct error *err);
int rest_add(struct pipeline *p, const char *schema, const char *name, uint64_t rows, struct error *err);
int rest_add_exceptions(struct pipeline *p, uint64_t exceptions, struct error *err);
int rest_forget(struct pipeline *p, struct error *err);
int rest_resume(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err);
int rest_publish_end(struct pipeline *p, struct error *err);

/* leftovers.c */
int leftovers_collect(struct pipeline *p, struct error *err);
int leftovers_remove(struct pipeline *p, struct error *err);

/* start.c: the table of DESIGN's start cases */
enum start_action { START_STREAM, START_SNAPSHOT, START_SNAPSHOT_AGAIN, START_FINISH_SNAPSHOT, START_RESUME_SNAPSHOT, START_STOP };

struct start_facts {
	const struct source_identity *identity;
	bool have_state;             /* S exists */
	struct progress state;
	bool have_checkpoint;        /* C exists */
	struct progress checkpoint;
	const char *state_system;    /* "" if there is no state file */
	const char *checkpoint_system;
	uint32_t state_timeline;     /* 0: unknown */
	bool create_slot;
	const char *slot;
};

/* What the state file says. */
struct start_memory {
	struct progress state;
	char system[64], timeline[16], former[64];
};

int start_remember(struct db *db, struct start_memory *ret, struct error *err);

/* The texts of all of them are borrowed. */
struct start_facts start_facts_of(const struct pipeline_options *options, const struct source_identity *identity,
				  const struct start_memory *file, const struct checkpoint *checkpoint);

/* place.c: what of our place in the log is not in the position */
void place_note(struct pipeline *p);
int place_save(struct pipeline *p, struct error *err);

/* What the source has learned of tables with its start is kept at once. */
int place_learned(struct pipeline *p, struct error *err);

/* What the source had written of tables, for its options. */
int place_history(struct pipeline *p, struct arena *arena, struct view *ret, struct error *err);
int place_remember(struct pipeline *p, const struct checkpoint *checkpoint, struct error *err);
/* 1 and the position from which a server of this name can be gone on with, if it is another one; 0; -1 with what is missing. */
int place_find(const struct source_ops *ops, struct source *source, const char *system, const struct start_facts *facts, struct position *ret,
	       struct error *err);
/* The same, and goes there: the state file and its facts are of that one then; 0; -1 with what is missing. */
int place_follow(struct pipeline *p, struct start_facts *facts, const struct checkpoint *checkpoint, struct error *err);

/* Which of the cases applies: the action, or START_STOP and the named state with its remedy in err. */
enum start_action start_decide(const struct start_facts *facts, struct error *err);

#endif
