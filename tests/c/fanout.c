/* Sessions, topics, audiences, publish and what it tells. */

#define _DEFAULT_SOURCE

#include "check.h"

#include <sys/mman.h>
#include <time.h>

static const uint64_t NEWS = 1, SPORTS = 2;

static oyez_fanout *fanout_of(uint32_t partitions)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_fanout *fanout;
    options.partitions = partitions;
    OK(oyez_fanout_new(&options, &fanout));
    return fanout;
}

static uint64_t session_of(oyez_fanout *fanout, uint32_t partition, uint64_t topic)
{
    uint64_t session;
    OK(oyez_fanout_connect(fanout, partition, NULL, &session));
    OK(oyez_fanout_subscribe(fanout, session, topic, NULL));
    return session;
}

static void options_are_checked(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_session_options session_options = OYEZ_SESSION_OPTIONS_INIT;
    oyez_fanout *fanout;
    uint64_t session = 9;
    OK(oyez_fanout_new(NULL, &fanout));
    session_options.struct_size = 1;
    ANSWERS(OYEZ_INVALID, oyez_fanout_connect(fanout, 0, &session_options, &session));
    CHECK(session == 0);
    oyez_fanout_free(fanout);
    options.partitions = 0;
    ANSWERS(OYEZ_INVALID, oyez_fanout_new(&options, &fanout));
    CHECK(fanout == NULL);
    options.partitions = 65536;
    ANSWERS(OYEZ_INVALID, oyez_fanout_new(&options, &fanout));
    options.partitions = 1;
    options.on_panic = 2;
    ANSWERS(OYEZ_INVALID, oyez_fanout_new(&options, &fanout));
    options.on_panic = OYEZ_ON_PANIC_KEEP;
    options.overload[63] = 3;
    ANSWERS(OYEZ_INVALID, oyez_fanout_new(&options, &fanout));
    options.overload[63] = OYEZ_OVERLOAD_DISCONNECT;
    options.struct_size--;
    ANSWERS(OYEZ_INVALID, oyez_fanout_new(&options, &fanout));
    options.struct_size++;
    OK(oyez_fanout_new(&options, &fanout));
    oyez_fanout_free(fanout);
}

static void a_stale_handle_is_not_found(void)
{
    oyez_fanout *fanout = fanout_of(2);
    uint64_t ada = session_of(fanout, 0, NEWS), eve, topics[1], topic;
    uint32_t partition = 9, verdict;
    size_t count = 9;
    oyez_query query = query_of(&NEWS, 1);
    oyez_accounting accounting = OYEZ_ACCOUNTING_INIT;
    oyez_outbox *outbox;
    oyez_fate fate;
    OK(oyez_fanout_disconnect(fanout, ada, &count));
    CHECK(count == 1);
    eve = session_of(fanout, 0, NEWS);
    CHECK(eve != ada && eve != 0); /* the same place, another handle */

    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_disconnect(fanout, ada, &count));
    CHECK(count == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_subscribe(fanout, ada, NEWS, NULL));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_unsubscribe(fanout, ada, NEWS));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_unsubscribe_discarding(fanout, ada, NEWS, &count));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_move(fanout, ada, 1));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_partition_of(fanout, ada, &partition));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_topics_of(fanout, ada, topics, 1, &count, NULL));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_explain(fanout, ada, &query, &verdict, &topic));
    CHECK(verdict == 0 && topic == 0); /* which is no verdict */
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_fate(fanout, ada, 1, &fate));
    CHECK(fate.kind == 0);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_acknowledge(fanout, ada, 0, &count));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_park(fanout, ada));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_resume(fanout, ada, 0, &count, NULL));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_writable(fanout, ada));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_session_accounting(fanout, ada, &accounting));
    ANSWERS(OYEZ_NOT_FOUND, oyez_outbox_new(fanout, ada, &outbox));
    CHECK(outbox == NULL);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_writable(fanout, 0));
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_writable(fanout, UINT64_MAX));
    OK(oyez_fanout_writable(fanout, eve));
    oyez_fanout_free(fanout);
}

