/* Member lists: rows, windows, and what viewers are told. */

#include "check.h"

static const uint64_t ONLINE = 1, OFFLINE = 2;

#define KEY(text) ((const uint8_t *)(text)), strlen(text)

static oyez_member_list *list_of(const oyez_member_list_options *options)
{
    const uint64_t groups[] = {ONLINE, OFFLINE};
    oyez_member_list *list;
    OK(oyez_member_list_new(groups, LENGTH(groups), options, &list));
    return list;
}

static oyez_window window_of(size_t first, size_t last)
{
    oyez_window window;
    window.first = first;
    window.last = last;
    return window;
}

static int row_is(oyez_row row, uint32_t kind, uint64_t id)
{
    return row.kind == kind && row.id == id;
}

static void rows_count_headers(void)
{
    oyez_member_list *list = list_of(NULL);
    oyez_upserted done;
    oyez_row rows[4];
    oyez_group_count counts[2];
    size_t row = 9, written, total;
    uint64_t group = 9;
    const char *reason = "";
    OK(oyez_member_list_upsert(list, 10, ONLINE, KEY("bob"), &done));
    CHECK(done.kind == OYEZ_UPSERTED_NEW && done.row == 1);
    OK(oyez_member_list_upsert(list, 11, OFFLINE, KEY("ada"), &done));
    CHECK(done.kind == OYEZ_UPSERTED_NEW && done.row == 3);
    OK(oyez_member_list_upsert(list, 11, OFFLINE, KEY("ada"), &done));
    CHECK(done.kind == OYEZ_UPSERTED_UNCHANGED && done.row == 3);
    OK(oyez_member_list_row_count(list, &total));
    CHECK(total == 4);
    OK(oyez_member_list_rows(list, 0, SIZE_MAX, rows, 4, &written, &total));
    CHECK(written == 4 && total == 4 && row_is(rows[0], OYEZ_ROW_HEADER, ONLINE));
    CHECK(row_is(rows[1], OYEZ_ROW_MEMBER, 10) && row_is(rows[2], OYEZ_ROW_HEADER, OFFLINE));
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_member_list_rows(list, 1, 4, rows, 1, &written, &total));
    CHECK(written == 1 && total == 3 && row_is(rows[0], OYEZ_ROW_MEMBER, 10));
    OK(oyez_member_list_rows(list, 4, 1, rows, 4, &written, &total));
    CHECK(written == 0 && total == 0);
    OK(oyez_member_list_counts(list, counts, 2, &written, &total));
    CHECK(written == 2 && counts[0].group == ONLINE && counts[1].members == 1);

    OK(oyez_member_list_regroup(list, 11, ONLINE, &done));
    CHECK(done.kind == OYEZ_UPSERTED_MOVED && done.from == 3 && done.row == 1);
    OK(oyez_member_list_row_of(list, 10, &row));
    CHECK(row == 2);
    OK(oyez_member_list_group_of(list, 11, &group));
    CHECK(group == ONLINE);
    OK(oyez_member_list_remove(list, 11, &row));
    CHECK(row == 1);
    ANSWERS(OYEZ_NOT_FOUND, oyez_member_list_remove(list, 11, &row));
    CHECK(row == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_member_list_row_of(list, 11, &row));
    ANSWERS(OYEZ_NOT_FOUND, oyez_member_list_group_of(list, 11, &group));
    ANSWERS(OYEZ_NOT_FOUND, oyez_member_list_regroup(list, 11, ONLINE, &done));
    ANSWERS(OYEZ_NO_GROUP, oyez_member_list_regroup(list, 10, 3, &done));
    CHECK(done.kind == 0); /* nothing was done */
    done.kind = 9;
    ANSWERS(OYEZ_NO_GROUP, oyez_member_list_upsert(list, 11, 3, NULL, 0, &done));
    CHECK(done.kind == 0);
    OK(oyez_member_list_validate(list, &reason));
    CHECK(reason == NULL);
    oyez_member_list_free(list);
}

