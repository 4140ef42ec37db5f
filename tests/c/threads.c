/* Many threads on one fan-out, one worker and one outbox, and readers on one set. */

#define _POSIX_C_SOURCE 200112L

#include "check.h"

#include <pthread.h>
#include <time.h>

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

/* A door that one thread holds open for another. */
typedef struct door {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int opened;
} door;

#define DOOR {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

static void open_door(door *door)
{
    CHECK(pthread_mutex_lock(&door->lock) == 0);
    door->opened = 1;
    CHECK(pthread_cond_broadcast(&door->moved) == 0);
    CHECK(pthread_mutex_unlock(&door->lock) == 0);
}

static void go_through(door *door)
{
    CHECK(pthread_mutex_lock(&door->lock) == 0);
    while (!door->opened) {
        CHECK(pthread_cond_wait(&door->moved, &door->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&door->lock) == 0);
}

static int is_open(door *door)
{
    int opened;
    CHECK(pthread_mutex_lock(&door->lock) == 0);
    opened = door->opened;
    CHECK(pthread_mutex_unlock(&door->lock) == 0);
    return opened;
}

static void open_from_c(void *door)
{
    open_door(door);
}

static oyez_fanout *one_session(uint64_t *session)
{
    oyez_fanout *fanout;
    OK(oyez_fanout_new(NULL, &fanout));
    OK(oyez_fanout_connect(fanout, 0, NULL, session));
    OK(oyez_fanout_subscribe(fanout, *session, ROOM, NULL));
    return fanout;
}

static void publish_one(oyez_fanout *fanout)
{
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of("hello");
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
}

typedef struct long_drain {
    oyez_worker *worker;
    door inside, over;
} long_drain;

static size_t take_in_time(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    long_drain *drain = userdata;
    (void)session, (void)items;
    open_door(&drain->inside);
    go_through(&drain->over);
    CHECK(payload_is(&items[0], "hello")); /* whatever the others have tried */
    return count;
}

static void *drain_for_long(void *userdata)
{
    long_drain *drain = userdata;
    OK(oyez_worker_drain(drain->worker, SIZE_MAX, take_in_time, drain, NULL));
    return NULL;
}

static void a_worker_in_other_hands_is_busy(void)
{
    long_drain drain = {NULL, DOOR, DOOR};
    door rung = DOOR, released = DOOR;
    uint64_t session, out[1];
    size_t written = 9, total = 9;
    pthread_t thread;
    oyez_fanout *fanout = one_session(&session);
    OK(oyez_worker_new(fanout, 0, &drain.worker));
    publish_one(fanout);
    CHECK(pthread_create(&thread, NULL, drain_for_long, &drain) == 0);
    go_through(&drain.inside);
    ANSWERS(OYEZ_BUSY, oyez_worker_drain(drain.worker, SIZE_MAX, take_in_time, &drain, NULL));
    ANSWERS(OYEZ_BUSY, oyez_worker_wait(drain.worker));
    ANSWERS(OYEZ_BUSY, oyez_worker_poll(drain.worker, open_from_c, &rung, open_from_c)); /* lets go of it all the same */
    CHECK(is_open(&rung));
    ANSWERS(OYEZ_BUSY, oyez_worker_overflowed(drain.worker, out, 1, &written, &total));
    CHECK(written == 0 && total == 0);
    ANSWERS(OYEZ_BUSY, oyez_worker_panicked(drain.worker, out, 1, NULL, NULL));
    open_door(&drain.over);
    CHECK(pthread_join(thread, NULL) == 0);
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(drain.worker, NULL, &released, open_from_c));
    CHECK(!is_open(&released));
    oyez_worker_free(drain.worker);
    CHECK(is_open(&released));
    oyez_fanout_free(fanout);
}

typedef struct reading {
    oyez_outbox *outbox;
    uint64_t session;
    door over;
} reading;

static void *ask_session(void *userdata)
{
    reading *reading = userdata;
    while (!is_open(&reading->over)) {
        uint64_t session;
        OK(oyez_outbox_session(reading->outbox, &session));
        CHECK(session == reading->session);
    }
    return NULL;
}

static void an_outbox_tells_its_session_beside_a_batch(void)
{
    reading reading = {NULL, 0, DOOR};
    oyez_fanout *fanout = one_session(&reading.session);
    pthread_t asks;
    OK(oyez_outbox_new(fanout, reading.session, &reading.outbox));
    CHECK(pthread_create(&asks, NULL, ask_session, &reading) == 0);
    for (int times = 0; times < EVENTS; times++) {
        const oyez_item *items;
        size_t count;
        publish_one(fanout);
        OK(oyez_outbox_next_batch(reading.outbox, 9, &items, &count));
        CHECK(count == 1 && payload_is(&items[0], "hello"));
    }
    open_door(&reading.over);
    CHECK(pthread_join(asks, NULL) == 0);
    oyez_outbox_free(reading.outbox);
    oyez_fanout_free(fanout);
}

static void never(void *userdata)
{
    (void)userdata;
    CHECK(!"woken");
}

static void *wait_once(void *worker)
{
    OK(oyez_worker_wait(worker));
    return NULL;
}

static void a_wait_takes_the_place_of_a_poll(void)
{
    door released = DOOR;
    oyez_worker *worker;
    uint64_t session;
    pthread_t thread;
    oyez_fanout *fanout = one_session(&session);
    OK(oyez_worker_new(fanout, 0, &worker));
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(worker, never, &released, open_from_c));
    CHECK(!is_open(&released));
    CHECK(pthread_create(&thread, NULL, wait_once, worker) == 0);
    go_through(&released); /* before there is anything */
    publish_one(fanout);
    CHECK(pthread_join(thread, NULL) == 0);
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