static void topics_come_and_go(void)
{
    oyez_fanout *fanout = fanout_of(2);
    uint64_t ada, after = 9, topics[2];
    uint32_t partition = 9;
    size_t written, total, len, discarded;
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("x");
    OK(oyez_fanout_connect(fanout, 1, NULL, &ada));
    OK(oyez_fanout_subscribe(fanout, ada, NEWS, &after));
    CHECK(after == 0);
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    ANSWERS(OYEZ_ALREADY, oyez_fanout_subscribe(fanout, ada, NEWS, &after));
    CHECK(after == 1);
    OK(oyez_fanout_subscribe(fanout, ada, SPORTS, &after));
    OK(oyez_fanout_topics_of(fanout, ada, topics, 2, &written, &total));
    CHECK(written == 2 && total == 2 && topics[0] == NEWS && topics[1] == SPORTS);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_fanout_topics_of(fanout, ada, topics, 1, &written, &total));
    CHECK(written == 1 && total == 2);
    OK(oyez_fanout_topic_len(fanout, NEWS, &len));
    CHECK(len == 1);
    OK(oyez_fanout_unsubscribe_discarding(fanout, ada, NEWS, &discarded));
    CHECK(discarded == 1);
    ANSWERS(OYEZ_NOT_SUBSCRIBED, oyez_fanout_unsubscribe(fanout, ada, NEWS));
    ANSWERS(OYEZ_NOT_SUBSCRIBED, oyez_fanout_unsubscribe_discarding(fanout, ada, NEWS, &discarded));
    OK(oyez_fanout_unsubscribe(fanout, ada, SPORTS));
    OK(oyez_fanout_topic_len(fanout, SPORTS, &len));
    CHECK(len == 0);

    OK(oyez_fanout_partition_of(fanout, ada, &partition));
    CHECK(partition == 1);
    OK(oyez_fanout_move(fanout, ada, 0));
    OK(oyez_fanout_partition_of(fanout, ada, &partition));
    CHECK(partition == 0);
    ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_move(fanout, ada, 2));
    ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_drop_partition(fanout, 2, &len));
    OK(oyez_fanout_drop_partition(fanout, 0, &len));
    CHECK(len == 1);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_park(fanout, ada));
    oyez_fanout_free(fanout);
}

/* 65536 is not partition 0. */
static void a_number_that_is_too_large_is_of_no_partition(void)
{
    const uint32_t beyond[] = {2, 65535, 65536, 65537, UINT32_MAX};
    oyez_fanout *fanout = fanout_of(2);
    uint64_t ada = session_of(fanout, 1, NEWS), other;
    oyez_partition_stats stats = OYEZ_PARTITION_STATS_INIT;
    oyez_worker *worker;
    size_t ended = 9;
    for (size_t at = 0; at < LENGTH(beyond); at++) {
        ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_connect(fanout, beyond[at], NULL, &other));
        CHECK(other == 0);
        ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_move(fanout, ada, beyond[at]));
        ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_drop_partition(fanout, beyond[at], &ended));
        CHECK(ended == 0);
        ANSWERS(OYEZ_NO_PARTITION, oyez_worker_new(fanout, beyond[at], &worker));
        CHECK(worker == NULL);
        ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_partition_stats(fanout, beyond[at], &stats));
    }
    oyez_fanout_free(fanout);
}

static void limits_are_told(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_fanout *fanout;
    uint64_t ada, bob = 9;
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("larger than four bytes");
    options.sessions_per_partition_max = 1;
    options.topics_per_session_max = 1;
    options.payload_bytes_max = 4;
    OK(oyez_fanout_new(&options, &fanout));
    OK(oyez_fanout_connect(fanout, 0, NULL, &ada));
    ANSWERS(OYEZ_FULL, oyez_fanout_connect(fanout, 0, NULL, &bob));
    CHECK(bob == 0);
    ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_connect(fanout, 1, NULL, &bob));
    OK(oyez_fanout_subscribe(fanout, ada, NEWS, NULL));
    ANSWERS(OYEZ_FULL, oyez_fanout_subscribe(fanout, ada, SPORTS, NULL));
    ANSWERS(OYEZ_TOO_LARGE, oyez_fanout_publish(fanout, &query, &event, NULL));
    event = event_of("four");
    event.event_class = 64;
    ANSWERS(OYEZ_INVALID, oyez_fanout_publish(fanout, &query, &event, NULL));
    event.event_class = 63;
    event.reserved = 1;
    ANSWERS(OYEZ_INVALID, oyez_fanout_publish(fanout, &query, &event, NULL));
    event.reserved = 0;
    query.struct_size = 0;
    ANSWERS(OYEZ_INVALID, oyez_fanout_publish(fanout, &query, &event, NULL));
    query.struct_size = sizeof query;
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    oyez_fanout_free(fanout);
}