static void limits_are_told(void)
{
    const uint64_t twice[] = {ONLINE, ONLINE};
    const oyez_window windows[] = {{0, 3}, {5, 8}};
    oyez_window window;
    oyez_member_list_options options = OYEZ_MEMBER_LIST_OPTIONS_INIT;
    oyez_member_list *list;
    oyez_flush *flush;
    ANSWERS(OYEZ_INVALID, oyez_member_list_new(twice, 2, NULL, &list));
    CHECK(list == NULL);
    options.struct_size = 0;
    ANSWERS(OYEZ_INVALID, oyez_member_list_new(twice, 1, &options, &list));
    options.struct_size = sizeof options;
    options.members_max = 1;
    options.collation_bytes_max = 3;
    options.viewers_max = 1;
    options.windows_max = 1;
    options.window_rows_max = 4;
    list = list_of(&options);
    OK(oyez_flush_new(&flush));
    ANSWERS(OYEZ_TOO_LARGE, oyez_member_list_upsert(list, 10, ONLINE, KEY("four"), NULL));
    OK(oyez_member_list_upsert(list, 10, ONLINE, KEY("ada"), NULL));
    ANSWERS(OYEZ_FULL, oyez_member_list_upsert(list, 11, ONLINE, KEY("bob"), NULL));
    ANSWERS(OYEZ_FULL, oyez_member_list_set_windows(list, 1, windows, 2, flush));
    window = window_of(0, 4);
    ANSWERS(OYEZ_TOO_LARGE, oyez_member_list_set_windows(list, 1, &window, 1, flush));
    window = window_of(1, 0);
    ANSWERS(OYEZ_INVALID, oyez_member_list_set_windows(list, 1, &window, 1, flush));
    OK(oyez_member_list_set_windows(list, 1, windows, 1, flush));
    ANSWERS(OYEZ_FULL, oyez_member_list_set_windows(list, 2, windows, 1, flush));
    oyez_flush_free(flush);
    oyez_member_list_free(list);
}

static void a_viewer_gets_its_windows_and_what_changes_in_them(void)
{
    oyez_member_list *list = list_of(NULL);
    oyez_list_stats stats = OYEZ_LIST_STATS_INIT;
    oyez_flush *flush;
    const oyez_update *updates = NULL;
    const oyez_group_count *groups = NULL;
    oyez_window window = window_of(0, 9);
    size_t count = 9, rows = 9;
    OK(oyez_flush_new(&flush));
    OK(oyez_member_list_upsert(list, 10, ONLINE, KEY("ada"), NULL));

    OK(oyez_member_list_set_windows(list, 1, &window, 1, flush));
    OK(oyez_flush_updates(flush, &updates, &count));
    CHECK(count == 1 && updates[0].viewers_count == 1 && updates[0].viewers[0] == 1 && updates[0].ops_count == 1);
    CHECK(updates[0].ops[0].kind == OYEZ_OP_SYNC && updates[0].ops[0].first == 0 && updates[0].ops[0].last == 9);
    CHECK(updates[0].ops[0].rows_count == 2 && row_is(updates[0].ops[0].rows[1], OYEZ_ROW_MEMBER, 10));
    OK(oyez_flush_counts(flush, &groups, &count, &rows));
    CHECK(count == 1 && groups[0].group == ONLINE && groups[0].members == 1 && rows == 2);
    OK(oyez_member_list_set_windows(list, 2, &window, 1, flush));

    OK(oyez_member_list_flush(list, flush));
    OK(oyez_member_list_upsert(list, 11, OFFLINE, KEY("bob"), NULL));
    OK(oyez_member_list_flush(list, flush));
    OK(oyez_flush_updates(flush, &updates, &count));
    CHECK(count == 1 && updates[0].viewers_count == 2 && updates[0].viewers[1] == 2);
    CHECK(updates[0].ops[0].rows_count == 4 && row_is(updates[0].ops[0].rows[2], OYEZ_ROW_HEADER, OFFLINE));
    OK(oyez_flush_counts(flush, NULL, NULL, &rows));
    CHECK(rows == 4);

    OK(oyez_member_list_flush(list, flush)); /* nothing has changed */
    OK(oyez_flush_updates(flush, &updates, &count));
    CHECK(updates == NULL && count == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_flush_counts(flush, &groups, &count, &rows));
    CHECK(groups == NULL && count == 0 && rows == 0);

    window = window_of(20, 29);
    OK(oyez_member_list_set_windows(list, 2, &window, 1, flush));
    OK(oyez_flush_updates(flush, &updates, &count));
    CHECK(count == 1 && updates[0].ops_count == 2 && updates[0].ops[0].kind == OYEZ_OP_INVALIDATE);
    CHECK(updates[0].ops[0].rows == NULL && updates[0].ops[1].rows == NULL && updates[0].ops[1].rows_count == 0);
    OK(oyez_member_list_stats(list, &stats));
    CHECK(stats.members == 2 && stats.rows == 4 && stats.viewers == 2 && stats.view_groups == 2);
    OK(oyez_member_list_set_windows(list, 2, NULL, 0, flush)); /* it is gone */
    OK(oyez_member_list_stats(list, &stats));
    CHECK(stats.viewers == 1 && stats.flushes == 3 && stats.struct_size == sizeof stats);
    oyez_member_list_free(list);
    oyez_flush_free(flush);
}

int main(void)
{
    TEST(rows_count_headers);
    TEST(limits_are_told);
    TEST(a_viewer_gets_its_windows_and_what_changes_in_them);
    return 0;
}
