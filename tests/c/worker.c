/* Draining, and being woken for it. */

#include "check.h"

#include <pthread.h>

static const uint64_t ROOM = 7;

/* A fan-out with one partition and its worker, and what a callback is to do. */
typedef struct host {
    oyez_fanout *fanout;
    oyez_worker *worker;
    size_t room; /* items that a session's socket takes in one call */
    uint64_t closes; /* a session to disconnect from within the callback */
    oyez_status again; /* what a call on the worker from within it was answered */
    size_t calls, items, gaps;
    char text[64];
} host;

static void open_host(host *host, const oyez_fanout_options *options)
{
    memset(host, 0, sizeof *host);
    host->room = SIZE_MAX;
    OK(oyez_fanout_new(options, &host->fanout));
    OK(oyez_worker_new(host->fanout, 0, &host->worker));
}

static void close_host(host *host)
{
    oyez_worker_free(host->worker);
    oyez_fanout_free(host->fanout);
}

static uint64_t session_of(host *host)
{
    uint64_t session;
    OK(oyez_fanout_connect(host->fanout, 0, NULL, &session));
    OK(oyez_fanout_subscribe(host->fanout, session, ROOM, NULL));
    return session;
}

static void publish(host *host, const char *text)
{
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of(text);
    event.order_key = 3;
    event.metadata = 4;
    event.event_class = 5;
    OK(oyez_fanout_publish(host->fanout, &query, &event, NULL));
}

static size_t receive(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    host *host = userdata;
    size_t took = count < host->room ? count : host->room;
    CHECK(session != 0 && count > 0);
    host->calls++;
    for (size_t at = 0; at < took; at++) {
        const oyez_item *item = &items[at];
        if (item->kind == OYEZ_ITEM_GAP) {
            CHECK(item->missing > 0 && item->sequence <= item->last_sequence && item->payload == NULL);
            host->gaps++;
        } else {
            CHECK(item->order_key == 3 && item->metadata == 4 && item->event_class == 5 && item->missing == 0);
            CHECK(item->sequence == item->last_sequence);
            strncat(host->text, (const char *)item->payload, item->payload_len);
        }
        host->items++;
    }
    if (host->closes != 0) {
        OK(oyez_fanout_disconnect(host->fanout, host->closes, NULL));
        host->closes = 0;
    }
    host->again = oyez_worker_drain(host->worker, 1, receive, userdata, NULL);
    return took;
}

static oyez_drained drain(host *host)
{
    oyez_drained drained = OYEZ_DRAINED_INIT;
    OK(oyez_worker_drain(host->worker, SIZE_MAX, receive, host, &drained));
    return drained;
}

static void what_is_taken_is_booked_and_what_is_not_stays(void)
{
    host host;
    oyez_drained drained;
    uint64_t ada;
    open_host(&host, NULL);
    ada = session_of(&host);
    publish(&host, "a");
    publish(&host, "b");
    host.room = 1;
    drained = drain(&host);
    CHECK(drained.sessions == 1 && drained.items == 1 && drained.panicked == 0);
    CHECK(strcmp(host.text, "a") == 0);
    host.room = 9;
    drained = drain(&host);
    CHECK(drained.sessions == 0); /* lagging */
    OK(oyez_fanout_writable(host.fanout, ada));
    drained = drain(&host);
    CHECK(drained.items == 1 && strcmp(host.text, "ab") == 0);
    close_host(&host);
}

static void a_slow_session_is_told_an_exact_gap(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_accounting accounting = OYEZ_ACCOUNTING_INIT;
    host host;
    options.events_per_session_max = 2;
    open_host(&host, &options);
    session_of(&host);
    for (int times = 0; times < 5; times++) {
        publish(&host, "x");
    }
    CHECK(drain(&host).items == 3 && host.gaps == 1);
    OK(oyez_fanout_accounting(host.fanout, &accounting));
    CHECK(accounting.accepted == 5 && accounting.dropped == 3 && accounting.delivered == 2);
    close_host(&host);
}

static void a_callback_may_call_the_fan_out_but_not_the_worker(void)
{
    host host;
    uint64_t ada;
    open_host(&host, NULL);
    ada = session_of(&host);
    session_of(&host);
    publish(&host, "x");
    host.closes = ada; /* the first, in its own callback */
    CHECK(drain(&host).sessions == 2 && host.again == OYEZ_BUSY);
    ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_park(host.fanout, ada));
    close_host(&host);
}