static void an_audience_is_a_union_without_who_is_excluded(void)
{
    oyez_fanout *fanout = fanout_of(2);
    uint64_t both = session_of(fanout, 1, NEWS), news = session_of(fanout, 0, NEWS);
    uint64_t sports = session_of(fanout, 0, SPORTS), topics[2], out[3] = {0}, topic = 9;
    size_t count = 9, written = 9, total = 9;
    uint32_t verdict = 9;
    oyez_query query;
    OK(oyez_fanout_subscribe(fanout, both, SPORTS, NULL));
    topics[0] = NEWS;
    topics[1] = SPORTS;
    query = query_of(topics, 2);
    OK(oyez_fanout_audience_count(fanout, &query, &count));
    CHECK(count == 3);
    OK(oyez_fanout_audience(fanout, &query, out, 3, &written, &total));
    CHECK(written == 3 && total == 3 && out[0] == news && out[1] == sports && out[2] == both);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_fanout_audience(fanout, &query, out, 2, &written, &total));
    CHECK(written == 2 && total == 3);
    query.except = &news;
    query.except_count = 1;
    OK(oyez_fanout_audience_count(fanout, &query, &count));
    CHECK(count == 2);
    OK(oyez_fanout_explain(fanout, news, &query, &verdict, &topic));
    CHECK(verdict == OYEZ_VERDICT_EXCLUDED && topic == 0);
    OK(oyez_fanout_explain(fanout, sports, &query, &verdict, &topic));
    CHECK(verdict == OYEZ_VERDICT_INCLUDED && topic == SPORTS);
    query = query_of(&NEWS, 1);
    OK(oyez_fanout_explain(fanout, sports, &query, &verdict, &topic));
    CHECK(verdict == OYEZ_VERDICT_UNSUBSCRIBED && topic == 0);
    query = query_of(NULL, 0);
    OK(oyez_fanout_audience_count(fanout, &query, &count));
    CHECK(count == 0);
    oyez_fanout_free(fanout);
}

