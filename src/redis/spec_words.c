/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "redis/spec.h"

enum { MAX_CONNECT_TIMEOUT_S = 600 };

enum word {
    WORD_HOST,
    WORD_DB,
    WORD_USER,
    WORD_PASSWORD,
    WORD_PORT,
    WORD_TIMEOUT,
    WORD_TLS,
    WORD_CA,
    WORD_CERTIFICATE,
    WORD_KEY,
    WORD_VERIFY,
    WORD_OTHER, /* known, but not to us */
    WORDS,
};

static const char *const names[WORDS][6] = {
    [WORD_HOST] = {"ip", "host", "addr", "ipaddr", "hostaddr"},
    [WORD_DB] = {"dbname", "db", "database"},
    [WORD_USER] = {"user", "uname", "name", "username"},
    [WORD_PASSWORD] = {"password", "pwd", "passwd", "secret"},
    [WORD_PORT] = {"port", "p"},
    [WORD_TIMEOUT] = {"connect_timeout", "timeout"},
    [WORD_TLS] = {"tls"},
    [WORD_CA] = {"ca"},
    [WORD_CERTIFICATE] = {"cert"},
    [WORD_KEY] = {"clientkey"},
    [WORD_VERIFY] = {"verify"},
    [WORD_OTHER] = {"capath", "sni"},
};

static enum word word_of(struct text name)
{
    for (size_t i = 0; i < WORDS; i++)
        for (size_t j = 0; names[i][j] != NULL; j++)
            if (text_is_nocase(name, names[i][j]))
                return (enum word)i;
    return WORDS;
}

bool redis_spec_are_words(struct text text)
{
    return text.len > 0 && memchr(text.data, '=', text.len) != NULL &&
           word_of(text_cut(&text, '=')) != WORDS;
}

static bool is_one_of(struct text value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (text_is_nocase(value, *words))
            return true;
    return false;
}

static bool means_off(struct text value)
{
    static const char *const off[] = {"", "0", "no", "off", "false", NULL};
    return is_one_of(value, off);
}

static bool means_on(struct text value)
{
    static const char *const on[] = {"1", "yes", "on", "true", NULL};
    return is_one_of(value, on);
}

static int refuse(struct str *why, const char *sentence)
{
    str_add_string(why, sentence);
    return -EINVAL;
}

static int set_timeout(struct redis_spec *spec, struct text value, struct str *why)
{
    if (text_to_u64(value, MAX_CONNECT_TIMEOUT_S, &spec->connect_timeout_s))
        return 0;
    str_addf(why, "the timeout in seconds must be a number of at most %u",
        (unsigned)MAX_CONNECT_TIMEOUT_S);
    return -EINVAL;
}

static int set_tls(struct redis_spec *spec, struct text value, struct str *why)
{
    if (!means_off(value) && !means_on(value))
        return refuse(why, "tls must be yes or no");
    spec->tls = means_on(value);
    return 0;
}

/* On and off are other words for the strictest and the least strict. */
static int set_verify(struct redis_spec *spec, struct text value, struct str *why)
{
    if (!means_off(value) && !means_on(value))
        return redis_spec_verify(spec, value, why);
    spec->verify = means_on(value) || value.len == 0 ? REDIS_VERIFY_HOST : REDIS_VERIFY_NONE;
    return 0;
}

/* The name is not shown: it may be the second half of a password. */
static int set_word(struct redis_spec *spec, struct text name, struct text value, struct str *why)
{
    struct text *to = NULL;
    switch (word_of(name)) {
    case WORD_HOST:
        to = &spec->host;
        break;
    case WORD_USER:
        to = &spec->user;
        break;
    case WORD_PASSWORD:
        to = &spec->password;
        break;
    case WORD_CA:
        to = &spec->ca;
        break;
    case WORD_CERTIFICATE:
        to = &spec->certificate;
        break;
    case WORD_KEY:
        to = &spec->key;
        break;
    case WORD_DB:
        return redis_spec_db(spec, value, why);
    case WORD_PORT:
        return redis_spec_port(value, &spec->port, why);
    case WORD_TIMEOUT:
        return set_timeout(spec, value, why);
    case WORD_TLS:
        return set_tls(spec, value, why);
    case WORD_VERIFY:
        return set_verify(spec, value, why);
    case WORD_OTHER:
        return means_off(value) ? 0 : refuse(why, "capath and sni are not supported: use ca");
    case WORDS:
        return refuse(why, "an unknown name; ip, port, dbname, user, password, connect_timeout, "
                           "tls, ca, cert, clientkey and verify are known");
    }
    *to = value;
    return 0;
}

int redis_spec_words(struct redis_spec *spec, struct text words, struct str *why)
{
    int error = 0;
    while (error == 0) {
        struct text value = text_word(&words, ' ');
        if (value.len == 0)
            return 0;
        /* Not shown: it may be the second half of a password. */
        if (memchr(value.data, '=', value.len) == NULL)
            return refuse(why, "a word without '='; values cannot hold spaces");
        struct text name = text_cut(&value, '=');
        error = set_word(spec, name, value, why);
    }
    return error;
}
