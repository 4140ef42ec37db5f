/* Callbacks that panic, which only Rust can: those of `panicking.rs`. */

#include "check.h"

size_t panic_for(void *userdata, uint64_t session, const oyez_item *items, size_t count);
void panic_on_wake(void *userdata);

static const uint64_t ROOM = 7;

static uint64_t session_of(oyez_fanout *fanout)
{
    uint64_t session;
    OK(oyez_fanout_connect(fanout, 0, NULL, &session));
    OK(oyez_fanout_subscribe(fanout, session, ROOM, NULL));
    return session;
}

static void a_callback_that_panics_gives_a_status_and_the_drain_goes_on(void)
{
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of("hello");
    oyez_drained drained = OYEZ_DRAINED_INIT;
    oyez_accounting all = OYEZ_ACCOUNTING_INIT;
    oyez_fanout *fanout;
    oyez_worker *worker;
    uint64_t ada, out[1] = {0}, nobody = 0;
    size_t written, total;
    OK(oyez_fanout_new(NULL, &fanout));
    OK(oyez_worker_new(fanout, 0, &worker));
    ada = session_of(fanout);
    session_of(fanout);
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));

    ANSWERS(OYEZ_PANIC, oyez_worker_drain(worker, SIZE_MAX, panic_for, &ada, &drained));
    CHECK(drained.sessions == 2 && drained.items == 1 && drained.panicked == 1);
    OK(oyez_worker_panicked(worker, out, 1, &written, &total));
    CHECK(written == 1 && total == 1 && out[0] == ada);
    OK(oyez_fanout_accounting(fanout, &all));
    CHECK(all.abandoned == 1 && all.delivered == 1);

    OK(oyez_fanout_writable(fanout, ada)); /* nothing is poisoned; the session is told a gap */
    OK(oyez_worker_drain(worker, SIZE_MAX, panic_for, &nobody, &drained));
    CHECK(drained.sessions == 1 && drained.items == 1 && drained.panicked == 0);
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

static void a_wake_that_panics_does_not_reach_who_publishes(void)
{
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of("hello");
    oyez_fanout *fanout;
    oyez_worker *worker;
    OK(oyez_fanout_new(NULL, &fanout));
    OK(oyez_worker_new(fanout, 0, &worker));
    session_of(fanout);
    ANSWERS(OYEZ_PENDING, oyez_worker_poll(worker, panic_on_wake, NULL, NULL));
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    OK(oyez_worker_poll(worker, NULL, NULL, NULL));
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

int main(void)
{
    TEST(a_callback_that_panics_gives_a_status_and_the_drain_goes_on);
    TEST(a_wake_that_panics_does_not_reach_who_publishes);
    return 0;
}