/* From memory that nobody can read: who copied it would not be there any more. */
static void what_is_too_large_is_not_copied(void)
{
    enum { BYTES = 4096 };
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = OYEZ_EVENT_INIT;
    oyez_fanout *fanout;
    void *memory = mmap(NULL, BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    event.payload = memory;
    event.payload_len = BYTES;
    options.payload_bytes_max = BYTES - 1;
    OK(oyez_fanout_new(&options, &fanout));
    ANSWERS(OYEZ_NULL, oyez_fanout_publish(NULL, &query, &event, NULL));
    ANSWERS(OYEZ_TOO_LARGE, oyez_fanout_publish(fanout, &query, &event, NULL));
    CHECK(munmap(memory, BYTES) == 0);
    oyez_fanout_free(fanout);
}

/* Half a million; when each was put in its place before the next, this took minutes under valgrind. */
static void many_may_be_excluded(void)
{
    enum { MANY = 500000, SECONDS = 30 };
    uint64_t *except = malloc(MANY * sizeof *except), ada, eve, out[2] = {0};
    oyez_fanout *fanout = fanout_of(1);
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("x");
    oyez_accounting all = OYEZ_ACCOUNTING_INIT;
    time_t start = time(NULL);
    size_t written;
    CHECK(except != NULL);
    ada = session_of(fanout, 0, NEWS);
    eve = session_of(fanout, 0, NEWS);
    for (size_t at = 0; at < MANY; at++) {
        except[at] = UINT64_MAX - at; /* of nobody, and falling */
    }
    except[MANY - 1] = ada;
    query.except = except;
    query.except_count = MANY;
    OK(oyez_fanout_audience(fanout, &query, out, 2, &written, NULL));
    CHECK(written == 1 && out[0] == eve);
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    OK(oyez_fanout_accounting(fanout, &all));
    CHECK(all.accepted == 1);
    CHECK(time(NULL) - start < SECONDS);
    free(except);
    oyez_fanout_free(fanout);
}

static void a_receipt_tells_for_whom_and_who_ended(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_receipt_counts counts = OYEZ_RECEIPT_COUNTS_INIT;
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("must not be missed");
    oyez_fanout *fanout;
    oyez_receipt *receipt;
    uint64_t ada, out[1] = {0};
    size_t written, total;
    options.events_per_session_max = 1;
    options.overload[5] = OYEZ_OVERLOAD_DISCONNECT;
    OK(oyez_fanout_new(&options, &fanout));
    OK(oyez_receipt_new(&receipt));
    OK(oyez_receipt_read(receipt, &counts));
    CHECK(counts.sequence == 0 && counts.accepted == 0);

    ada = session_of(fanout, 0, NEWS);
    event.event_class = 5;
    OK(oyez_fanout_publish(fanout, &query, &event, receipt));
    OK(oyez_receipt_read(receipt, &counts));
    CHECK(counts.sequence == 1 && counts.accepted == 1 && counts.sessions_overflowed == 0);
    OK(oyez_fanout_publish(fanout, &query, &event, receipt));
    OK(oyez_receipt_read(receipt, &counts));
    CHECK(counts.struct_size == sizeof counts && counts.sequence == 2 && counts.sessions_overflowed == 1);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_receipt_overflowed(receipt, NULL, 0, &written, &total));
    CHECK(written == 0 && total == 1);
    OK(oyez_receipt_overflowed(receipt, out, 1, &written, &total));
    CHECK(written == 1 && out[0] == ada);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_park(fanout, ada));

    OK(oyez_fanout_close(fanout));
    ANSWERS(OYEZ_CLOSED, oyez_fanout_publish(fanout, &query, &event, receipt));
    OK(oyez_receipt_read(receipt, &counts)); /* nothing is left of the publish before */
    CHECK(counts.sequence == 0 && counts.sessions_overflowed == 0);
    oyez_receipt_free(receipt);
    oyez_fanout_free(fanout);
}

static void a_receipt_tells_which_partitions_refused(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_receipt_counts counts = OYEZ_RECEIPT_COUNTS_INIT;
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("does not fit");
    oyez_fanout *fanout;
    oyez_receipt *receipt;
    uint32_t out[2] = {9, 9};
    size_t written, total;
    options.partitions = 2;
    options.bytes_per_partition_max = 1;
    OK(oyez_fanout_new(&options, &fanout));
    OK(oyez_receipt_new(&receipt));
    session_of(fanout, 0, NEWS);
    session_of(fanout, 1, NEWS);
    OK(oyez_fanout_publish(fanout, &query, &event, receipt));
    OK(oyez_receipt_read(receipt, &counts));
    CHECK(counts.accepted == 0 && counts.partitions_refused == 2 && counts.sessions_refused == 2);
    OK(oyez_receipt_refused(receipt, out, 2, &written, &total));
    CHECK(written == 2 && total == 2 && out[0] == 0 && out[1] == 1);
    oyez_receipt_free(receipt);
    oyez_fanout_free(fanout);
}

static size_t take_all(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    (void)userdata, (void)session, (void)items;
    return count;
}

