/* SPDX-License-Identifier: Apache-2.0 */
#include "session/record_numbers.h"

#include "relay/resume.h"

/* --- writing --- */

static int64_t load(const struct record_number *n, const void *base)
{
    const uint8_t *at = (const uint8_t *)base + n->offset;
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        int32_t i32;
        int64_t i64;
    } v;
    memcpy(&v, at, n->size);
    switch (n->size) {
    case sizeof(v.u8):
        return v.u8;
    case sizeof(v.u16):
        return v.u16;
    case sizeof(v.u32):
        return n->is_signed ? v.i32 : (int64_t)v.u32;
    default:
        return v.i64;
    }
}

void record_put_numbers(
    struct ng_arena *arena, struct ng_value *dict, struct record_numbers numbers, const void *base)
{
    for (size_t i = 0; i < numbers.count; i++)
        fields_put_number(arena, dict, numbers.list[i].name, load(&numbers.list[i], base), 0);
}

struct ng_value *record_add(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct ng_value **list)
{
    if (*list == NULL)
        *list = ng_put_list(arena, dict, text_from(name));
    return ng_add_dict(arena, *list);
}

/* --- reading --- */

static int64_t smallest(const struct record_number *n)
{
    if (n->size == sizeof(int64_t))
        return INT64_MIN;
    return n->is_signed ? INT32_MIN : 0;
}

static int64_t greatest(const struct record_number *n)
{
    if (n->size == sizeof(int64_t))
        return INT64_MAX;
    return n->is_signed ? INT32_MAX : (INT64_C(1) << 8 * n->size) - 1;
}

static void store(const struct record_number *n, void *base, int64_t number)
{
    uint8_t *at = (uint8_t *)base + n->offset;
    const uint8_t u8 = (uint8_t)number;
    const uint16_t u16 = (uint16_t)number;
    const uint32_t u32 = (uint32_t)number;
    switch (n->size) {
    case sizeof(u8):
        memcpy(at, &u8, sizeof(u8));
        return;
    case sizeof(u16):
        memcpy(at, &u16, sizeof(u16));
        return;
    case sizeof(u32):
        memcpy(at, &u32, sizeof(u32));
        return;
    default:
        memcpy(at, &number, sizeof(number));
    }
}

void record_read_numbers(const struct fields *f, struct record_numbers numbers, void *base)
{
    for (size_t i = 0; i < numbers.count; i++) {
        const struct record_number *n = &numbers.list[i];
        store(n, base, fields_number(f, n->name, smallest(n), greatest(n), 0));
    }
}

void record_read_bytes(const struct fields *f, const char *name, uint8_t *out, size_t len)
{
    struct text bytes = fields_text(f, name, len);
    if (bytes.len == len)
        memcpy(out, bytes.data, len);
    else
        fields_refuse(f, name, "not of %zu bytes", len);
}

void *record_alloc(const struct fields *f, struct relay_resume *resume, size_t count, size_t size)
{
    void *memory = relay_resume_alloc(resume, count, size);
    if (memory == NULL && count > 0)
        fields_refuse(f, NULL, "out of memory");
    return memory;
}
