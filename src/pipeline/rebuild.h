/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the Tailwater authors. */

/*
 * A state file that is built anew after the one before was lost. Private to pipeline/.
 *
 *	rebuild_order.c  the order, given while no agent runs
 *	rebuild_read.c   what was published is read back
 *	rebuild.c        the beginning, the figures, and the end
 */
#ifndef PIPELINE_REBUILD_H
#define PIPELINE_REBUILD_H

#include "run.h"

#define INPUT_REBUILD "rebuild.order" /* who gave it; there as long as it is not carried out */
#define INPUT_REBUILD_WORDS "rebuild.words"
#define INPUT_REBUILD_FROM "rebuild.from"
#define INPUT_REBUILD_COUNTS "rebuild.counts"

/* Of the documents of an entity. */
enum rebuilt {
	REBUILT_READ,      /* back from the topics */
	REBUILT_EQUAL,
	REBUILT_DIFFERING,
	REBUILT_ADDED,
	REBUILT_GONE,
	REBUILT_HELD,      /* they do not validate */
	REBUILT_EVENTS,
	REBUILT_KINDS,
};

struct rebuilt_entity {
	const char *name;
	uint64_t counts[REBUILT_KINDS];
	struct rebuilt_entity *next;
};

struct rebuild {
	bool begins;       /* the state file has no position yet */
	struct arena arena;
	struct rebuilt_entity *entities;
};

/*
 * What is kept in the place of the image of a document that was parked by a snapshot, of which nothing more is known: the
 * rebuild takes it as it finds it.
 */
#define REBUILD_IMAGE VIEW("\0rebuild")

/* Is there an order? Then p->rebuild is it. */
int rebuild_open(struct pipeline *p, bool history_left_out, struct error *err);
void rebuild_close(struct pipeline *p);

/* Why the state file cannot be built anew with these options; 0 if it can. */
int rebuild_check(const struct pipeline_options *options, bool history_left_out, struct error *err);

/*
 * Where a state file that is lost would stand: S of the checkpoint, or what the source was told since then. Its agent told
 * the source more only when there was nothing to publish.
 */
struct progress rebuild_progress(const struct checkpoint *checkpoint, struct position confirmed);
bool rebuild_possible(const struct checkpoint *checkpoint);

/* The claim is written: what was published is read back, and then the state file has its position. */
int rebuild_begin(struct pipeline *p, struct error *err);

/* A document of a job of ours was dealt with. */
void rebuild_note(struct pipeline *p, const char *entity, enum rebuilt what, uint64_t number);

/* With the progress of the job. */
int rebuild_save(struct pipeline *p, struct error *err);

/* If nothing is left to be done, the report is written and the order is forgotten. */
int rebuild_look(struct pipeline *p, struct error *err);

/* rebuild_read.c */
int rebuild_read_back(struct pipeline *p, struct error *err);

#endif