static void what_became_of_an_event_can_be_asked(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_query query = query_of(&NEWS, 1), nobody = query_of(&SPORTS, 1);
    oyez_event event = event_of("x");
    oyez_fanout *fanout;
    oyez_worker *worker;
    oyez_fate fate;
    uint64_t ada;
    options.events_per_session_max = 2;
    OK(oyez_fanout_new(&options, &fanout));
    ada = session_of(fanout, 0, NEWS);
    OK(oyez_fanout_fate(fanout, ada, 1, &fate));
    CHECK(fate.kind == OYEZ_FATE_NOT_PUBLISHED);
    OK(oyez_fanout_publish(fanout, &nobody, &event, NULL));
    for (int times = 0; times < 4; times++) {
        OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    }
    OK(oyez_fanout_fate(fanout, ada, 1, &fate));
    CHECK(fate.kind == OYEZ_FATE_NOT_ADDRESSED);
    OK(oyez_fanout_fate(fanout, ada, 2, &fate));
    CHECK(fate.kind == OYEZ_FATE_MISSED && fate.gap_first == 2 && fate.gap_last == 3 && fate.gap_missing == 2);
    OK(oyez_fanout_fate(fanout, ada, 5, &fate));
    CHECK(fate.kind == OYEZ_FATE_PENDING && fate.ahead == 1 && fate.gap_missing == 0);
    OK(oyez_worker_new(fanout, 0, &worker));
    OK(oyez_worker_drain(worker, SIZE_MAX, take_all, NULL, NULL));
    OK(oyez_fanout_fate(fanout, ada, 5, &fate));
    CHECK(fate.kind == OYEZ_FATE_HANDED_OVER && fate.ahead == 0);
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

static void the_accounts_add_up(void)
{
    oyez_fanout *fanout = fanout_of(2);
    uint64_t ada = session_of(fanout, 0, NEWS);
    oyez_query query = query_of(&NEWS, 1);
    oyez_event event = event_of("x");
    oyez_stats stats = OYEZ_STATS_INIT;
    oyez_partition_stats partition = OYEZ_PARTITION_STATS_INIT;
    oyez_accounting all = OYEZ_ACCOUNTING_INIT, one = OYEZ_ACCOUNTING_INIT;
    const char *reason = "";
    session_of(fanout, 1, NEWS);
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    OK(oyez_fanout_park(fanout, ada));
    OK(oyez_fanout_stats(fanout, &stats));
    CHECK(stats.published == 1 && stats.sessions == 2 && stats.topics == 1 && stats.subscriptions == 2);
    CHECK(stats.partitions == 2 && stats.struct_size == sizeof stats);
    OK(oyez_fanout_partition_stats(fanout, 0, &partition));
    CHECK(partition.sessions == 1 && partition.parked == 1 && partition.events_held == 1 && partition.bytes > 0);
    ANSWERS(OYEZ_NO_PARTITION, oyez_fanout_partition_stats(fanout, 2, &partition));
    CHECK(partition.sessions == 0 && partition.struct_size == sizeof partition);
    OK(oyez_fanout_accounting(fanout, &all));
    CHECK(all.accepted == 2 && all.pending == 2);
    OK(oyez_fanout_session_accounting(fanout, ada, &one));
    CHECK(one.accepted == 1 && one.pending == 1);
    OK(oyez_fanout_disconnect(fanout, ada, NULL));
    OK(oyez_fanout_accounting(fanout, &all));
    CHECK(all.accepted == 2 && all.pending == 1 && all.discarded_disconnect == 1);
    stats.struct_size = 8;
    ANSWERS(OYEZ_INVALID, oyez_fanout_stats(fanout, &stats));
    OK(oyez_fanout_stats(fanout, NULL));
    OK(oyez_fanout_validate(fanout, &reason));
    CHECK(reason == NULL);
    OK(oyez_fanout_is_open(fanout));
    OK(oyez_fanout_close(fanout));
    ANSWERS(OYEZ_CLOSED, oyez_fanout_is_open(fanout));
    oyez_fanout_free(fanout);
}

int main(void)
{
    TEST(options_are_checked);
    TEST(a_stale_handle_is_not_found);
    TEST(topics_come_and_go);
    TEST(a_number_that_is_too_large_is_of_no_partition);
    TEST(limits_are_told);
    TEST(an_audience_is_a_union_without_who_is_excluded);
    TEST(what_is_too_large_is_not_copied);
    TEST(many_may_be_excluded);
    TEST(a_receipt_tells_for_whom_and_who_ended);
    TEST(a_receipt_tells_which_partitions_refused);
    TEST(what_became_of_an_event_can_be_asked);
    TEST(the_accounts_add_up);
    return 0;
}
