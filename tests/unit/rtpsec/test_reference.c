/* SPDX-License-Identifier: Apache-2.0 */
/* The witness itself, against the vectors printed in the RFCs. */
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static void assert_hex(const uint8_t *actual, size_t len, const char *hex)
{
    struct bytes expected = from_hex(hex);
    assert_int_equal(len, expected.len);
    assert_memory_equal(actual, expected.data, len);
    free((void *)expected.data);
}

/* RFC 3711, appendix B.3. */
static void derives_as_in_rfc_3711(void **state)
{
    (void)state;
    uint8_t out[94];
    struct bytes key = from_hex("E1F97A0D3E018BE0D64FA32C06DE4139");
    struct bytes salt = from_hex("0EC675AD498AFEEBB6960B3AABE6");
    reference_derive(key, salt, 0, out, 16);
    assert_hex(out, 16, "C61E7A93744F39EE10734AFE3FF7A087");
    reference_derive(key, salt, 2, out, 14);
    assert_hex(out, 14, "30CBBC08863D8C85D49DB34A9AE1");
    reference_derive(key, salt, 1, out, 94);
    assert_hex(out, 94,
        "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE"
        "E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25"
        "6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2");
    free((void *)key.data);
    free((void *)salt.data);
}

/* RFC 6188, section 7.2. */
static void derives_as_in_rfc_6188(void **state)
{
    (void)state;
    uint8_t out[32];
    struct bytes key = from_hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6");
    struct bytes salt = from_hex("3b04803de51ee7c96423ab5b78d2");
    reference_derive(key, salt, 0, out, 32);
    assert_hex(out, 32, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
    reference_derive(key, salt, 2, out, 14);
    assert_hex(out, 14, "fa31791685ca444a9e07c6c64e93");
    free((void *)key.data);
    free((void *)salt.data);
}

/* RFC 3711, appendix B.2: the key stream, as the encryption of zeros at SSRC 0, index 0. */
static void counts_as_in_rfc_3711(void **state)
{
    (void)state;
    struct reference r = {
        .suite = rtpsec_suite(RTPSEC_AES_128_CM_80), .flags.unauthenticated_srtp = true};
    struct bytes key = from_hex("2B7E151628AED2A6ABF7158809CF4F3C");
    struct bytes salt = from_hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD");
    uint8_t packet[12 + 48] = {0x80};
    memcpy(r.rtp.cipher, key.data, key.len);
    memcpy(r.rtp.salt, salt.data, salt.len);
    assert_int_equal(reference_protect_rtp(&r, packet, sizeof(packet), 0), sizeof(packet));
    assert_hex(packet + 12, 48,
        "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB"
        "41E95B3BB0A2E8DD477901E4FCA894C0");
    free((void *)key.data);
    free((void *)salt.data);
}

#define KEY_128 "000102030405060708090a0b0c0d0e0f"
#define KEY_256 KEY_128 "101112131415161718191a1b1c1d1e1f"
#define SALT "517569642070726f2071756f"
#define RTP                                                                                        \
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070"    \
    "61727465 73207472 6573"
#define RTCP                                                                                       \
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef"    \
    "deadbeef deadbeef deadbeef"

/* RFC 7714, sections 16 and 17. */
static const struct {
    const char *what;
    enum rtpsec_suite_id suite;
    bool is_rtcp, is_plain;
    const char *key, *in, *out;
} sealed[] = {
    {"16.1.1", RTPSEC_AEAD_AES_128_GCM, false, false, KEY_128, RTP,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a"
        "51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce"},
    {"16.2.1", RTPSEC_AEAD_AES_256_GCM, false, false, KEY_256, RTP,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02"
        "76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13"},
    {"17.1", RTPSEC_AEAD_AES_128_GCM, true, false, KEY_128, RTCP,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda"
        "4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"},
    {"17.2", RTPSEC_AEAD_AES_256_GCM, true, false, KEY_256, RTCP,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be"
        "8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"},
    {"17.3", RTPSEC_AEAD_AES_128_GCM, true, true, KEY_128, RTCP,
        RTCP "841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"},
    {"17.4", RTPSEC_AEAD_AES_256_GCM, true, true, KEY_256, RTCP,
        RTCP "91db4afb feee5a97 8fab4393 ed2615fe 000005d4"},
};

static void seals_as_in_rfc_7714(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sealed); i++) {
        struct reference r = {
            .suite = rtpsec_suite(sealed[i].suite), .flags.unencrypted_srtcp = sealed[i].is_plain};
        struct bytes key = from_hex(sealed[i].key);
        struct bytes salt = from_hex(SALT);
        struct bytes in = from_hex(sealed[i].in);
        struct reference_keys *k = sealed[i].is_rtcp ? &r.rtcp : &r.rtp;
        uint8_t packet[200];
        memcpy(k->cipher, key.data, key.len);
        memcpy(k->salt, salt.data, salt.len);
        memcpy(packet, in.data, in.len);
        size_t len = sealed[i].is_rtcp ? reference_protect_rtcp(&r, packet, in.len, 0x5d4)
                                       : reference_protect_rtp(&r, packet, in.len, 0xf17b);
        print_message("# RFC 7714, section %s\n", sealed[i].what);
        assert_hex(packet, len, sealed[i].out);
        free((void *)key.data);
        free((void *)salt.data);
        free((void *)in.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_as_in_rfc_3711),
        cmocka_unit_test(derives_as_in_rfc_6188),
        cmocka_unit_test(counts_as_in_rfc_3711),
        cmocka_unit_test(seals_as_in_rfc_7714),
    };
    return cmocka_run_group_tests_name("rtpsec reference", tests, NULL, NULL);
}
