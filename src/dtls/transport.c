/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/transport.h"

#include <openssl/bio.h>

static int write_datagram(BIO *bio, const char *data, size_t len, size_t *written)
{
    struct dtls_transport *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    t->send(t->owner, bytes_of(data, len));
    *written = len;
    return 1;
}

/* A datagram longer than `capacity` is cut, as recv() would. */
static int read_datagram(BIO *bio, char *data, size_t capacity, size_t *read)
{
    struct dtls_transport *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->input.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *read = t->input.len < capacity ? t->input.len : capacity;
    memcpy(data, t->input.data, *read);
    t->input = bytes_of(NULL, 0);
    return 1;
}

/* OpenSSL needs a flush that succeeds; the other questions (MTU, timeouts) are answered by our own
 * settings, and 0 says "not known here". */
static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *dtls_transport_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
    if (method == NULL)
        return NULL;
    BIO_meth_set_write_ex(method, write_datagram);
    BIO_meth_set_read_ex(method, read_datagram);
    BIO_meth_set_ctrl(method, control);
    BIO_meth_set_create(method, create);
    return method;
}

BIO *dtls_transport_bio(const BIO_METHOD *method, struct dtls_transport *transport)
{
    BIO *bio = BIO_new(method);
    if (bio != NULL)
        BIO_set_data(bio, transport);
    return bio;
}
