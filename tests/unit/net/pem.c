/* SPDX-License-Identifier: Apache-2.0 */
#include "pem.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char directory[] = "/tmp/mediaferry-pem-XXXXXX";

void pem_init(void)
{
    strcpy(directory + sizeof(directory) - 7, "XXXXXX");
    assert_non_null(mkdtemp(directory));
}

void pem_done(void)
{
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d))
        if (entry->d_name[0] != '.')
            unlink(pem_path(entry->d_name));
    closedir(d);
    rmdir(directory);
}

const char *pem_path(const char *file)
{
    static char paths[16][PEM_PATH_SIZE];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, PEM_PATH_SIZE, "%s/%.64s", directory, file);
    return path;
}

void pem_put(const char *file, const char *text)
{
    if (text == NULL) {
        unlink(pem_path(file));
        return;
    }
    FILE *f = fopen(pem_path(file), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

struct pem_identity pem_identity(const char *alt, const struct pem_identity *issuer)
{
    static long serial;
    struct pem_identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
    assert_true(made.key != NULL && made.certificate != NULL);

    X509_NAME *name = X509_NAME_new();
    X509_NAME_add_entry_by_txt(
        name, "CN", MBSTRING_ASC, (const unsigned char *)"common.example", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
        (const unsigned char *)(issuer != NULL ? "leaf" : "root"), -1, -1, 0);
    X509_set_subject_name(made.certificate, name);
    X509_NAME_free(name);

    const struct pem_identity *by = issuer != NULL ? issuer : &made;
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 86400);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(by->certificate));
    X509_set_pubkey(made.certificate, made.key);
    add_extension(made.certificate, NID_basic_constraints, issuer != NULL ? "CA:FALSE" : "CA:TRUE");
    if (alt != NULL)
        add_extension(made.certificate, NID_subject_alt_name, alt);
    assert_true(X509_sign(made.certificate, by->key, EVP_sha256()) > 0);
    return made;
}

void pem_identity_free(struct pem_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

void pem_write(const char *name, const struct pem_identity *const *chain, const char *password)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.pem", name);
    FILE *f = fopen(pem_path(file), "w");
    assert_non_null(f);
    for (size_t i = 0; chain[i] != NULL; i++)
        PEM_write_X509(f, chain[i]->certificate);
    fclose(f);

    snprintf(file, sizeof(file), "%s.key", name);
    f = fopen(pem_path(file), "w");
    assert_non_null(f);
    PEM_write_PKCS8PrivateKey(f, chain[0]->key, password != NULL ? EVP_aes_128_cbc() : NULL, NULL,
        0, NULL, (void *)(uintptr_t)password);
    fclose(f);
}

void pem_make(const char *name, const char *alt)
{
    struct pem_identity identity = pem_identity(alt, NULL);
    const struct pem_identity *const chain[] = {&identity, NULL};
    pem_write(name, chain, NULL);
    pem_identity_free(&identity);
}
