/* Sorted sets of numbers. */

#include "check.h"

static oyez_set *set_of(const uint64_t *keys, size_t count)
{
    oyez_set *set = NULL;
    OK(oyez_set_from_sorted(keys, count, &set, NULL));
    CHECK(set != NULL);
    return set;
}

static void every_call_tells_the_rank(void)
{
    oyez_set *set;
    size_t rank = 9, len = 9;
    uint64_t key = 9;
    OK(oyez_set_new(&set));
    OK(oyez_set_insert(set, 30, &rank));
    CHECK(rank == 0);
    OK(oyez_set_insert(set, 10, NULL));
    OK(oyez_set_insert(set, 20, &rank));
    CHECK(rank == 1);
    ANSWERS(OYEZ_ALREADY, oyez_set_insert(set, 30, &rank));
    CHECK(rank == 2);

    OK(oyez_set_rank(set, 20, &rank));
    CHECK(rank == 1);
    ANSWERS(OYEZ_NOT_FOUND, oyez_set_rank(set, 25, &rank));
    CHECK(rank == 2);
    OK(oyez_set_select(set, 2, &key));
    CHECK(key == 30);
    ANSWERS(OYEZ_NOT_FOUND, oyez_set_select(set, 3, &key));
    CHECK(key == 0);

    OK(oyez_set_remove(set, 10, &rank));
    CHECK(rank == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_set_remove(set, 25, &rank));
    CHECK(rank == 1);
    OK(oyez_set_len(set, &len));
    CHECK(len == 2);
    OK(oyez_set_clear(set));
    OK(oyez_set_len(set, &len));
    CHECK(len == 0);
    oyez_set_free(set);
}

static void keys_that_do_not_ascend_are_refused(void)
{
    const uint64_t keys[] = {1, 5, 5, 9};
    oyez_set *set = (oyez_set *)&keys;
    size_t at = 9;
    ANSWERS(OYEZ_NOT_SORTED, oyez_set_from_sorted(keys, LENGTH(keys), &set, &at));
    CHECK(set == NULL && at == 2);
    OK(oyez_set_from_sorted(keys, 2, &set, &at));
    CHECK(at == 0);
    oyez_set_free(set);
    OK(oyez_set_from_sorted(NULL, 0, &set, &at));
    oyez_set_free(set);
}

static void a_buffer_takes_as_many_as_it_has_room_for(void)
{
    const uint64_t keys[] = {10, 20, 30, 40};
    oyez_set *set = set_of(keys, LENGTH(keys));
    uint64_t out[4] = {0};
    size_t written = 9, total = 9;
    OK(oyez_set_slice(set, 1, 3, out, 4, &written, &total));
    CHECK(written == 2 && total == 2 && out[0] == 20 && out[1] == 30 && out[2] == 0);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_set_slice(set, 0, SIZE_MAX, out, 3, &written, &total));
    CHECK(written == 3 && total == 4 && out[2] == 30 && out[3] == 0);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_set_slice(set, 0, 4, NULL, 0, &written, &total));
    CHECK(written == 0 && total == 4);
    OK(oyez_set_slice(set, 3, 1, out, 4, &written, &total));
    CHECK(written == 0 && total == 0);
    OK(oyez_set_slice(set, 9, SIZE_MAX, out, 4, NULL, NULL));

    OK(oyez_set_range(set, 15, 40, out, 4, &written, &total));
    CHECK(written == 3 && total == 3 && out[0] == 20 && out[2] == 40);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_set_range(set, 0, UINT64_MAX, out, 1, &written, &total));
    CHECK(written == 1 && total == 4 && out[0] == 10);
    OK(oyez_set_range(set, 40, 15, out, 4, &written, &total));
    CHECK(written == 0 && total == 0);
    ANSWERS(OYEZ_INVALID, oyez_set_slice(set, 0, 4, out, SIZE_MAX / 2, &written, &total));
    CHECK(written == 0 && total == 0);
    oyez_set_free(set);
}

static void many_at_once(void)
{
    uint64_t keys[1000];
    const uint64_t wanted[] = {998, 999, 0};
    uint8_t found[3] = {9, 9, 9};
    oyez_set *set;
    size_t added = 9, count = 9, len;
    const char *reason = "";
    for (size_t at = 0; at < LENGTH(keys); at++) {
        keys[at] = (at * 7919) % 1000 / 2 * 2; /* each even number twice, in no order */
    }
    OK(oyez_set_new(&set));
    OK(oyez_set_insert_many(set, keys, LENGTH(keys), &added));
    CHECK(added == 500);
    OK(oyez_set_insert_many(set, NULL, 0, &added));
    CHECK(added == 0);
    OK(oyez_set_len(set, &len));
    CHECK(len == 500);
    OK(oyez_set_contains_many(set, wanted, LENGTH(wanted), found, &count));
    CHECK(count == 2 && found[0] == 1 && found[1] == 0 && found[2] == 1);
    OK(oyez_set_contains_many(set, NULL, 0, NULL, &count));
    CHECK(count == 0);
    OK(oyez_set_validate(set, &reason));
    CHECK(reason == NULL);
    oyez_set_free(set);
}

int main(void)
{
    TEST(every_call_tells_the_rank);
    TEST(keys_that_do_not_ascend_are_refused);
    TEST(a_buffer_takes_as_many_as_it_has_room_for);
    TEST(many_at_once);
    return 0;
}
