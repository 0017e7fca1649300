/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file of keys is read, or refused with a sentence that shows none of it; what its first key has
 * sealed opens again, and what nobody has sealed does not open.
 */
#include "../require.h"
#include "store/seal.h"

#include <stdlib.h>

static void check_round_trip(const struct seal *seal, struct bytes record)
{
    size_t len = 0;
    uint8_t *sealed = malloc(record.len + SEAL_OVERHEAD);
    uint8_t *opened = malloc(record.len + SEAL_OVERHEAD);
    require(sealed != NULL && opened != NULL);
    require(seal_close(seal, STORE_CALL, TEXT("x"), record, sealed));
    struct bytes whole = bytes_of(sealed, record.len + SEAL_OVERHEAD);
    require(seal_open(seal, STORE_CALL, TEXT("x"), whole, opened, &len));
    require(bytes_equal(bytes_of(opened, len), record));
    require(!seal_open(seal, STORE_CALL, TEXT("y"), whole, opened, &len));
    require(!seal_open(seal, STORE_CALL, TEXT("x"), bytes_of(sealed, whole.len - 1), opened, &len));
    free(sealed);
    free(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seal *seal = NULL;
    struct str why = {.data = NULL};
    struct bytes input = bytes_of(data, size);
    int error = seal_read(text_from_bytes(input), &seal, &why);
    require((error == 0) == (seal != NULL) && (error == 0) == (why.len == 0));
    if (seal != NULL) {
        uint8_t *opened = malloc(size + 1);
        size_t len;
        require(opened != NULL && seal_key_count(seal) >= 1);
        require(seal_key_count(seal) <= SEAL_MAX_KEYS);
        require(!seal_open(seal, STORE_CALL, TEXT("x"), input, opened, &len));
        check_round_trip(seal, input);
        free(opened);
    }
    seal_free(seal);
    str_done(&why);
    return 0;
}
