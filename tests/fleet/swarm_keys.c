/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleet/swarm_keys.h"

#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define CURVE   "P-256"
#define LIFE_S  (2L * 24 * 60 * 60)
#define EARLY_S (-60L)

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static bool read_authority(const char *key, const char *certificate, struct authority *authority)
{
    FILE *file = fopen(key, "r");

    authority->key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file) {
        fclose(file);
    }
    file = fopen(certificate, "r");
    authority->certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) {
        fclose(file);
    }
    return authority->key && authority->certificate;
}

static X509 *sign(const struct authority *authority, EVP_PKEY *key, const char *name, long serial)
{
    X509 *made = X509_new();
    X509_NAME *subject = X509_get_subject_name(made);

    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
    X509_gmtime_adj(X509_getm_notBefore(made), EARLY_S);
    X509_gmtime_adj(X509_getm_notAfter(made), LIFE_S);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(authority->certificate));
    X509_set_pubkey(made, key);
    if (!X509_sign(made, authority->key, EVP_sha256())) {
        X509_free(made);
        return NULL;
    }
    return made;
}

static bool write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
    FILE *file = fopen(path, "w");
    bool done = file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) &&
                PEM_write_X509(file, certificate);

    return file && !fclose(file) && done;
}

bool fl_swarm_keys(const char *ca_key, const char *ca_certificate, const char *name, long serial,
                   const char *path)
{
    struct authority authority = { .key = NULL };
    bool done = read_authority(ca_key, ca_certificate, &authority);
    EVP_PKEY *key = done ? EVP_EC_gen(CURVE) : NULL;
    X509 *certificate = key ? sign(&authority, key, name, serial) : NULL;

    done = certificate && write_pem(path, key, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    X509_free(authority.certificate);
    EVP_PKEY_free(authority.key);
    return done;
}
