/* SPDX-License-Identifier: Apache-2.0 */
/* unit/net/pem.h - keys and certificates for tests, made anew, in a directory of their own. */
#ifndef UNIT_NET_PEM_H
#define UNIT_NET_PEM_H

#include <openssl/x509.h>

enum { PEM_PATH_SIZE = 128 };

/* A directory for the files of a test; removed with what is in it by pem_done(). */
void pem_init(void);
void pem_done(void);

/* "<directory>/<file>", in one of a few static buffers. */
const char *pem_path(const char *file);

/* Writes a text to a file, or removes it when `text` is NULL. */
void pem_put(const char *file, const char *text);

struct pem_identity {
    EVP_PKEY *key;
    X509 *certificate;
};

/* Makes an identity, "common.example" by its subject, with the names `alt`
 * ("DNS:a.example,DNS:b.example"), signed by `issuer`, or by itself when that is NULL. */
struct pem_identity pem_identity(const char *alt, const struct pem_identity *issuer);
void pem_identity_free(struct pem_identity *identity);

/* Writes the certificates of `chain`, up to a NULL, to "<name>.pem", and the key of the first to
 * "<name>.key", encrypted when there is a password. */
void pem_write(const char *name, const struct pem_identity *const *chain, const char *password);

/* Both for one self-signed certificate. */
void pem_make(const char *name, const char *alt);

#endif
