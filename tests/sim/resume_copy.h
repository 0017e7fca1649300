/* SPDX-License-Identifier: Apache-2.0 */
/* sim/resume_copy.h - a listener only borrows what is saved; tests keep a copy. */
#ifndef SIM_RESUME_COPY_H
#define SIM_RESUME_COPY_H

#include "relay/resume.h"

/* Returns a new one with all that it points to. */
struct relay_resume *resume_copy(const struct relay_resume *from);

#endif
