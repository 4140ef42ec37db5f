/* Every function, without what it needs: it says so, writes its results, and changes nothing. */

#include "check.h"

/* Results that a call must write though it can do nothing. */
static size_t count, total;
static uint64_t number;

static void dirty(void)
{
    count = total = 77;
    number = 77;
}

/* Answers so, and writes `count` and `total`, or `count`, or `number`. */
#define NEEDS_AND_WRITES(call)                              \
    do {                                                    \
        dirty();                                            \
        ANSWERS(OYEZ_NULL, call);                           \
        CHECK(count == 0 && total == 0);                    \
    } while (0)

#define NEEDS_AND_COUNTS(call)    \
    do {                          \
        dirty();                  \
        ANSWERS(OYEZ_NULL, call); \
        CHECK(count == 0);        \
    } while (0)

#define NEEDS_AND_TELLS(call)     \
    do {                          \
        dirty();                  \
        ANSWERS(OYEZ_NULL, call); \
        CHECK(number == 0);       \
    } while (0)

static size_t take_all(void *userdata, uint64_t session, const oyez_item *items, size_t taken)
{
    (void)userdata, (void)session, (void)items;
    return taken;
}

static void to_free_null_is_nothing(void)
{
    oyez_set_free(NULL);
    oyez_byteset_free(NULL);
    oyez_fanout_free(NULL);
    oyez_receipt_free(NULL);
    oyez_worker_free(NULL);
    oyez_outbox_free(NULL);
    oyez_member_list_free(NULL);
    oyez_flush_free(NULL);
}

