/* Many threads on one fan-out, and readers on one set. */

#include "check.h"

#include <pthread.h>

enum { PUBLISHERS = 3, EVENTS = 2000, SESSIONS = 100, READERS = 3, KEYS = 5000 };

static const uint64_t ROOM = 7;

typedef struct host {
    oyez_fanout *fanout;
    oyez_worker *worker;
    uint64_t last[SESSIONS]; /* the last sequence of each */
    uint64_t items;
} host;

static void *publish(void *userdata)
{
    oyez_fanout *fanout = userdata;
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of("hello");
    for (int times = 0; times < EVENTS; times++) {
        OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    }
    return NULL;
}

/* Sessions of its own come and go. */
static void *churn(void *userdata)
{
    oyez_fanout *fanout = userdata;
    for (int times = 0; times < 500; times++) {
        uint64_t session;
        size_t count;
        oyez_query query = query_of(&ROOM, 1);
        OK(oyez_fanout_connect(fanout, 1, NULL, &session));
        OK(oyez_fanout_subscribe(fanout, session, ROOM, NULL));
        OK(oyez_fanout_audience_count(fanout, &query, &count));
        CHECK(count > SESSIONS);
        OK(oyez_fanout_disconnect(fanout, session, NULL));
        ANSWERS(OYEZ_NOT_FOUND, oyez_fanout_writable(fanout, session));
    }
    return NULL;
}

static size_t receive(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    host *host = userdata;
    size_t who = (size_t)(session & 0xffff); /* places count from 0, in the first partition */
    CHECK(who < SESSIONS);
    for (size_t at = 0; at < count; at++) {
        CHECK(payload_is(&items[at], "hello") && items[at].sequence > host->last[who]);
        host->last[who] = items[at].sequence;
    }
    host->items += count;
    return count;
}

static void *drain(void *userdata)
{
    host *host = userdata;
    oyez_status status;
    while ((status = oyez_worker_wait(host->worker)) == OYEZ_OK) {
        OK(oyez_worker_drain(host->worker, SIZE_MAX, receive, host, NULL));
    }
    ANSWERS(OYEZ_CLOSED, status);
    return NULL;
}

static void publishers_sessions_that_come_and_go_and_a_worker_that_waits(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_accounting all = OYEZ_ACCOUNTING_INIT;
    pthread_t publishers[PUBLISHERS], churner, drainer;
    static host host;
    options.partitions = 2;
    options.events_per_session_max = PUBLISHERS * EVENTS;
    OK(oyez_fanout_new(&options, &host.fanout));
    OK(oyez_worker_new(host.fanout, 0, &host.worker));
    for (int session = 0; session < SESSIONS; session++) {
        uint64_t id;
        OK(oyez_fanout_connect(host.fanout, 0, NULL, &id));
        OK(oyez_fanout_subscribe(host.fanout, id, ROOM, NULL));
    }
    CHECK(pthread_create(&drainer, NULL, drain, &host) == 0);
    CHECK(pthread_create(&churner, NULL, churn, host.fanout) == 0);
    for (int thread = 0; thread < PUBLISHERS; thread++) {
        CHECK(pthread_create(&publishers[thread], NULL, publish, host.fanout) == 0);
    }
    for (int thread = 0; thread < PUBLISHERS; thread++) {
        CHECK(pthread_join(publishers[thread], NULL) == 0);
    }
    CHECK(pthread_join(churner, NULL) == 0);
    OK(oyez_fanout_close(host.fanout));
    CHECK(pthread_join(drainer, NULL) == 0);

    CHECK(host.items == (uint64_t)PUBLISHERS * EVENTS * SESSIONS);
    OK(oyez_fanout_accounting(host.fanout, &all));
    CHECK(all.delivered == host.items && all.pending == 0 && all.dropped == 0 && all.abandoned == 0);
    CHECK(all.accepted == all.delivered + all.discarded_disconnect);
    OK(oyez_fanout_validate(host.fanout, NULL));
    oyez_worker_free(host.worker);
    oyez_fanout_free(host.fanout);
}

static void *read_all(void *userdata)
{
    const oyez_set *set = userdata;
    for (uint64_t key = 0; key < KEYS; key++) {
        size_t rank;
        uint64_t found;
        OK(oyez_set_rank(set, 2 * key, &rank));
        CHECK(rank == key);
        OK(oyez_set_select(set, rank, &found));
        CHECK(found == 2 * key);
    }
    return NULL;
}

static void readers_of_one_set(void)
{
    oyez_set *set;
    pthread_t readers[READERS];
    OK(oyez_set_new(&set));
    for (uint64_t key = 0; key < KEYS; key++) {
        OK(oyez_set_insert(set, 2 * key, NULL));
    }
    for (int thread = 0; thread < READERS; thread++) {
        CHECK(pthread_create(&readers[thread], NULL, read_all, set) == 0);
    }
    for (int thread = 0; thread < READERS; thread++) {
        CHECK(pthread_join(readers[thread], NULL) == 0);
    }
    oyez_set_free(set);
}

int main(void)
{
    TEST(publishers_sessions_that_come_and_go_and_a_worker_that_waits);
    TEST(readers_of_one_set);
    return 0;
}
