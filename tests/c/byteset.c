/* Sorted sets of byte strings. */

#include "check.h"

#define BYTES(text) ((const uint8_t *)(text)), strlen(text)

static oyez_bytes bytes_of(const char *text)
{
    oyez_bytes bytes;
    bytes.data = (const uint8_t *)text;
    bytes.len = strlen(text);
    return bytes;
}

static int equals(oyez_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static void the_set_keeps_copies_in_the_order_of_their_bytes(void)
{
    char name[] = "bob";
    oyez_byteset *set;
    oyez_bytes key;
    size_t rank = 9, len;
    OK(oyez_byteset_new(&set));
    OK(oyez_byteset_insert(set, BYTES(name), &rank));
    name[0] = 'x';
    OK(oyez_byteset_insert(set, BYTES("bobby"), &rank));
    CHECK(rank == 1);
    OK(oyez_byteset_insert(set, NULL, 0, &rank)); /* the empty string */
    CHECK(rank == 0);
    OK(oyez_byteset_insert(set, (const uint8_t *)"b\0b", 3, &rank));
    CHECK(rank == 1);
    ANSWERS(OYEZ_ALREADY, oyez_byteset_insert(set, BYTES("bob"), &rank));
    CHECK(rank == 2);
    OK(oyez_byteset_select(set, 2, &key));
    CHECK(equals(key, "bob"));
    OK(oyez_byteset_select(set, 0, &key));
    CHECK(key.len == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_byteset_select(set, 4, &key));
    CHECK(key.data == NULL && key.len == 0);
    OK(oyez_byteset_rank(set, BYTES("bobby"), &rank));
    CHECK(rank == 3);
    ANSWERS(OYEZ_NOT_FOUND, oyez_byteset_rank(set, BYTES("c"), &rank));
    CHECK(rank == 4);
    ANSWERS(OYEZ_NOT_FOUND, oyez_byteset_remove(set, BYTES("a"), &rank));
    CHECK(rank == 1);
    OK(oyez_byteset_remove(set, BYTES("bob"), &rank));
    CHECK(rank == 2);
    OK(oyez_byteset_len(set, &len));
    CHECK(len == 3);
    OK(oyez_byteset_clear(set));
    OK(oyez_byteset_len(set, &len));
    CHECK(len == 0);
    oyez_byteset_free(set);
}

static void slices_and_ranges_point_into_the_set(void)
{
    const oyez_bytes keys[] = {bytes_of("ada"), bytes_of("bob"), bytes_of("eve")};
    oyez_byteset *set;
    oyez_bytes out[3];
    size_t written, total;
    OK(oyez_byteset_from_sorted(keys, LENGTH(keys), &set, NULL));
    OK(oyez_byteset_slice(set, 1, 9, out, 3, &written, &total));
    CHECK(written == 2 && total == 2 && equals(out[0], "bob") && equals(out[1], "eve"));
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_byteset_slice(set, 0, 3, out, 1, &written, &total));
    CHECK(written == 1 && total == 3 && equals(out[0], "ada"));
    OK(oyez_byteset_range(set, BYTES("b"), BYTES("eve"), out, 3, &written, &total));
    CHECK(written == 2 && total == 2 && equals(out[1], "eve"));
    OK(oyez_byteset_range(set, BYTES("eve"), BYTES("b"), out, 3, &written, &total));
    CHECK(written == 0 && total == 0);
    oyez_byteset_free(set);
}

static void keys_that_do_not_ascend_are_refused(void)
{
    const oyez_bytes keys[] = {bytes_of("b"), bytes_of("a")};
    const oyez_bytes broken[] = {bytes_of("b"), {NULL, 1}};
    oyez_byteset *set;
    size_t at = 9, added = 9, len;
    ANSWERS(OYEZ_NOT_SORTED, oyez_byteset_from_sorted(keys, LENGTH(keys), &set, &at));
    CHECK(set == NULL && at == 1);
    ANSWERS(OYEZ_NULL, oyez_byteset_from_sorted(broken, LENGTH(broken), &set, &at));
    CHECK(set == NULL);

    OK(oyez_byteset_new(&set));
    ANSWERS(OYEZ_NULL, oyez_byteset_insert_many(set, broken, LENGTH(broken), &added));
    OK(oyez_byteset_len(set, &len));
    CHECK(added == 0 && len == 0);
    oyez_byteset_free(set);
}

static void many_at_once(void)
{
    char texts[500][8];
    oyez_bytes keys[500];
    const oyez_bytes wanted[] = {bytes_of("499"), bytes_of("500")};
    uint8_t found[2] = {9, 9};
    oyez_byteset *set;
    size_t added, count;
    const char *reason = "";
    for (size_t at = 0; at < LENGTH(keys); at++) {
        snprintf(texts[at], sizeof texts[at], "%d", (int)(at * 7919 % 500));
        keys[at] = bytes_of(texts[at]);
    }
    OK(oyez_byteset_new(&set));
    OK(oyez_byteset_insert_many(set, keys, LENGTH(keys), &added));
    CHECK(added == 500);
    memset(texts, 0, sizeof texts);
    OK(oyez_byteset_contains_many(set, wanted, LENGTH(wanted), found, &count));
    CHECK(count == 1 && found[0] == 1 && found[1] == 0);
    OK(oyez_byteset_validate(set, &reason));
    CHECK(reason == NULL);
    oyez_byteset_free(set);
}

static void copies_lie_one_behind_the_other(void)
{
    oyez_bytes keys[3];
    oyez_byteset *set;
    uint8_t out[8] = {0};
    size_t ends[4] = {9, 9, 9, 9}, written = 9, total = 9, bytes = 9;
    keys[0] = bytes_of("");
    keys[1] = bytes_of("ada");
    keys[2] = bytes_of("bob");
    OK(oyez_byteset_from_sorted(keys, 3, &set, NULL));
    OK(oyez_byteset_copy(set, 0, 3, out, 6, ends, 3, &written, &total, &bytes));
    CHECK(written == 3 && total == 3 && bytes == 6 && memcmp(out, "adabob", 7) == 0);
    CHECK(ends[0] == 0 && ends[1] == 3 && ends[2] == 6 && ends[3] == 9);
    OK(oyez_byteset_clear(set));
    CHECK(out[5] == 'b'); /* nothing points into the set */
    OK(oyez_byteset_insert_many(set, keys, 3, NULL));

    memset(out, 0, sizeof out);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_byteset_copy(set, 1, SIZE_MAX, out, 5, ends, 4, &written, &total, &bytes));
    CHECK(written == 1 && total == 2 && bytes == 6 && memcmp(out, "ada", 4) == 0);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_byteset_copy(set, 1, 3, out, 8, ends, 1, &written, &total, &bytes));
    CHECK(written == 1 && total == 2 && bytes == 6 && out[3] == 0);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_byteset_copy(set, 0, 3, NULL, 0, NULL, 0, &written, &total, &bytes));
    CHECK(written == 0 && total == 3 && bytes == 6);
    OK(oyez_byteset_copy(set, 3, 9, NULL, 0, NULL, 0, &written, &total, &bytes));
    CHECK(written == 0 && total == 0 && bytes == 0);
    OK(oyez_byteset_copy(set, 2, 1, out, 8, ends, 4, NULL, NULL, NULL));
    oyez_byteset_free(set);
}

int main(void)
{
    TEST(the_set_keeps_copies_in_the_order_of_their_bytes);
    TEST(slices_and_ranges_point_into_the_set);
    TEST(copies_lie_one_behind_the_other);
    TEST(keys_that_do_not_ascend_are_refused);
    TEST(many_at_once);
    return 0;
}
