// A callback that throws: the process ends, as the header says, instead of going on undefined.

#include <oyez.h>

#include <cstddef>
#include <cstdint>

static std::size_t throws(void *, std::uint64_t, const oyez_item *, std::size_t)
{
    throw 7;
}

int main()
{
    const std::uint64_t room = 7;
    oyez_query query = OYEZ_QUERY_INIT;
    oyez_event event = OYEZ_EVENT_INIT;
    oyez_fanout *fanout;
    oyez_worker *worker;
    std::uint64_t session;
    query.topics = &room;
    query.topics_count = 1;
    if (oyez_fanout_new(nullptr, &fanout) != OYEZ_OK || oyez_worker_new(fanout, 0, &worker) != OYEZ_OK ||
        oyez_fanout_connect(fanout, 0, nullptr, &session) != OYEZ_OK ||
        oyez_fanout_subscribe(fanout, session, room, nullptr) != OYEZ_OK ||
        oyez_fanout_publish(fanout, &query, &event, nullptr) != OYEZ_OK) {
        return 1;
    }
    try {
        oyez_worker_drain(worker, 1, throws, nullptr, nullptr);
    } catch (int) {
        return 2;
    }
    return 3;
}
