/* Planted: a payload is read after the batch that it belongs to is gone. valgrind must see it, or it sees nothing. */

#include "check.h"

int main(void)
{
    const uint64_t room = 7;
    oyez_query query = query_of(&room, 1);
    oyez_event event = event_of("hello");
    oyez_fanout *fanout;
    oyez_outbox *outbox;
    const oyez_item *items;
    const uint8_t *payload;
    uint64_t session;
    size_t count;
    OK(oyez_fanout_new(NULL, &fanout));
    OK(oyez_fanout_connect(fanout, 0, NULL, &session));
    OK(oyez_fanout_subscribe(fanout, session, room, NULL));
    OK(oyez_fanout_publish(fanout, &query, &event, NULL));
    OK(oyez_outbox_new(fanout, session, &outbox));
    OK(oyez_outbox_next_batch(outbox, 1, &items, &count));
    payload = items[0].payload;
    OK(oyez_outbox_next_batch(outbox, 1, &items, &count));
    oyez_outbox_free(outbox);
    oyez_fanout_free(fanout);
    printf("%c\n", payload[0]);
    return 0;
}
