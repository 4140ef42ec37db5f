/*
 * A host in miniature: a thousand sessions on two partitions, each with a thread that drains it, while the main thread
 * publishes to all of them. One session in ten is slow and takes one item at a time, one in fifty is stuck and takes
 * nothing. The slow ones are told exact gaps, the stuck ones are disconnected in the end, and nobody waits for them.
 */

#include <oyez.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { SESSIONS = 1000, PARTITIONS = 2, EVENTS = 2000, QUEUE = 64 };

enum kind { FAST, SLOW, STUCK, KINDS };

static const char *const names[KINDS] = {"fast", "slow", "stuck"};

/* A connection: what a socket would be in a real host. */
struct client {
    uint64_t session;
    enum kind kind;
    uint64_t got, missing, last;
};

struct partition {
    oyez_worker *worker;
    pthread_t thread;
    struct client *clients;
    size_t count;
};

static oyez_fanout *fanout;
static struct client clients[SESSIONS];

static void check(oyez_status status, const char *what)
{
    if (status != OYEZ_OK) {
        fprintf(stderr, "host: %s: %s\n", what, oyez_status_str(status));
        exit(1);
    }
}

static void require(int fact, const char *what)
{
    if (!fact) {
        fprintf(stderr, "host: not so: %s\n", what);
        exit(1);
    }
}

static int by_session(const void *one, const void *other)
{
    uint64_t a = ((const struct client *)one)->session, b = ((const struct client *)other)->session;
    return (a > b) - (a < b);
}

/* The callback of a drain: writes to the client's socket what that has room for, and says how much that was. */
static size_t deliver(void *userdata, uint64_t session, const oyez_item *items, size_t count)
{
    struct partition *partition = userdata;
    struct client key, *client;
    size_t room, at;
    key.session = session;
    client = bsearch(&key, partition->clients, partition->count, sizeof key, by_session);
    require(client != NULL, "an event comes for a session of this partition");
    room = client->kind == FAST ? count : client->kind == SLOW ? 1 : 0;
    for (at = 0; at < room; at++) {
        require(items[at].sequence > client->last, "events come in order");
        client->last = items[at].last_sequence;
        if (items[at].kind == OYEZ_ITEM_GAP) {
            client->missing += items[at].missing;
        } else {
            client->got++;
        }
    }
    return room;
}

/* A partition's thread: drains until the fan-out is closed and all is handed over. */
static void *serve(void *userdata)
{
    struct partition *partition = userdata;
    oyez_status status;
    while ((status = oyez_worker_wait(partition->worker)) == OYEZ_OK) {
        size_t at;
        check(oyez_worker_drain(partition->worker, SIZE_MAX, deliver, partition, NULL), "drain");
        for (at = 0; at < partition->count; at++) {
            if (partition->clients[at].kind == SLOW) { /* its socket has room again */
                check(oyez_fanout_writable(fanout, partition->clients[at].session), "writable");
            }
        }
    }
    require(status == OYEZ_CLOSED, "a worker waits until the fan-out is closed");
    return NULL;
}

int main(void)
{
    const uint64_t room = 42;
    static struct partition partitions[PARTITIONS];
    oyez_fanout_options options = OYEZ_FANOUT_OPTIONS_INIT;
    oyez_accounting all = OYEZ_ACCOUNTING_INIT;
    oyez_query query = OYEZ_QUERY_INIT;
    oyez_event event = OYEZ_EVENT_INIT;
    oyez_receipt_counts counts = OYEZ_RECEIPT_COUNTS_INIT;
    oyez_receipt *receipt;
    uint64_t got[KINDS] = {0}, missing[KINDS] = {0}, sessions[KINDS] = {0};
    int at;

    require(oyez_abi_version() == OYEZ_ABI_VERSION, "the library is for this program");
    options.partitions = PARTITIONS;
    options.events_per_session_max = QUEUE;
    check(oyez_fanout_new(&options, &fanout), "new");
    check(oyez_receipt_new(&receipt), "receipt");

    for (at = 0; at < PARTITIONS; at++) {
        partitions[at].clients = &clients[at * (SESSIONS / PARTITIONS)];
        partitions[at].count = SESSIONS / PARTITIONS;
    }
    for (at = 0; at < SESSIONS; at++) {
        struct client *client = &clients[at];
        client->kind = at % 50 == 0 ? STUCK : at % 10 == 0 ? SLOW : FAST;
        check(oyez_fanout_connect(fanout, (uint32_t)(at / (SESSIONS / PARTITIONS)), NULL, &client->session), "connect");
        check(oyez_fanout_subscribe(fanout, client->session, room, NULL), "subscribe");
    }
    for (at = 0; at < PARTITIONS; at++) {
        qsort(partitions[at].clients, partitions[at].count, sizeof(struct client), by_session);
        check(oyez_worker_new(fanout, (uint32_t)at, &partitions[at].worker), "worker");
        require(pthread_create(&partitions[at].thread, NULL, serve, &partitions[at]) == 0, "a thread starts");
    }

    query.topics = &room;
    query.topics_count = 1;
    event.order_key = room;
    event.payload = (const uint8_t *)"hello";
    event.payload_len = 5;
    for (at = 0; at < EVENTS; at++) {
        check(oyez_fanout_publish(fanout, &query, &event, receipt), "publish");
        check(oyez_receipt_read(receipt, &counts), "receipt");
        require(counts.accepted == SESSIONS, "every event is accepted for everybody");
    }

    /* The end: no more events, nobody waits for the stuck ones, and the others get what is left. */
    check(oyez_fanout_close(fanout), "close");
    for (at = 0; at < SESSIONS; at++) {
        if (clients[at].kind == STUCK) {
            check(oyez_fanout_disconnect(fanout, clients[at].session, NULL), "disconnect");
        }
    }
    for (at = 0; at < PARTITIONS; at++) {
        require(pthread_join(partitions[at].thread, NULL) == 0, "a thread ends");
        oyez_worker_free(partitions[at].worker);
    }

    for (at = 0; at < SESSIONS; at++) {
        const struct client *client = &clients[at];
        sessions[client->kind]++;
        got[client->kind] += client->got;
        missing[client->kind] += client->missing;
        require(client->kind == STUCK || client->got + client->missing == EVENTS, "what a client did not get is in its gaps");
    }
    check(oyez_fanout_accounting(fanout, &all), "accounting");
    require(all.accepted == (uint64_t)EVENTS * SESSIONS && all.pending == 0, "everything is accounted for");
    require(all.delivered == got[FAST] + got[SLOW] && got[STUCK] == 0, "delivered is what the clients got");
    require(all.accepted == all.delivered + all.dropped + all.discarded_disconnect, "nothing is lost silently");

    printf("%-6s %9s %12s %12s\n", "", "sessions", "events got", "in gaps");
    for (at = 0; at < KINDS; at++) {
        printf("%-6s %9llu %12llu %12llu\n", names[at], (unsigned long long)sessions[at], (unsigned long long)got[at],
               (unsigned long long)missing[at]);
    }
    printf("accepted %llu = delivered %llu + dropped %llu + discarded %llu\n", (unsigned long long)all.accepted,
           (unsigned long long)all.delivered, (unsigned long long)all.dropped,
           (unsigned long long)all.discarded_disconnect);
    oyez_receipt_free(receipt);
    oyez_fanout_free(fanout);
    return 0;
}