static void an_event_for_many_waits_in_the_log(void)
{
    host host;
    oyez_drained drained = OYEZ_DRAINED_INIT;
    open_host(&host, NULL);
    for (int session = 0; session < 100; session++) {
        session_of(&host);
    }
    publish(&host, "");
    publish(&host, "");
    OK(oyez_worker_drain(host.worker, 30, receive, &host, &drained));
    CHECK(drained.sessions == 30 && drained.items == 60 && drained.ready > 0);
    drained = drain(&host);
    CHECK(drained.sessions == 70 && drained.items == 140 && drained.ready == 0);
    close_host(&host);
}

static void who_ends_in_a_drain_is_named(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    host host;
    uint64_t out[100] = {0};
    size_t written = 9, total = 9;
    options.events_per_session_max = 1;
    options.overload[5] = OYEZ_OVERLOAD_DISCONNECT;
    open_host(&host, &options);
    for (int session = 0; session < 100; session++) {
        session_of(&host);
    }
    host.room = 0;
    publish(&host, "x");
    drain(&host); /* all of them are lagging */
    publish(&host, "x");
    CHECK(drain(&host).overflowed == 100);
    ANSWERS(OYEZ_SHORT_BUFFER, oyez_worker_overflowed(host.worker, out, 1, &written, &total));
    CHECK(written == 1 && total == 100 && out[0] != 0 && out[1] == 0);
    OK(oyez_worker_overflowed(host.worker, out, 100, &written, &total));
    CHECK(written == 100 && out[99] != 0);
    OK(oyez_worker_panicked(host.worker, out, 100, &written, &total));
    CHECK(written == 0 && total == 0);
    CHECK(drain(&host).overflowed == 0);
    close_host(&host);
}

static size_t fail(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    CHECK(session != 0 && items != NULL && count == 1);
    return ++((host *)userdata)->calls == 1 ? OYEZ_TOOK_FAILED : count;
}

static void a_callback_that_fails_is_named_and_the_drain_goes_on(void)
{
    host host;
    oyez_accounting accounting = OYEZ_ACCOUNTING_INIT;
    oyez_drained drained = OYEZ_DRAINED_INIT;
    uint64_t ada, out[2] = {0};
    size_t written = 9, total = 9;
    open_host(&host, NULL);
    ada = session_of(&host);
    session_of(&host);
    publish(&host, "x");
    ANSWERS(OYEZ_FAILED, oyez_worker_drain(host.worker, SIZE_MAX, fail, &host, &drained));
    CHECK(drained.sessions == 2 && drained.items == 1 && drained.panicked == 1);
    OK(oyez_worker_panicked(host.worker, out, 2, &written, &total));
    CHECK(written == 1 && out[0] == ada);
    OK(oyez_fanout_accounting(host.fanout, &accounting));
    CHECK(accounting.abandoned == 1 && accounting.delivered == 1 && accounting.pending == 0);

    OK(oyez_fanout_writable(host.fanout, ada));
    CHECK(drain(&host).items == 1 && host.gaps == 1); /* it is told what it did not get */
    close_host(&host);
}

static void a_partition_has_one_worker(void)
{
    host host;
    oyez_worker *second;
    open_host(&host, NULL);
    ANSWERS(OYEZ_BUSY, oyez_worker_new(host.fanout, 0, &second));
    CHECK(second == NULL);
    ANSWERS(OYEZ_NO_PARTITION, oyez_worker_new(host.fanout, 1, &second));
    oyez_worker_free(host.worker);
    OK(oyez_worker_new(host.fanout, 0, &host.worker));
    close_host(&host);
}

static void a_worker_outlives_the_handle_of_its_fan_out(void)
{
    host host;
    open_host(&host, NULL);
    session_of(&host);
    publish(&host, "x");
    oyez_fanout_free(host.fanout);
    CHECK(drain(&host).items == 1);
    oyez_worker_free(host.worker);
}

static void refusals_leave_no_old_numbers(void)
{
    host host;
    oyez_drained drained = OYEZ_DRAINED_INIT;
    open_host(&host, NULL);
    drained.items = 9;
    ANSWERS(OYEZ_NULL, oyez_worker_drain(host.worker, 1, NULL, NULL, &drained));
    CHECK(drained.items == 0 && drained.struct_size == sizeof drained);
    drained.struct_size = 0;
    ANSWERS(OYEZ_INVALID, oyez_worker_drain(host.worker, 1, receive, &host, &drained));
    close_host(&host);
}

