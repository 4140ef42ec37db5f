/* Pulling one session's events; windows, acknowledgements, breaks. */

#include "check.h"

static const uint64_t ROOM = 7;

static uint64_t session_of(oyez_fanout *fanout, size_t window)
{
    oyez_session_options options = OYEZ_SESSION_OPTIONS_INIT;
    uint64_t session;
    options.window = window;
    OK(oyez_fanout_connect(fanout, 0, &options, &session));
    OK(oyez_fanout_subscribe(fanout, session, ROOM, NULL));
    return session;
}

static void publish(oyez_fanout *fanout, const char *text)
{
    oyez_query query = query_of(&ROOM, 1);
    oyez_event event = event_of(text);
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
}

static void a_batch_has_gaps_in_their_places_and_outlives_its_events(void)
{
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_fanout *fanout;
    oyez_outbox *outbox;
    const oyez_item *items = NULL;
    size_t count = 9;
    uint64_t ada, session = 9;
    options.events_per_session_max = 2;
    OK(oyez_fanout_new(&options, &fanout));
    ada = session_of(fanout, 0);
    OK(oyez_outbox_new(fanout, ada, &outbox));
    OK(oyez_outbox_session(outbox, &session));
    CHECK(session == ada);
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(items == NULL && count == 0);
    publish(fanout, "a");
    publish(fanout, "b");
    publish(fanout, "c");
    publish(fanout, "d");
    OK(oyez_outbox_next_batch(outbox, 1, &items, &count));
    CHECK(count == 2 && gap_is(&items[0], 1, 2, 2) && payload_is(&items[1], "c") && items[1].sequence == 3);
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 1);
    OK(oyez_fanout_disconnect(fanout, ada, NULL));
    oyez_fanout_free(fanout);
    CHECK(payload_is(&items[0], "d")); /* until the next call */
    ANSWERS(OYEZ_NOT_FOUND, oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(items == NULL && count == 0);
    oyez_outbox_free(outbox);
}

static void what_is_not_acknowledged_comes_again(void)
{
    oyez_fanout *fanout;
    oyez_outbox *outbox;
    const oyez_item *items;
    size_t count, again = 9, pending = 9, acknowledged = 9;
    uint64_t ada;
    OK(oyez_fanout_new(NULL, &fanout));
    ada = session_of(fanout, 2);
    publish(fanout, "a");
    publish(fanout, "b");
    publish(fanout, "c");
    OK(oyez_outbox_new(fanout, ada, &outbox));
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 2);
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 0); /* the window is full */
    ANSWERS(OYEZ_NOT_HANDED_OVER, oyez_fanout_acknowledge(fanout, ada, 3, &acknowledged));
    CHECK(acknowledged == 0);
    OK(oyez_fanout_acknowledge(fanout, ada, 1, &acknowledged));
    CHECK(acknowledged == 1);

    OK(oyez_fanout_park(fanout, ada));
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 0);
    ANSWERS(OYEZ_NOT_HANDED_OVER, oyez_fanout_resume(fanout, ada, 9, &again, &pending));
    CHECK(again == 0 && pending == 0);
    OK(oyez_fanout_resume(fanout, ada, 1, &again, &pending));
    CHECK(again == 1 && pending == 1);
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 1 && payload_is(&items[0], "b"));
    OK(oyez_outbox_next_batch(outbox, 9, &items, &count));
    CHECK(count == 1 && payload_is(&items[0], "c"));
    oyez_outbox_free(outbox);
    oyez_fanout_free(fanout);
}

static size_t take_all(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    (void)session, (void)items;
    *(size_t *)userdata += count;
    return count;
}

static void a_session_has_one_outbox_and_the_worker_passes_it_by(void)
{
    oyez_fanout *fanout;
    oyez_worker *worker;
    oyez_outbox *outbox, *second;
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    size_t taken = 0;
    uint64_t ada;
    options.partitions = 2;
    OK(oyez_fanout_new(&options, &fanout));
    ada = session_of(fanout, 0);
    OK(oyez_outbox_new(fanout, ada, &outbox));
    ANSWERS(OYEZ_BUSY, oyez_outbox_new(fanout, ada, &second));
    CHECK(second == NULL);
    ANSWERS(OYEZ_BUSY, oyez_fanout_move(fanout, ada, 1));
    publish(fanout, "x");
    OK(oyez_worker_new(fanout, 0, &worker));
    OK(oyez_worker_drain(worker, SIZE_MAX, take_all, &taken, NULL));
    CHECK(taken == 0);
    oyez_outbox_free(outbox);
    OK(oyez_worker_drain(worker, SIZE_MAX, take_all, &taken, NULL));
    CHECK(taken == 1);
    oyez_worker_free(worker);
    oyez_fanout_free(fanout);
}

int main(void)
{
    TEST(a_batch_has_gaps_in_their_places_and_outlives_its_events);
    TEST(what_is_not_acknowledged_comes_again);
    TEST(a_session_has_one_outbox_and_the_worker_passes_it_by);
    return 0;
}
