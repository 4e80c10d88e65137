// SPDX-License-Identifier: GPL-2.0
/*
 * The columns of a row group, one after the other: each thread takes the next
 * one that nobody has taken, encodes it in memory of its own, and puts what
 * came of it behind what came of others. The caller works as the helpers do;
 * between two calls these wait.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "scratch.h"

/* src/libbpf/chunk-encoder.ts writes it by offset. */
_Static_assert(sizeof(struct chunks_call) == 48, "layout of chunks_call");

struct helper {
	struct chunk_encoder *encoder;
	struct scratch *scratch;
	pthread_t thread;
};

struct chunk_encoder {
	int level;
	struct scratch *scratch; /* the caller's */
	struct helper helpers[MOST_HELPERS];
	uint32_t helper_count;
	pthread_mutex_t lock; /* of all that follows, and of the call's results */
	pthread_cond_t has_work, is_done;
	struct chunks_call *call;
	uint32_t next; /* column that nobody has taken */
	uint32_t busy; /* helpers that have taken one */
	int error;     /* the first one that somebody met */
	bool is_closing;
};

struct chunk_encoder *chunk_encoder_open(int level)
{
	struct chunk_encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return NULL;
	encoder->level = level;
	encoder->scratch = scratch_open(level);
	if (!encoder->scratch) {
		free(encoder);
		return NULL;
	}
	pthread_mutex_init(&encoder->lock, NULL);
	pthread_cond_init(&encoder->has_work, NULL);
	pthread_cond_init(&encoder->is_done, NULL);
	return encoder;
}

static bool has_column(const struct chunk_encoder *encoder)
{
	return encoder->call && !encoder->error && encoder->next < encoder->call->chunk_count;
}

/* Behind what is in `out` already. Where that does not suffice, how much would is still found out. */
static void put_out(struct chunks_call *call, struct chunk_call *chunk, const struct sink *pages)
{
	struct sink out = { .bytes = (uint8_t *)(uintptr_t)call->out, .at = call->out_bytes };

	chunk->out_at = call->out_bytes;
	call->out_bytes += pages->at;
	if (call->out_bytes <= call->capacity)
		put_bytes(&out, pages->bytes, pages->at);
}

/* Columns for as long as there are some. The lock is held, but for the work itself. */
static void take_columns(struct chunk_encoder *encoder, struct scratch *scratch)
{
	while (has_column(encoder)) {
		struct chunks_call *call = encoder->call;
		struct chunk_call *chunks = (struct chunk_call *)(uintptr_t)call->chunks;
		struct chunk_call *chunk = &chunks[encoder->next++];
		struct sink pages;
		int error;

		pthread_mutex_unlock(&encoder->lock);
		error = chunk_encode(scratch, chunk, &pages);
		pthread_mutex_lock(&encoder->lock);
		if (!error)
			put_out(call, chunk, &pages);
		else if (!encoder->error)
			encoder->error = error;
	}
}

static void *help(void *argument)
{
	const struct helper *helper = argument;
	struct chunk_encoder *encoder = helper->encoder;

	pthread_mutex_lock(&encoder->lock);
	while (!encoder->is_closing) {
		if (!has_column(encoder)) {
			pthread_cond_wait(&encoder->has_work, &encoder->lock);
			continue;
		}
		encoder->busy++;
		take_columns(encoder, helper->scratch);
		if (!--encoder->busy)
			pthread_cond_signal(&encoder->is_done);
	}
	pthread_mutex_unlock(&encoder->lock);
	return NULL;
}

/* Signals are for the threads that were there before: this one never handles any. */
static int start_thread(struct helper *helper)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&helper->thread, NULL, help, helper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pthread_setname_np(helper->thread, "parquet-encoder");
	return error;
}

static bool add_helper(struct chunk_encoder *encoder)
{
	struct helper *helper = &encoder->helpers[encoder->helper_count];

	*helper = (struct helper){ .encoder = encoder, .scratch = scratch_open(encoder->level) };
	if (!helper->scratch)
		return false;
	if (start_thread(helper)) {
		scratch_close(helper->scratch);
		return false;
	}
	encoder->helper_count++;
	return true;
}

int chunks_encode(struct chunks_call *call)
{
	struct chunk_encoder *encoder = (struct chunk_encoder *)(uintptr_t)call->encoder;
	const uint32_t helpers = call->helpers < MOST_HELPERS ? call->helpers : MOST_HELPERS;
	int error;

	while (encoder->helper_count < helpers && add_helper(encoder))
		;
	pthread_mutex_lock(&encoder->lock);
	call->out_bytes = 0;
	encoder->call = call;
	encoder->next = 0;
	encoder->error = 0;
	pthread_cond_broadcast(&encoder->has_work);
	take_columns(encoder, encoder->scratch);
	while (encoder->busy)
		pthread_cond_wait(&encoder->is_done, &encoder->lock);
	encoder->call = NULL;
	error = encoder->error;
	pthread_mutex_unlock(&encoder->lock);
	if (!error && call->out_bytes > call->capacity)
		return -ENOBUFS;
	return error;
}

void chunk_encoder_close(struct chunk_encoder *encoder)
{
	if (!encoder)
		return;
	pthread_mutex_lock(&encoder->lock);
	encoder->is_closing = true;
	pthread_cond_broadcast(&encoder->has_work);
	pthread_mutex_unlock(&encoder->lock);
	for (uint32_t i = 0; i < encoder->helper_count; i++) {
		pthread_join(encoder->helpers[i].thread, NULL);
		scratch_close(encoder->helpers[i].scratch);
	}
	pthread_cond_destroy(&encoder->has_work);
	pthread_cond_destroy(&encoder->is_done);
	pthread_mutex_destroy(&encoder->lock);
	scratch_close(encoder->scratch);
	free(encoder);
}
