/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read can be copied and written, and has what its kind must have; what was not read has a
 * reason, which never shows a password, and leaves nothing behind.
 */
#include "../require.h"
#include "redis/target.h"

static bool same(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && text_equal(text_from(a), text_from(b));
}

static void check(const struct redis_target *t)
{
    require(t->host_count >= 1 && t->host_count <= REDIS_MAX_HOSTS);
    for (size_t i = 0; i < t->host_count; i++)
        require(t->hosts[i].name[0] != '\0' && t->hosts[i].port > 0);
    require((t->service != NULL) == (t->topology == REDIS_SENTINEL));
    require(t->topology == REDIS_SENTINEL || t->sentinel_password == NULL);
    require(t->topology != REDIS_CLUSTER || t->db == 0);
    require(t->user == NULL || t->password != NULL);
    require((t->tls.certificate != NULL) == (t->tls.key != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_target target = {.service = NULL}, copy = {.service = NULL};
    struct str why = {.data = NULL}, first = {.data = NULL}, second = {.data = NULL};
    if (redis_target_parse(text_of((const char *)data, size), &target, &why) != 0) {
        require(why.len > 0 && target.host_count == 0);
        require(strstr(str_string(&why), "Geheim") == NULL);
    } else {
        check(&target);
        require(redis_target_copy(&target, &copy) == 0);
        redis_target_write(&target, &first);
        redis_target_write(&copy, &second);
        require(text_equal(str_text(&first), str_text(&second)));
        require(same(target.password, copy.password) && same(target.tls.ca, copy.tls.ca));
        require(same(target.sentinel_password, copy.sentinel_password));
    }
    redis_target_done(&target);
    redis_target_done(&copy);
    str_done(&why);
    str_done(&first);
    str_done(&second);
    return 0;
}
