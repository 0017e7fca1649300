/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim/moves.h - the call of a scene goes on in another relay: what it was asked for is all that is
 * handed over.
 */
#ifndef SIM_MOVES_H
#define SIM_MOVES_H

#include "relay/resume.h"
#include "scene.h"

/* The relay's listener: keeps a copy in the scene. */
void scene_saved(void *owner, uint64_t token, const struct relay_resume *resume);

/* Asks for all there is to go on with; the answer is in the scene. */
void scene_save(struct scene *s, enum relay_save how);

/* The relay is gone without a word, and another one has taken its place, without any call. */
void scene_crash(struct scene *s);

/* The call of the plan goes on there with what was saved, `age_ms` ago. */
void scene_resume(struct scene *s, uint64_t age_ms);

/* All of it in an instant. */
void scene_move(struct scene *s);

#endif
