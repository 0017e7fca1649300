/* SPDX-License-Identifier: Apache-2.0 */
/* Four threads that do the same at once. What cmocka asserts belongs into the main thread: they
 * count what went wrong. */
#ifndef FOUR_THREADS_H
#define FOUR_THREADS_H

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4 };

static atomic_uint mistakes;

static inline void expect(bool is_right)
{
    if (!is_right)
        atomic_fetch_add(&mistakes, 1);
}

/* Returns how many mistakes they made. */
static inline unsigned run_threads(void *(*work)(void *), void *argument)
{
    pthread_t threads[THREADS];
    atomic_store(&mistakes, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, argument), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&mistakes);
}

#endif