typedef struct bell {
    int rung, released;
} bell;

static void ring(void *userdata)
{
    ((bell *)userdata)->rung++;
}

static void release(void *userdata)
{
    ((bell *)userdata)->released++;
}

static void a_bell_rings_once_and_is_released_once(void)
{
    host host;
    bell first = {0, 0}, second = {0, 0};
    open_host(&host, NULL);
    session_of(&host);
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(host.worker, ring, &first, release));
    CHECK(first.released == 0);
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(host.worker, ring, &second, release));
    CHECK(first.rung == 0 && first.released == 1);
    publish(&host, "x");
    publish(&host, "y");
    CHECK(second.rung == 1 && second.released == 1);
    OK(oyez_worker_poll(host.worker, ring, &second, release));
    CHECK(second.rung == 1 && second.released == 2);
    OK(oyez_worker_poll(host.worker, NULL, NULL, NULL));
    ANSWERS(OYEZ_NULL, oyez_worker_poll(NULL, ring, &first, release));
    CHECK(first.rung == 0 && first.released == 2);

    drain(&host);
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(host.worker, ring, &first, release));
    oyez_worker_free(host.worker);
    CHECK(first.rung == 0 && first.released == 3);
    oyez_fanout_free(host.fanout);
}

/* Two workers on one thread's list of who is to be woken: the first bell's host frees the other worker. */
typedef struct house {
    oyez_worker *other;
    int freed, rung_afterwards, released_afterwards;
} house;

static void free_the_other(void *userdata)
{
    house *house = userdata;
    oyez_worker_free(house->other);
    house->freed = 1;
}

static void ring_in(void *userdata)
{
    house *house = userdata;
    CHECK(house->released_afterwards == 0);
    house->rung_afterwards += house->freed;
}

static void release_in(void *userdata)
{
    house *house = userdata;
    house->released_afterwards += house->freed;
}

static void a_bell_may_ring_after_its_worker_was_freed_and_is_released_after_that(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of("x");
    oyez_fanout *fanout;
    oyez_worker *worker;
    house house = {NULL, 0, 0, 0};
    options.partitions = 2;
    OK(oyez_fanout_new(&options, &fanout));
    for (uint32_t partition = 0; partition < 2; partition++) {
        uint64_t session;
        OK(oyez_fanout_connect(fanout, partition, NULL, &session));
        OK(oyez_fanout_subscribe(fanout, session, ROOM, NULL));
    }
    OK(oyez_worker_new(fanout, 0, &worker));
    OK(oyez_worker_new(fanout, 1, &house.other));
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(worker, free_the_other, &house, NULL));
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(house.other, ring_in, &house, release_in));
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    CHECK(house.freed == 1 && house.rung_afterwards == 1 && house.released_afterwards == 1);
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

static void *wait_and_drain(void *userdata)
{
    host *host = userdata;
    OK(oyez_worker_wait(host->worker));
    drain(host);
    ANSWERS(OYEZ_CLOSED, oyez_worker_wait(host->worker));
    ANSWERS(OYEZ_CLOSED, oyez_worker_poll(host->worker, NULL, NULL, NULL));
    return NULL;
}

/* On a thread that ends: Rust's standard library keeps a record of each thread that has waited, to the thread's end, and
 * valgrind takes the main thread's for a leak. */
static void who_waits_is_told_when_it_is_over(void)
{
    host host;
    pthread_t thread;
    open_host(&host, NULL);
    session_of(&host);
    publish(&host, "x");
    OK(oyez_fanout_close(host.fanout));
    CHECK(pthread_create(&thread, NULL, wait_and_drain, &host) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(host.items == 1);
    close_host(&host);
}

int main(void)
{
    TEST(what_is_taken_is_booked_and_what_is_not_stays);
    TEST(a_slow_session_is_told_an_exact_gap);
    TEST(a_callback_may_call_the_fan_out_but_not_the_worker);
    TEST(an_event_for_many_waits_in_the_log);
    TEST(who_ends_in_a_drain_is_named);
    TEST(a_callback_that_fails_is_named_and_the_drain_goes_on);
    TEST(a_partition_has_one_worker);
    TEST(a_worker_outlives_the_handle_of_its_fan_out);
    TEST(refusals_leave_no_old_numbers);
    TEST(a_bell_rings_once_and_is_released_once);
    TEST(a_bell_may_ring_after_its_worker_was_freed_and_is_released_after_that);
    TEST(who_waits_is_told_when_it_is_over);
    return 0;
}