static void sets(void)
{
    oyez_set *set, *none = (oyez_set *)&number;
    const char *reason = "";
    uint8_t found = 77;
    ANSWERS(OYEZ_NULL, oyez_set_new(NULL));
    ANSWERS(OYEZ_NULL, oyez_set_from_sorted(&number, 1, NULL, NULL));
    NEEDS_AND_COUNTS(oyez_set_from_sorted(NULL, 1, &none, &count));
    CHECK(none == NULL);
    NEEDS_AND_COUNTS(oyez_set_insert(NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_set_insert_many(NULL, NULL, 0, &count));
    NEEDS_AND_COUNTS(oyez_set_remove(NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_set_rank(NULL, 1, &count));
    NEEDS_AND_TELLS(oyez_set_select(NULL, 1, &number));
    NEEDS_AND_WRITES(oyez_set_slice(NULL, 0, 1, &number, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_set_range(NULL, 0, 1, &number, 1, &count, &total));
    NEEDS_AND_COUNTS(oyez_set_contains_many(NULL, NULL, 0, NULL, &count));
    NEEDS_AND_COUNTS(oyez_set_contains_many(NULL, &number, 1, &found, &count));
    CHECK(found == 0);
    NEEDS_AND_COUNTS(oyez_set_len(NULL, &count));
    ANSWERS(OYEZ_NULL, oyez_set_clear(NULL));
    ANSWERS(OYEZ_NULL, oyez_set_validate(NULL, &reason));
    CHECK(reason == NULL);

    OK(oyez_set_new(&set));
    NEEDS_AND_COUNTS(oyez_set_insert_many(set, NULL, 1, &count));
    NEEDS_AND_WRITES(oyez_set_slice(set, 0, 1, NULL, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_set_range(set, 0, 1, NULL, 1, &count, &total));
    found = 77;
    NEEDS_AND_COUNTS(oyez_set_contains_many(set, NULL, 1, &found, &count));
    CHECK(found == 0);
    NEEDS_AND_COUNTS(oyez_set_contains_many(set, &number, 1, NULL, &count));
    OK(oyez_set_len(set, NULL));
    OK(oyez_set_validate(set, NULL));
    oyez_set_free(set);
}

static void bytesets(void)
{
    const uint8_t *key = (const uint8_t *)"key";
    oyez_byteset *set, *none = (oyez_byteset *)&number;
    oyez_bytes bytes = {NULL, 77};
    const char *reason = "";
    uint8_t found;
    size_t rank;
    ANSWERS(OYEZ_NULL, oyez_byteset_new(NULL));
    ANSWERS(OYEZ_NULL, oyez_byteset_from_sorted(NULL, 0, NULL, NULL));
    NEEDS_AND_COUNTS(oyez_byteset_from_sorted(NULL, 1, &none, &count));
    CHECK(none == NULL);
    NEEDS_AND_COUNTS(oyez_byteset_insert(NULL, key, 3, &count));
    NEEDS_AND_COUNTS(oyez_byteset_insert_many(NULL, NULL, 0, &count));
    NEEDS_AND_COUNTS(oyez_byteset_remove(NULL, key, 3, &count));
    NEEDS_AND_COUNTS(oyez_byteset_rank(NULL, key, 3, &count));
    ANSWERS(OYEZ_NULL, oyez_byteset_select(NULL, 1, &bytes));
    CHECK(bytes.len == 0);
    NEEDS_AND_WRITES(oyez_byteset_slice(NULL, 0, 1, &bytes, 1, &count, &total));
    bytes.len = 77;
    NEEDS_AND_WRITES(oyez_byteset_copy(NULL, 0, 1, &found, 1, &rank, 1, &count, &total, &bytes.len));
    CHECK(bytes.len == 0);
    NEEDS_AND_WRITES(oyez_byteset_range(NULL, key, 3, key, 3, &bytes, 1, &count, &total));
    NEEDS_AND_COUNTS(oyez_byteset_contains_many(NULL, NULL, 0, NULL, &count));
    NEEDS_AND_COUNTS(oyez_byteset_len(NULL, &count));
    ANSWERS(OYEZ_NULL, oyez_byteset_clear(NULL));
    ANSWERS(OYEZ_NULL, oyez_byteset_validate(NULL, &reason));
    CHECK(reason == NULL);

    OK(oyez_byteset_new(&set));
    NEEDS_AND_COUNTS(oyez_byteset_insert(set, NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_byteset_insert_many(set, NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_byteset_remove(set, NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_byteset_rank(set, NULL, 1, &count));
    NEEDS_AND_WRITES(oyez_byteset_slice(set, 0, 1, NULL, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_byteset_copy(set, 0, 1, NULL, 1, &rank, 1, &count, &total, NULL));
    NEEDS_AND_WRITES(oyez_byteset_copy(set, 0, 1, &found, 1, NULL, 1, &count, &total, NULL));
    NEEDS_AND_WRITES(oyez_byteset_range(set, NULL, 1, key, 3, &bytes, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_byteset_range(set, key, 3, NULL, 1, &bytes, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_byteset_range(set, key, 3, key, 3, NULL, 1, &count, &total));
    found = 77;
    NEEDS_AND_COUNTS(oyez_byteset_contains_many(set, NULL, 1, &found, &count));
    CHECK(found == 0);
    found = 77;
    bytes.data = NULL;
    bytes.len = 1;
    NEEDS_AND_COUNTS(oyez_byteset_contains_many(set, &bytes, 1, &found, &count));
    CHECK(found == 0);
    NEEDS_AND_COUNTS(oyez_byteset_contains_many(set, &bytes, 1, NULL, &count));
    oyez_byteset_free(set);
}

static void fan_outs(void)
{
    oyez_query query = OYEZ_QUERY_INIT, broken = OYEZ_QUERY_INIT;
    oyez_event event = OYEZ_EVENT_INIT, without_payload = OYEZ_EVENT_INIT;
    oyez_stats stats = OYEZ_STATS_INIT;
    oyez_partition_stats partition_stats = OYEZ_PARTITION_STATS_INIT;
    oyez_accounting accounting = OYEZ_ACCOUNTING_INIT;
    oyez_receipt_counts counts = OYEZ_RECEIPT_COUNTS_INIT;
    oyez_receipt *receipt;
    oyez_fanout *fanout;
    oyez_fate fate;
    uint32_t partition = 77, verdict = 77;
    const char *reason = "";
    broken.topics_count = 1;
    without_payload.payload_len = 1;
    OK(oyez_receipt_new(&receipt));
    ANSWERS(OYEZ_NULL, oyez_receipt_new(NULL));
    ANSWERS(OYEZ_NULL, oyez_fanout_new(NULL, NULL));
    NEEDS_AND_TELLS(oyez_fanout_connect(NULL, 0, NULL, &number));
    NEEDS_AND_COUNTS(oyez_fanout_disconnect(NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_fanout_drop_partition(NULL, 0, &count));
    ANSWERS(OYEZ_NULL, oyez_fanout_move(NULL, 1, 0));
    ANSWERS(OYEZ_NULL, oyez_fanout_partition_of(NULL, 1, &partition));
    CHECK(partition == 0);
    NEEDS_AND_TELLS(oyez_fanout_subscribe(NULL, 1, 2, &number));
    ANSWERS(OYEZ_NULL, oyez_fanout_unsubscribe(NULL, 1, 2));
    NEEDS_AND_COUNTS(oyez_fanout_unsubscribe_discarding(NULL, 1, 2, &count));
    NEEDS_AND_COUNTS(oyez_fanout_topic_len(NULL, 1, &count));
    NEEDS_AND_WRITES(oyez_fanout_topics_of(NULL, 1, &number, 1, &count, &total));
    NEEDS_AND_COUNTS(oyez_fanout_audience_count(NULL, &query, &count));
    NEEDS_AND_WRITES(oyez_fanout_audience(NULL, &query, &number, 1, &count, &total));
    NEEDS_AND_TELLS(oyez_fanout_explain(NULL, 1, &query, &verdict, &number));
    CHECK(verdict == 0);
    ANSWERS(OYEZ_NULL, oyez_fanout_fate(NULL, 1, 1, &fate));
    CHECK(fate.kind == 0);
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(NULL, &query, &event, receipt));
    ANSWERS(OYEZ_NULL, oyez_fanout_close(NULL));
    ANSWERS(OYEZ_NULL, oyez_fanout_is_open(NULL));
    NEEDS_AND_COUNTS(oyez_fanout_acknowledge(NULL, 1, 1, &count));
    ANSWERS(OYEZ_NULL, oyez_fanout_park(NULL, 1));
    NEEDS_AND_WRITES(oyez_fanout_resume(NULL, 1, 1, &count, &total));
    ANSWERS(OYEZ_NULL, oyez_fanout_writable(NULL, 1));
    ANSWERS(OYEZ_NULL, oyez_fanout_stats(NULL, &stats));
    ANSWERS(OYEZ_NULL, oyez_fanout_partition_stats(NULL, 0, &partition_stats));
    ANSWERS(OYEZ_NULL, oyez_fanout_accounting(NULL, &accounting));
    ANSWERS(OYEZ_NULL, oyez_fanout_session_accounting(NULL, 1, &accounting));
    ANSWERS(OYEZ_NULL, oyez_fanout_validate(NULL, &reason));
    CHECK(reason == NULL);

    OK(oyez_fanout_new(NULL, &fanout));
    ANSWERS(OYEZ_NULL, oyez_fanout_connect(fanout, 0, NULL, NULL));
    NEEDS_AND_COUNTS(oyez_fanout_audience_count(fanout, NULL, &count));
    NEEDS_AND_COUNTS(oyez_fanout_audience_count(fanout, &broken, &count));
    NEEDS_AND_WRITES(oyez_fanout_audience(fanout, NULL, &number, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_fanout_audience(fanout, &query, NULL, 1, &count, &total));
    NEEDS_AND_TELLS(oyez_fanout_explain(fanout, 1, NULL, &verdict, &number));
    NEEDS_AND_WRITES(oyez_fanout_topics_of(fanout, 1, NULL, 1, &count, &total));
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(fanout, NULL, &event, NULL));
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(fanout, &query, NULL, NULL));
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(fanout, &broken, &event, receipt));
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(fanout, &query, &without_payload, receipt));
    broken.topics_count = 0;
    broken.except_count = 1;
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(fanout, &broken, &event, receipt));
    OK(oyez_fanout_stats(fanout, &stats));
    CHECK(stats.published == 0 && stats.sessions == 0);

    ANSWERS(OYEZ_NULL, oyez_receipt_read(NULL, &counts));
    NEEDS_AND_WRITES(oyez_receipt_refused(NULL, &partition, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_receipt_refused(receipt, NULL, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_receipt_overflowed(NULL, &number, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_receipt_overflowed(receipt, NULL, 1, &count, &total));
    OK(oyez_receipt_read(receipt, NULL));
    oyez_receipt_free(receipt);
    oyez_fanout_free(fanout);
}

static void readers(void)
{
    oyez_drained drained = OYEZ_DRAINED_INIT;
    oyez_fanout *fanout;
    oyez_worker *worker = (oyez_worker *)&number;
    oyez_outbox *outbox = (oyez_outbox *)&number;
    const oyez_item *items = (const oyez_item *)&number;
    uint64_t ada;
    OK(oyez_fanout_new(NULL, &fanout));
    OK(oyez_fanout_connect(fanout, 0, NULL, &ada));
    ANSWERS(OYEZ_NULL, oyez_worker_new(fanout, 0, NULL));
    ANSWERS(OYEZ_NULL, oyez_worker_new(NULL, 0, &worker));
    CHECK(worker == NULL);
    ANSWERS(OYEZ_NULL, oyez_worker_drain(NULL, 1, take_all, NULL, &drained));
    NEEDS_AND_WRITES(oyez_worker_overflowed(NULL, &number, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_worker_panicked(NULL, &number, 1, &count, &total));
    ANSWERS(OYEZ_NULL, oyez_worker_wait(NULL));
    ANSWERS(OYEZ_NULL, oyez_worker_poll(NULL, NULL, NULL, NULL));
    OK(oyez_worker_new(fanout, 0, &worker));
    ANSWERS(OYEZ_NULL, oyez_worker_drain(worker, 1, NULL, NULL, &drained));
    NEEDS_AND_WRITES(oyez_worker_overflowed(worker, NULL, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_worker_panicked(worker, NULL, 1, &count, &total));
    OK(oyez_worker_drain(worker, 1, take_all, NULL, NULL));
    oyez_worker_free(worker);

    ANSWERS(OYEZ_NULL, oyez_outbox_new(fanout, ada, NULL));
    ANSWERS(OYEZ_NULL, oyez_outbox_new(NULL, ada, &outbox));
    CHECK(outbox == NULL);
    NEEDS_AND_COUNTS(oyez_outbox_next_batch(NULL, 1, &items, &count));
    CHECK(items == NULL);
    NEEDS_AND_TELLS(oyez_outbox_session(NULL, &number));
    OK(oyez_outbox_new(fanout, ada, &outbox));
    NEEDS_AND_COUNTS(oyez_outbox_next_batch(outbox, 1, NULL, &count));
    ANSWERS(OYEZ_NULL, oyez_outbox_next_batch(outbox, 1, &items, NULL));
    OK(oyez_outbox_session(outbox, NULL));
    oyez_outbox_free(outbox);
    oyez_fanout_free(fanout);
}

static void member_lists(void)
{
    const uint64_t group = 1;
    oyez_member_list *list = (oyez_member_list *)&number;
    oyez_list_stats stats = OYEZ_LIST_STATS_INIT;
    oyez_upserted done;
    oyez_row row;
    oyez_group_count group_count;
    oyez_flush *flush;
    const oyez_update *updates = (const oyez_update *)&number;
    const oyez_group_count *groups = &group_count;
    const char *reason = "";
    ANSWERS(OYEZ_NULL, oyez_member_list_new(&group, 1, NULL, NULL));
    ANSWERS(OYEZ_NULL, oyez_member_list_new(NULL, 1, NULL, &list));
    CHECK(list == NULL);
    ANSWERS(OYEZ_NULL, oyez_member_list_upsert(NULL, 1, 1, NULL, 0, &done));
    CHECK(done.kind == 0 && done.row == 0);
    done.kind = 77;
    ANSWERS(OYEZ_NULL, oyez_member_list_regroup(NULL, 1, 1, &done));
    CHECK(done.kind == 0);
    NEEDS_AND_COUNTS(oyez_member_list_remove(NULL, 1, &count));
    NEEDS_AND_COUNTS(oyez_member_list_row_of(NULL, 1, &count));
    NEEDS_AND_TELLS(oyez_member_list_group_of(NULL, 1, &number));
    NEEDS_AND_COUNTS(oyez_member_list_row_count(NULL, &count));
    NEEDS_AND_WRITES(oyez_member_list_rows(NULL, 0, 1, &row, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_member_list_counts(NULL, &group_count, 1, &count, &total));
    ANSWERS(OYEZ_NULL, oyez_member_list_stats(NULL, &stats));
    ANSWERS(OYEZ_NULL, oyez_member_list_validate(NULL, &reason));
    CHECK(reason == NULL);
    ANSWERS(OYEZ_NULL, oyez_flush_new(NULL));
    NEEDS_AND_COUNTS(oyez_flush_updates(NULL, &updates, &count));
    CHECK(updates == NULL);
    NEEDS_AND_WRITES(oyez_flush_counts(NULL, &groups, &count, &total));
    CHECK(groups == NULL);

    OK(oyez_flush_new(&flush));
    ANSWERS(OYEZ_NULL, oyez_member_list_flush(NULL, flush));
    ANSWERS(OYEZ_NULL, oyez_member_list_set_windows(NULL, 1, NULL, 0, flush));
    OK(oyez_member_list_new(&group, 1, NULL, &list));
    ANSWERS(OYEZ_NULL, oyez_member_list_flush(list, NULL));
    ANSWERS(OYEZ_NULL, oyez_member_list_set_windows(list, 1, NULL, 0, NULL));
    ANSWERS(OYEZ_NULL, oyez_member_list_set_windows(list, 1, NULL, 1, flush));
    ANSWERS(OYEZ_NULL, oyez_member_list_upsert(list, 1, 1, NULL, 1, &done));
    NEEDS_AND_WRITES(oyez_member_list_rows(list, 0, 1, NULL, 1, &count, &total));
    NEEDS_AND_WRITES(oyez_member_list_counts(list, NULL, 1, &count, &total));
    OK(oyez_member_list_stats(list, &stats));
    CHECK(stats.members == 0 && stats.flushes == 0);
    oyez_flush_free(flush);
    oyez_member_list_free(list);
}

int main(void)
{
    TEST(to_free_null_is_nothing);
    TEST(sets);
    TEST(bytesets);
    TEST(fan_outs);
    TEST(readers);
    TEST(member_lists);
    return 0;
}