/* What a host is woken by: its thread waits for it. It lives until every poll that was given it has let go of it. */
typedef struct bell {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int rung;
    size_t polls, rings, releases;
} bell;

#define BELL {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0}

static void ring(void *userdata)
{
    bell *bell = userdata;
    CHECK(pthread_mutex_lock(&bell->lock) == 0);
    CHECK(bell->releases < bell->polls); /* not of one that was let go of */
    bell->rung = 1;
    bell->rings++;
    CHECK(pthread_cond_broadcast(&bell->moved) == 0);
    CHECK(pthread_mutex_unlock(&bell->lock) == 0);
}

static void let_go(void *userdata)
{
    bell *bell = userdata;
    CHECK(pthread_mutex_lock(&bell->lock) == 0);
    bell->releases++;
    CHECK(pthread_cond_broadcast(&bell->moved) == 0);
    CHECK(pthread_mutex_unlock(&bell->lock) == 0);
}

static oyez_status poll_with(oyez_worker *worker, bell *bell)
{
    CHECK(pthread_mutex_lock(&bell->lock) == 0);
    bell->polls++;
    bell->rung = 0;
    CHECK(pthread_mutex_unlock(&bell->lock) == 0);
    return oyez_worker_poll(worker, ring, bell, let_go);
}

/* The worker has been freed, but a thread may still be about to ring. */
static void end_of(bell *bell)
{
    CHECK(pthread_mutex_lock(&bell->lock) == 0);
    while (bell->releases < bell->polls) {
        CHECK(pthread_cond_wait(&bell->moved, &bell->lock) == 0);
    }
    CHECK(bell->releases == bell->polls && bell->rings <= bell->polls);
    CHECK(pthread_mutex_unlock(&bell->lock) == 0);
}

static size_t count_items(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    (void)session, (void)items;
    *(size_t *)userdata += count;
    return count;
}

static void bells_are_released_after_they_rang_whichever_thread_is_faster(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    pthread_t publishers[PUBLISHERS];
    bell bell = BELL;
    oyez_fanout *fanout;
    oyez_worker *worker;
    uint64_t session;
    size_t got = 0;
    options.events_per_session_max = PUBLISHERS * EVENTS;
    OK(oyez_fanout_new(&options, &fanout));
    OK(oyez_fanout_connect(fanout, 0, NULL, &session));
    OK(oyez_fanout_subscribe(fanout, session, ROOM, NULL));
    OK(oyez_worker_new(fanout, 0, &worker));
    for (int thread = 0; thread < PUBLISHERS; thread++) {
        CHECK(pthread_create(&publishers[thread], NULL, publish, fanout) == 0);
    }
    while (got < (size_t)PUBLISHERS * EVENTS) {
        if (poll_with(worker, &bell) == OYEZ_OK) {
            OK(oyez_worker_drain(worker, SIZE_MAX, count_items, &got, NULL));
        }
    }
    for (int thread = 0; thread < PUBLISHERS; thread++) {
        CHECK(pthread_join(publishers[thread], NULL) == 0);
    }
    ANSWERS(OYEZ_PENDING, poll_with(worker, &bell));
    oyez_worker_free(worker);
    end_of(&bell);
    oyez_fanout_free(fanout);
}

/* `oyez_worker_wait` with a limit, in milliseconds: OYEZ_PENDING when it is reached. The library has no clock; the host
 * has, and a bell. */
static oyez_status wait_for(oyez_worker *worker, bell *bell, long limit)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_sec += limit / 1000;
    until.tv_nsec += limit % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    for (;;) {
        int rung;
        oyez_status status = poll_with(worker, bell);
        if (status != OYEZ_PENDING) {
            return status;
        }
        CHECK(pthread_mutex_lock(&bell->lock) == 0);
        while (!bell->rung && pthread_cond_timedwait(&bell->moved, &bell->lock, &until) == 0) {
        }
        rung = bell->rung;
        CHECK(pthread_mutex_unlock(&bell->lock) == 0);
        if (!rung) {
            return OYEZ_PENDING;
        }
    }
}

static void a_host_waits_with_a_limit_of_its_own(void)
{
    bell bell = BELL;
    oyez_worker *worker;
    uint64_t session;
    size_t got = 0;
    oyez_status status;
    pthread_t publisher;
    oyez_fanout *fanout = one_session(&session);
    OK(oyez_worker_new(fanout, 0, &worker));
    ANSWERS(OYEZ_PENDING, wait_for(worker, &bell, 20));
    CHECK(pthread_create(&publisher, NULL, publish, fanout) == 0);
    OK(wait_for(worker, &bell, 60000));
    CHECK(pthread_join(publisher, NULL) == 0);
    OK(oyez_fanout_close(fanout));
    while ((status = wait_for(worker, &bell, 60000)) == OYEZ_OK) {
        OK(oyez_worker_drain(worker, SIZE_MAX, count_items, &got, NULL));
    }
    ANSWERS(OYEZ_CLOSED, status);
    CHECK(got > 0);
    oyez_worker_free(worker);
    end_of(&bell);
    oyez_fanout_free(fanout);
}

int main(void)
{
    TEST(publishers_sessions_that_come_and_go_and_a_worker_that_waits);
    TEST(readers_of_one_set);
    TEST(a_worker_in_other_hands_is_busy);
    TEST(an_outbox_tells_its_session_beside_a_batch);
    TEST(a_wait_takes_the_place_of_a_poll);
    TEST(bells_are_released_after_they_rang_whichever_thread_is_faster);
    TEST(a_host_waits_with_a_limit_of_its_own);
    return 0;
}
