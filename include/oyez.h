/*
 * Oyez: order-statistic sorted sets, live member lists and event fan-out for realtime services, in process.
 *
 * Written from src/ffi by tests/header.rs; not to be edited.
 *
 * Every call that can fail answers an oyez_status. Every pointer is checked for NULL: handles, callbacks and arrays
 * that are not empty answer OYEZ_NULL; results that are not wanted may be NULL, and those that are given are written on
 * every path, unless the call refuses the size of a struct. No two results of a call may be the same object. (NULL, 0)
 * is an empty array. A _free takes NULL and does nothing; no other call frees what it is given.
 *
 * "Concurrent" calls, on a const object, may run at once on any threads. An "exclusive" call, on an object that is not
 * const, must be the only one that has the object; a worker and an outbox look for themselves, and a second call is
 * answered OYEZ_BUSY while the first runs. Objects may go from thread to thread.
 *
 * Structs that later versions may make longer, at the end, begin with their size; they start as what their _INIT macro
 * says. A library takes shorter ones, of earlier headers, and longer ones whose rest is zero.
 */


#ifndef OYEZ_H
#define OYEZ_H

#include <stddef.h>
#include <stdint.h>

/**
 * Major version of the library. Since 0.1.
 */
#define OYEZ_VERSION_MAJOR 0

/**
 * Minor version. Since 0.1.
 */
#define OYEZ_VERSION_MINOR 1

/**
 * Patch version. Since 0.1.
 */
#define OYEZ_VERSION_PATCH 0

/**
 * All three as one number: major * 1,000,000 + minor * 1,000 + patch. Since 0.1.
 */
#define OYEZ_VERSION_NUMBER 1000

/**
 * Number of the binary interface: a library with another number than the header's is not for this program. Since 0.1.
 */
#define OYEZ_ABI_VERSION 1

/**
 * The oldest event in the queue gives way: for what is soon out of date. Since 0.1.
 */
#define OYEZ_OVERLOAD_DROP_OLDEST 0

/**
 * The event that comes gives way: for what need not be complete. Since 0.1.
 */
#define OYEZ_OVERLOAD_DROP_NEWEST 1

/**
 * The session ends, as if it had disconnected: for what it must not miss. Since 0.1.
 */
#define OYEZ_OVERLOAD_DISCONNECT 2

/**
 * The batch of a callback that panicked or failed is abandoned, and the session is told a gap. Since 0.1.
 */
#define OYEZ_ON_PANIC_ABANDON 0

/**
 * The batch of a callback that panicked or failed comes again. Since 0.1.
 */
#define OYEZ_ON_PANIC_KEEP 1

/**
 * An item that is an event. Since 0.1.
 */
#define OYEZ_ITEM_EVENT 1

/**
 * An item that stands for events the session did not get. Since 0.1.
 */
#define OYEZ_ITEM_GAP 2

/**
 * The session is in the audience; the topic is the first of the query that it is subscribed to. Since 0.1.
 */
#define OYEZ_VERDICT_INCLUDED 1

/**
 * The session is subscribed, but the query excludes it. Since 0.1.
 */
#define OYEZ_VERDICT_EXCLUDED 2

/**
 * The session is subscribed to none of the query's topics. Since 0.1.
 */
#define OYEZ_VERDICT_UNSUBSCRIBED 3

/**
 * No event with this sequence has been published yet. Since 0.1.
 */
#define OYEZ_FATE_NOT_PUBLISHED 1

/**
 * The session was not in the event's audience. Since 0.1.
 */
#define OYEZ_FATE_NOT_ADDRESSED 2

/**
 * The session's partition was over its budget. Since 0.1.
 */
#define OYEZ_FATE_REFUSED 3

/**
 * The event waits in the session's queue. Since 0.1.
 */
#define OYEZ_FATE_PENDING 4

/**
 * The host has it in hand and has not answered yet. Since 0.1.
 */
#define OYEZ_FATE_OFFERED 5

/**
 * The host took it. Since 0.1.
 */
#define OYEZ_FATE_HANDED_OVER 6

/**
 * The session did not get it, or nobody knows: it is in the gap. Since 0.1.
 */
#define OYEZ_FATE_MISSED 7

/**
 * Too long ago to say. Since 0.1.
 */
#define OYEZ_FATE_FORGOTTEN 8

/**
 * What a callback returns that has failed and does not know what it took; no batch has so many items. For languages
 * whose exceptions must not leave a callback: it is treated as one that panicked, its session is named by
 * `oyez_worker_panicked`, and the drain answers OYEZ_FAILED when it is done. Since 0.1.
 */
#define OYEZ_TOOK_FAILED 4294967294

/**
 * The member is new. Since 0.1.
 */
#define OYEZ_UPSERTED_NEW 1

/**
 * The member had another group or collation key. Since 0.1.
 */
#define OYEZ_UPSERTED_MOVED 2

/**
 * The member was there with the same group and collation key. Since 0.1.
 */
#define OYEZ_UPSERTED_UNCHANGED 3

/**
 * A row that is the header of a group. Since 0.1.
 */
#define OYEZ_ROW_HEADER 1

/**
 * A row that is a member. Since 0.1.
 */
#define OYEZ_ROW_MEMBER 2

/**
 * The rows from `first` on are replaced. Fewer rows than the window is wide: the list ends there. Since 0.1.
 */
#define OYEZ_OP_SYNC 1

/**
 * The rows from `first` to `last` are forgotten; nothing moves. Since 0.1.
 */
#define OYEZ_OP_INVALIDATE 2

/**
 * A sorted set of byte strings in which every key has a rank, its 0-based position. Keys are in the order of their
 * bytes, a prefix before what it begins. The set has copies of its own. Calls that change a set need keys from
 * elsewhere: not those that the same set has pointed to, which go as it changes.
 *
 * Made by `oyez_byteset_new` or `oyez_byteset_from_sorted`, freed by `oyez_byteset_free`. Calls that take it as
 * `const` may run at once on any threads, as long as no other call does. Since 0.1.
 */
typedef struct oyez_byteset oyez_byteset;

/**
 * A registry of sessions with a bounded queue of events for each: publish on one side, drain on the other. Sessions
 * and topics are numbers; topics are the host's own, a session's is never 0 and never given to another one, and once
 * it has disconnected every call answers OYEZ_NOT_FOUND.
 *
 * Made by `oyez_fanout_new`, freed by `oyez_fanout_free`. All calls may run at once on any threads, also from within a
 * worker's callback. Its workers and outboxes may outlive it. Since 0.1.
 */
typedef struct oyez_fanout oyez_fanout;

/**
 * What one flush, or one viewer's new windows, have to tell: what each view group does, then the counts. Filled by
 * `oyez_member_list_flush` and `oyez_member_list_set_windows`; one is enough for many, one after the other.
 *
 * Made by `oyez_flush_new`, freed by `oyez_flush_free`. What its calls point to lives until it is filled again or
 * freed. Calls that take it as `const` may run at once. Since 0.1.
 */
typedef struct oyez_flush oyez_flush;

/**
 * Members in groups, each group that is not empty with a header row, and the viewers who have parts of it on screen.
 * Within a group members stand by collation key, then by number. Members, groups and viewers are the host's own
 * numbers.
 *
 * Made by `oyez_member_list_new`, freed by `oyez_member_list_free`. Calls that take it as `const` may run at once on
 * any threads, as long as no other call does. Since 0.1.
 */
typedef struct oyez_member_list oyez_member_list;

/**
 * One session's pending events, read by its owner instead of the partition's worker.
 *
 * Made by `oyez_outbox_new`, freed by `oyez_outbox_free`, which gives the session back to the worker. It may outlive
 * the fan-out's handle. Its calls may come from any thread. A batch is its reader's until that is done with it: the
 * next one, whoever asks for it, ends it. Since 0.1.
 */
typedef struct oyez_outbox oyez_outbox;

/**
 * What a publish did, with the sessions that ended for it. Filled by `oyez_fanout_publish`; one is enough for many
 * publishes, one after the other.
 *
 * Made by `oyez_receipt_new`, freed by `oyez_receipt_free`. Calls that take it as `const` may run at once. Since 0.1.
 */
typedef struct oyez_receipt oyez_receipt;

/**
 * A sorted set of 64-bit numbers in which every key has a rank, its 0-based position.
 *
 * Made by `oyez_set_new` or `oyez_set_from_sorted`, freed by `oyez_set_free`. Calls that take it as `const` may run
 * at once on any threads, as long as no other call does. Since 0.1.
 */
typedef struct oyez_set oyez_set;

/**
 * The one reader of a partition: it hands each of its sessions everything that is pending for it.
 *
 * Made by `oyez_worker_new`, freed by `oyez_worker_free`, which lets the partition have another one. It may outlive
 * the fan-out's handle. Its calls may come from any thread; one at once, or else the second is answered OYEZ_BUSY and
 * does nothing, also when it comes from within a callback. Since 0.1.
 */
typedef struct oyez_worker oyez_worker;

/**
 * What a call answers: `OYEZ_OK`, or a negative number that says why not. Numbers are never reused; later versions may
 * add some. Since 0.1.
 */
typedef int32_t oyez_status;

/**
 * Bytes that belong to somebody else. `data` may be NULL when `len` is 0. Since 0.1.
 */
typedef struct oyez_bytes {
    /**
     * The first byte.
     */
    const uint8_t *data;
    /**
     * Their number.
     */
    size_t len;
} oyez_bytes;

/**
 * Sizes, limits and choices of a fan-out. Starts as OYEZ_FANOUT_OPTIONS_INIT, which has the defaults. Since 0.1.
 */
typedef struct oyez_fanout_options {
    /**
     * `sizeof(oyez_fanout_options)`.
     */
    size_t struct_size;
    /**
     * Number of partitions, 1 to 65,535.
     */
    uint32_t partitions;
    /**
     * What becomes of the batch of a callback that panicked or failed: OYEZ_ON_PANIC_ABANDON or OYEZ_ON_PANIC_KEEP.
     */
    uint32_t on_panic;
    /**
     * Sessions a partition may hold.
     */
    size_t sessions_per_partition_max;
    /**
     * Topics a session may be subscribed to.
     */
    size_t topics_per_session_max;
    /**
     * Events a session's queue holds; 0 counts as 1.
     */
    size_t events_per_session_max;
    /**
     * Events in one batch of a worker; 0 counts as 1.
     */
    size_t batch_max;
    /**
     * Bytes of events a partition may hold that are pending or not acknowledged.
     */
    size_t bytes_per_partition_max;
    /**
     * Bytes of one payload.
     */
    size_t payload_bytes_max;
    /**
     * Bytes of audiences kept so that `oyez_fanout_fate` can answer for past events.
     */
    size_t history_bytes_max;
    /**
     * Sessions of one partition for which an event waits in the partition's log instead of in the queue of each.
     */
    size_t log_sessions_min;
    /**
     * What gives way to an event of each class when a session's queue is full: OYEZ_OVERLOAD_DROP_OLDEST,
     * OYEZ_OVERLOAD_DROP_NEWEST or OYEZ_OVERLOAD_DISCONNECT.
     */
    uint8_t overload[64];
} oyez_fanout_options;

/**
 * Settings of one session. Starts as OYEZ_SESSION_OPTIONS_INIT. Since 0.1.
 */
typedef struct oyez_session_options {
    /**
     * `sizeof(oyez_session_options)`.
     */
    size_t struct_size;
    /**
     * How many events may be handed over and not acknowledged; 0 for a session that never acknowledges.
     */
    size_t window;
} oyez_session_options;

/**
 * Who an event is for: the sessions subscribed to at least one of the topics, each once, without the excluded ones.
 * Starts as OYEZ_QUERY_INIT. Since 0.1.
 */
typedef struct oyez_query {
    /**
     * `sizeof(oyez_query)`.
     */
    size_t struct_size;
    /**
     * Topics; may be NULL when there are none.
     */
    const uint64_t *topics;
    /**
     * Their number.
     */
    size_t topics_count;
    /**
     * Sessions that are left out, usually the sender's, in any order; may be NULL when there are none. O(n log n) in
     * their number for each call that is given the query, beside what the call costs.
     */
    const uint64_t *except;
    /**
     * Their number.
     */
    size_t except_count;
} oyez_query;

/**
 * What became of an event for a session. Its size never changes. Since 0.1.
 */
typedef struct oyez_fate {
    /**
     * One of the OYEZ_FATE numbers; 0 if the call was refused.
     */
    uint32_t kind;
    /**
     * 0: a later version may give them a meaning.
     */
    uint32_t reserved[3];
    /**
     * OYEZ_FATE_PENDING: how many of the session's events are before it.
     */
    size_t ahead;
    /**
     * OYEZ_FATE_MISSED: the first sequence of the gap that the session is told instead.
     */
    uint64_t gap_first;
    /**
     * OYEZ_FATE_MISSED: the last.
     */
    uint64_t gap_last;
    /**
     * OYEZ_FATE_MISSED: how many events are in it.
     */
    uint64_t gap_missing;
} oyez_fate;

/**
 * What is published. Starts as OYEZ_EVENT_INIT. Since 0.1.
 */
typedef struct oyez_event {
    /**
     * `sizeof(oyez_event)`.
     */
    size_t struct_size;
    /**
     * Keeps order with the other events of the same key.
     */
    uint64_t order_key;
    /**
     * A word of the host's own, handed over with the event: a trace id, a timestamp.
     */
    uint64_t metadata;
    /**
     * Opaque bytes, copied once however many sessions get them; may be NULL when there are none.
     */
    const uint8_t *payload;
    /**
     * Their number.
     */
    size_t payload_len;
    /**
     * The kind of event, 0 to 63: it decides what gives way to it.
     */
    uint32_t event_class;
    /**
     * Must be 0: a later version may give it a meaning.
     */
    uint32_t reserved;
} oyez_event;

/**
 * The numbers of a receipt. Starts as OYEZ_RECEIPT_COUNTS_INIT. Since 0.1.
 */
typedef struct oyez_receipt_counts {
    /**
     * `sizeof(oyez_receipt_counts)`.
     */
    size_t struct_size;
    /**
     * The number of this fan-out; 0 if nothing was published.
     */
    uint64_t sequence;
    /**
     * Sessions for which the event was accepted.
     */
    size_t accepted;
    /**
     * Partitions that refused it because their budget is used up; usually none.
     */
    size_t partitions_refused;
    /**
     * Sessions of those partitions that do not get it.
     */
    size_t sessions_refused;
    /**
     * Sessions that ended because their queues were full; their connections are the host's to close.
     */
    size_t sessions_overflowed;
} oyez_receipt_counts;

/**
 * One thing a session is handed: an event, or a gap in the place of events that it did not get. Items come in arrays:
 * their size never changes. Since 0.1.
 */
typedef struct oyez_item {
    /**
     * OYEZ_ITEM_EVENT or OYEZ_ITEM_GAP.
     */
    uint32_t kind;
    /**
     * Of an event: its class.
     */
    uint32_t event_class;
    /**
     * Of an event: its sequence. Of a gap: the sequence of the first event that is missing.
     */
    uint64_t sequence;
    /**
     * Of an event: its sequence. Of a gap: the sequence of the last event that is missing.
     */
    uint64_t last_sequence;
    /**
     * Of a gap: how many events addressed to this session are missing.
     */
    uint64_t missing;
    /**
     * Of an event: its order key.
     */
    uint64_t order_key;
    /**
     * Of an event: the host's own word.
     */
    uint64_t metadata;
    /**
     * Of an event: its bytes.
     */
    const uint8_t *payload;
    /**
     * Of an event: their number.
     */
    size_t payload_len;
    /**
     * 0: a later version may give it a meaning.
     */
    uint64_t reserved;
} oyez_item;

/**
 * What a host does with one session's batch: `count` items, at least one, which live as long as the call. Returns how
 * many it took, from the front; a gap is an item like an event. Fewer than all makes the session lagging: what is
 * left stays pending, and nothing is offered until `oyez_fanout_writable`. More than all means all, but for
 * OYEZ_TOOK_FAILED.
 *
 * Every call on the fan-out is allowed within it, but none on the worker. It must return: no longjmp, no thread exit,
 * and an exception of C++ ends the process. Since 0.1.
 */
typedef size_t (*oyez_drain_fn)(void *userdata, uint64_t session, const struct oyez_item *items, size_t count);

/**
 * What one drain did. Starts as OYEZ_DRAINED_INIT. Since 0.1.
 */
typedef struct oyez_drained {
    /**
     * `sizeof(oyez_drained)`.
     */
    size_t struct_size;
    /**
     * Sessions that were offered a batch.
     */
    size_t sessions;
    /**
     * Items that were taken: events and gaps.
     */
    size_t items;
    /**
     * Sessions that wait for the next drain; some may have nothing to get any more.
     */
    size_t ready;
    /**
     * Sessions that ended because their queues were full; `oyez_worker_overflowed` names them.
     */
    size_t overflowed;
    /**
     * Sessions whose callbacks panicked or failed; `oyez_worker_panicked` names them.
     */
    size_t panicked;
} oyez_drained;

/**
 * Wakes who wants to drain. Called once at most, without a lock, by whichever thread's call gave the worker something
 * to do; the worker may be gone by then. It must return as a drain's callback must. Since 0.1.
 */
typedef void (*oyez_wake_fn)(void *userdata);

/**
 * Lets go of `userdata`: called exactly once, from any thread, when nothing will use it any more. Since 0.1.
 */
typedef void (*oyez_release_fn)(void *userdata);

/**
 * Counters of a whole fan-out. Starts as OYEZ_STATS_INIT. Since 0.1.
 */
typedef struct oyez_stats {
    /**
     * `sizeof(oyez_stats)`.
     */
    size_t struct_size;
    /**
     * Fan-outs so far; also the last sequence given.
     */
    uint64_t published;
    /**
     * Recipients that partitions over their budget refused.
     */
    uint64_t refused;
    /**
     * Gaps told to sessions.
     */
    uint64_t gaps;
    /**
     * Sessions connected.
     */
    size_t sessions;
    /**
     * Topics with at least one subscriber.
     */
    size_t topics;
    /**
     * Pairs of session and topic.
     */
    size_t subscriptions;
    /**
     * Sessions that did not take all they were offered.
     */
    size_t lagging;
    /**
     * Partitions.
     */
    size_t partitions;
} oyez_stats;

/**
 * Counters of one partition. Starts as OYEZ_PARTITION_STATS_INIT. Since 0.1.
 */
typedef struct oyez_partition_stats {
    /**
     * `sizeof(oyez_partition_stats)`.
     */
    size_t struct_size;
    /**
     * Sessions connected.
     */
    size_t sessions;
    /**
     * Sessions with something to get, in turn for the worker; at times some that have ended since.
     */
    size_t ready;
    /**
     * Sessions that did not take all they were offered and have not said that they can take more.
     */
    size_t lagging;
    /**
     * Sessions that are parked.
     */
    size_t parked;
    /**
     * Events handed over to sessions with a window and not acknowledged yet.
     */
    size_t unacknowledged;
    /**
     * Distinct events that some session of the partition has not got yet.
     */
    size_t events_held;
    /**
     * Of those: events for many sessions, which wait in the log.
     */
    size_t events_in_log;
    /**
     * Bytes of what is pending or not acknowledged: what counts towards the budget.
     */
    size_t bytes;
    /**
     * How many events have been published since the oldest that waits in the log, that one included; 0 if none waits.
     */
    uint64_t lag;
    /**
     * Recipients refused because the partition was over its budget.
     */
    uint64_t refused;
    /**
     * Gaps told to sessions.
     */
    uint64_t gaps;
    /**
     * Callbacks that panicked or failed.
     */
    uint64_t panics;
    /**
     * Distinct events for many that have gone out and are kept for sessions that nobody reads.
     */
    size_t events_behind;
} oyez_partition_stats;

/**
 * Where every accepted event went. At every moment accepted = delivered + dropped + all four discarded + abandoned +
 * pending. An event for a thousand sessions counts a thousand times. Starts as OYEZ_ACCOUNTING_INIT. Since 0.1.
 */
typedef struct oyez_accounting {
    /**
     * `sizeof(oyez_accounting)`.
     */
    size_t struct_size;
    /**
     * Put into a session's queue.
     */
    uint64_t accepted;
    /**
     * Taken by the host.
     */
    uint64_t delivered;
    /**
     * Gave way because the session's queue was full; each is in a gap that the session is told.
     */
    uint64_t dropped;
    /**
     * Of those dropped: shed because the partition's budget was used up.
     */
    uint64_t shed;
    /**
     * Were pending when the session disconnected.
     */
    uint64_t discarded_disconnect;
    /**
     * Were pending when the partition was dropped.
     */
    uint64_t discarded_partition_drop;
    /**
     * Were pending when the session ended because its queue was full.
     */
    uint64_t discarded_overflow;
    /**
     * Were pending when the session unsubscribed, and discarded at its wish.
     */
    uint64_t discarded_unsubscribe;
    /**
     * In the hands of a callback that panicked or failed; each is in a gap that the session is told.
     */
    uint64_t abandoned;
    /**
     * In a queue, or in the hands of the host.
     */
    uint64_t pending;
} oyez_accounting;

/**
 * Limits of a member list. Starts as OYEZ_MEMBER_LIST_OPTIONS_INIT, which has the defaults. Since 0.1.
 */
typedef struct oyez_member_list_options {
    /**
     * `sizeof(oyez_member_list_options)`.
     */
    size_t struct_size;
    /**
     * Members the list may hold.
     */
    size_t members_max;
    /**
     * Bytes of one member's collation key.
     */
    size_t collation_bytes_max;
    /**
     * Viewers the list may have.
     */
    size_t viewers_max;
    /**
     * Windows of one viewer.
     */
    size_t windows_max;
    /**
     * Rows of one window.
     */
    size_t window_rows_max;
} oyez_member_list_options;

/**
 * What became of a member. Its size never changes. Since 0.1.
 */
typedef struct oyez_upserted {
    /**
     * OYEZ_UPSERTED_NEW, OYEZ_UPSERTED_MOVED or OYEZ_UPSERTED_UNCHANGED; 0 if the call was refused.
     */
    uint32_t kind;
    /**
     * 0: a later version may give them a meaning.
     */
    uint32_t reserved[3];
    /**
     * OYEZ_UPSERTED_MOVED: its row before.
     */
    size_t from;
    /**
     * Its row now.
     */
    size_t row;
} oyez_upserted;

/**
 * One row of a list. Since 0.1.
 */
typedef struct oyez_row {
    /**
     * OYEZ_ROW_HEADER or OYEZ_ROW_MEMBER.
     */
    uint32_t kind;
    /**
     * 0: a later version may give it a meaning.
     */
    uint32_t reserved;
    /**
     * The group's or the member's number.
     */
    uint64_t id;
} oyez_row;

/**
 * How many members a group has. Since 0.1.
 */
typedef struct oyez_group_count {
    /**
     * The group's number.
     */
    uint64_t group;
    /**
     * Members in it.
     */
    size_t members;
} oyez_group_count;

/**
 * A range of rows. Since 0.1.
 */
typedef struct oyez_window {
    /**
     * The first row.
     */
    size_t first;
    /**
     * The last row, part of the window.
     */
    size_t last;
} oyez_window;

/**
 * Counters of a list. Starts as OYEZ_LIST_STATS_INIT. Since 0.1.
 */
typedef struct oyez_list_stats {
    /**
     * `sizeof(oyez_list_stats)`.
     */
    size_t struct_size;
    /**
     * Members in the list.
     */
    size_t members;
    /**
     * Headers and members.
     */
    size_t rows;
    /**
     * Viewers with windows.
     */
    size_t viewers;
    /**
     * View groups: distinct sets of windows.
     */
    size_t view_groups;
    /**
     * Flushes so far.
     */
    uint64_t flushes;
    /**
     * OYEZ_OP_SYNCs so far, one for each view group that an update is for.
     */
    uint64_t syncs;
    /**
     * Rows in them.
     */
    uint64_t synced_rows;
} oyez_list_stats;

/**
 * One thing a client does to its array of rows. Since 0.1.
 */
typedef struct oyez_list_op {
    /**
     * OYEZ_OP_SYNC or OYEZ_OP_INVALIDATE.
     */
    uint32_t kind;
    /**
     * 0: a later version may give it a meaning.
     */
    uint32_t reserved;
    /**
     * The first row of the window.
     */
    size_t first;
    /**
     * The last row of the window, part of it.
     */
    size_t last;
    /**
     * OYEZ_OP_SYNC: the rows, from `first` on; NULL when there are none.
     */
    const struct oyez_row *rows;
    /**
     * Their number.
     */
    size_t rows_count;
} oyez_list_op;

/**
 * What one view group, all viewers with the same windows, is told: encode once, send to each. Since 0.1.
 */
typedef struct oyez_update {
    /**
     * The viewers, in order.
     */
    const uint64_t *viewers;
    /**
     * Their number.
     */
    size_t viewers_count;
    /**
     * What each of them does, in order.
     */
    const struct oyez_list_op *ops;
    /**
     * Their number.
     */
    size_t ops_count;
} oyez_update;

/**
 * Done. Since 0.1.
 */
#define OYEZ_OK 0

/**
 * A pointer that the call needs is NULL. Nothing has changed. Since 0.1.
 */
#define OYEZ_NULL (-1)

/**
 * A number is out of its range, or a `struct_size` is wrong. Nothing has changed. Since 0.1.
 */
#define OYEZ_INVALID (-2)

/**
 * What the call names is not there: a session that has disconnected, a key, a member, a rank. Since 0.1.
 */
#define OYEZ_NOT_FOUND (-3)

/**
 * The buffer has no room for everything: it was filled, and the total says how much there is. Since 0.1.
 */
#define OYEZ_SHORT_BUFFER (-4)

/**
 * A panic was stopped. In a callback's code: the call went on and its results tell. In ours, a bug: what the call had
 * in hand answers OYEZ_POISONED from then on. Since 0.1.
 */
#define OYEZ_PANIC (-5)

/**
 * A bug in the library has left this object half changed. It can be freed, nothing else. Since 0.1.
 */
#define OYEZ_POISONED (-6)

/**
 * In other hands at this moment: a worker or an outbox that another call is using, or that there is already. Since
 * 0.1.
 */
#define OYEZ_BUSY (-7)

/**
 * It was so already: the key is in the set, the session is subscribed. The results are told. Since 0.1.
 */
#define OYEZ_ALREADY (-8)

/**
 * As many as there may be: sessions, topics, members, viewers, windows, keys. Nothing has changed. Since 0.1.
 */
#define OYEZ_FULL (-9)

/**
 * A payload, a collation key or a window is larger than it may be. Nothing has changed. Since 0.1.
 */
#define OYEZ_TOO_LARGE (-10)

/**
 * The keys do not ascend strictly. Nothing was built. Since 0.1.
 */
#define OYEZ_NOT_SORTED (-11)

/**
 * The fan-out is closed; for who waits, everything is handed over too. Since 0.1.
 */
#define OYEZ_CLOSED (-12)

/**
 * The session was not handed an event of this sequence. Nothing has changed. Since 0.1.
 */
#define OYEZ_NOT_HANDED_OVER (-13)

/**
 * There is no partition of this number. Since 0.1.
 */
#define OYEZ_NO_PARTITION (-14)

/**
 * The list was made without this group. Since 0.1.
 */
#define OYEZ_NO_GROUP (-15)

/**
 * The session was not subscribed. Since 0.1.
 */
#define OYEZ_NOT_SUBSCRIBED (-16)

/**
 * The partition's budget has no room for what would come along. Nothing has changed. Since 0.1.
 */
#define OYEZ_OVER_BUDGET (-17)

/**
 * Nothing to drain now. Since 0.1.
 */
#define OYEZ_PENDING (-18)

/**
 * A validation found a bug in the library. Since 0.1.
 */
#define OYEZ_BROKEN (-19)

/**
 * A callback has said that it failed. The call went on, and its results tell. Since 0.1.
 */
#define OYEZ_FAILED (-20)

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `OYEZ_VERSION_NUMBER` of the library that is loaded. O(1), from any thread. Since 0.1.
 */
uint32_t oyez_version_number(void);

/**
 * The version of the library that is loaded, as in "0.1.0". The text is static. O(1), from any thread. Since 0.1.
 */
const char *oyez_version_string(void);

/**
 * `OYEZ_ABI_VERSION` of the library that is loaded. O(1), from any thread. Since 0.1.
 */
uint32_t oyez_abi_version(void);

/**
 * Says what a status means, in English. Takes any number and never fails; the text is static. O(1), from any thread.
 * Since 0.1.
 */
const char *oyez_status_str(oyez_status status);

/**
 * Makes an empty set. O(1). From any thread. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL. Otherwise `*set` is the new set, or NULL if there is none; the caller frees it.
 */
oyez_status oyez_set_new(struct oyez_set **set);

/**
 * Makes a set of keys that ascend strictly. O(n), and much faster than inserting them. From any thread. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL, or `keys` is and `count` is not 0. OYEZ_NOT_SORTED: `*at` is the index of the first key
 * that is not greater than the one before it. OYEZ_FULL: 2^32 - 1 keys or more. `*set` is the new set, or NULL if
 * there is none; the caller frees it. `at` may be NULL.
 */
oyez_status oyez_set_from_sorted(const uint64_t *keys, size_t count, struct oyez_set **set, size_t *at);

/**
 * Frees a set; NULL is nothing. O(n). No other call may have it. Since 0.1.
 */
void oyez_set_free(struct oyez_set *set);

/**
 * Inserts a key and tells its rank. O(log n). Exclusive. Since 0.1.
 *
 * OYEZ_ALREADY: the key was there, at `*rank`. OYEZ_FULL: the set has 2^32 - 2 keys. OYEZ_NULL: `set` is NULL. `rank`
 * may be NULL.
 */
oyez_status oyez_set_insert(struct oyez_set *set, uint64_t key, size_t *rank);

/**
 * Inserts many keys, in any order; those that are there stay. O(log n) each. Exclusive. Since 0.1.
 *
 * `*added` is how many were new. OYEZ_FULL: the set is full, and the rest was not inserted. OYEZ_NULL: `set` is NULL,
 * or `keys` is and `count` is not 0. `added` may be NULL.
 */
oyez_status oyez_set_insert_many(struct oyez_set *set, const uint64_t *keys, size_t count, size_t *added);

/**
 * Removes a key and tells the rank it had. O(log n). Exclusive. Since 0.1.
 *
 * OYEZ_NOT_FOUND: the key was not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL. `rank` may be
 * NULL.
 */
oyez_status oyez_set_remove(struct oyez_set *set, uint64_t key, size_t *rank);

/**
 * Tells the rank of a key, which is the number of keys before it. O(log n). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: the key is not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL. `rank` may be
 * NULL.
 */
oyez_status oyez_set_rank(const struct oyez_set *set, uint64_t key, size_t *rank);

/**
 * Tells the key of a rank. O(log n). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: `rank` is not below the number of keys; `*key` is 0. OYEZ_NULL: `set` is NULL. `key` may be NULL.
 */
oyez_status oyez_set_select(const struct oyez_set *set, size_t rank, uint64_t *key);

/**
 * Copies the keys of the ranks from `start` to below `end` into a buffer. O(log n), then O(1) a key. Concurrent. Since
 * 0.1.
 *
 * What lies beyond the last rank is left out. `*total` is how many keys there are in the range, `*written` how many
 * had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or `out` is and `capacity` is not 0. `written` and
 * `total` may be NULL.
 */
oyez_status oyez_set_slice(const struct oyez_set *set,
                           size_t start,
                           size_t end,
                           uint64_t *out,
                           size_t capacity,
                           size_t *written,
                           size_t *total);

/**
 * Copies the keys from `first` to `last`, both included, into a buffer; the rank of the first of them is that of
 * `first`. O(log n), then O(1) a key. Concurrent. Since 0.1.
 *
 * Answers as `oyez_set_slice`; a range that ends before it starts is empty.
 */
oyez_status oyez_set_range(const struct oyez_set *set,
                           uint64_t first,
                           uint64_t last,
                           uint64_t *out,
                           size_t capacity,
                           size_t *written,
                           size_t *total);

/**
 * Writes for each of `count` keys whether it is there, 1 or 0, to `found`, which has room for `count`. O(log n) each.
 * Concurrent. Since 0.1.
 *
 * `*found_count` is the number of ones; after a refusal there is none. OYEZ_NULL: `set` is NULL, or `keys` or `found`
 * is and `count` is not 0. `found_count` may be NULL.
 */
oyez_status oyez_set_contains_many(const struct oyez_set *set,
                                   const uint64_t *keys,
                                   size_t count,
                                   uint8_t *found,
                                   size_t *found_count);

/**
 * Tells the number of keys. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL. `len` may be NULL.
 */
oyez_status oyez_set_len(const struct oyez_set *set, size_t *len);

/**
 * Removes all keys. O(n). Exclusive. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL.
 */
oyez_status oyez_set_clear(struct oyez_set *set);

/**
 * Checks the structure of a set. O(n). Concurrent. For tests. Since 0.1.
 *
 * OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the set, and is NULL otherwise.
 * OYEZ_NULL: `set` is NULL. `reason` may be NULL.
 */
oyez_status oyez_set_validate(const struct oyez_set *set, const char **reason);

/**
 * Makes an empty set. O(1). From any thread. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL. Otherwise `*set` is the new set, or NULL if there is none; the caller frees it.
 */
oyez_status oyez_byteset_new(struct oyez_byteset **set);

/**
 * Makes a set of keys that ascend strictly. O(n), and much faster than inserting them. From any thread. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL, or `keys` is and `count` is not 0, or one of the keys. OYEZ_NOT_SORTED: `*at` is the index
 * of the first key that is not greater than the one before it. OYEZ_FULL: 2^32 - 1 keys or more. `*set` is the new
 * set, or NULL if there is none; the caller frees it. `at` may be NULL.
 */
oyez_status oyez_byteset_from_sorted(const struct oyez_bytes *keys,
                                     size_t count,
                                     struct oyez_byteset **set,
                                     size_t *at);

/**
 * Frees a set; NULL is nothing. O(n). No other call may have it. Since 0.1.
 */
void oyez_byteset_free(struct oyez_byteset *set);

/**
 * Inserts a copy of a key and tells its rank. O(log n). Exclusive. Since 0.1.
 *
 * OYEZ_ALREADY: the key was there, at `*rank`. OYEZ_FULL: the set has 2^32 - 2 keys. OYEZ_NULL: `set` is NULL, or
 * `key` is and `key_len` is not 0. `rank` may be NULL.
 */
oyez_status oyez_byteset_insert(struct oyez_byteset *set, const uint8_t *key, size_t key_len, size_t *rank);

/**
 * Inserts many keys, in any order; those that are there stay. O(log n) each. Exclusive. Since 0.1.
 *
 * `*added` is how many were new. OYEZ_FULL: the set is full, and the rest was not inserted. OYEZ_NULL: `set` is NULL,
 * or `keys` is and `count` is not 0. `added` may be NULL.
 */
oyez_status oyez_byteset_insert_many(struct oyez_byteset *set,
                                     const struct oyez_bytes *keys,
                                     size_t count,
                                     size_t *added);

/**
 * Removes a key and tells the rank it had. O(log n). Exclusive. Since 0.1.
 *
 * OYEZ_NOT_FOUND: the key was not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL, or `key` is
 * and `key_len` is not 0. `rank` may be NULL.
 */
oyez_status oyez_byteset_remove(struct oyez_byteset *set, const uint8_t *key, size_t key_len, size_t *rank);

/**
 * Tells the rank of a key, which is the number of keys before it. O(log n). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: the key is not there; `*rank` is the rank it would have. OYEZ_NULL: `set` is NULL, or
 * `key` is and `key_len` is not 0. `rank` may be NULL.
 */
oyez_status oyez_byteset_rank(const struct oyez_byteset *set, const uint8_t *key, size_t key_len, size_t *rank);

/**
 * Tells the key of a rank. O(log n). Concurrent. Since 0.1.
 *
 * `*key` points into the set, until the set changes. OYEZ_NOT_FOUND: `rank` is not below the number of keys.
 * OYEZ_NULL: `set` is NULL. `key` may be NULL.
 */
oyez_status oyez_byteset_select(const struct oyez_byteset *set, size_t rank, struct oyez_bytes *key);

/**
 * Fills a buffer with the keys of the ranks from `start` to below `end`. O(log n), then O(1) a key. Concurrent. Since
 * 0.1.
 *
 * They point into the set, until the set changes. What lies beyond the last rank is left out. `*total` is how many
 * keys there are in the range, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or
 * `out` is and `capacity` is not 0. `written` and `total` may be NULL.
 */
oyez_status oyez_byteset_slice(const struct oyez_byteset *set,
                               size_t start,
                               size_t end,
                               struct oyez_bytes *out,
                               size_t capacity,
                               size_t *written,
                               size_t *total);

/**
 * Copies the keys of the ranks from `start` to below `end` into a buffer, one behind the other, and to `ends` where
 * in it each of them ends. O(log n), then O(1) a key and its bytes. Concurrent. Since 0.1.
 *
 * For hosts that cannot keep the set as it is while they read: nothing points into it. What lies beyond the last rank
 * is left out. `*total` is how many keys there are in the range and `*bytes` how many bytes in all, `*written` how
 * many keys had room, whole, and a place in `ends`. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `set` is NULL, or `out` or
 * `ends` is and its capacity is not 0. `written`, `total` and `bytes` may be NULL.
 */
oyez_status oyez_byteset_copy(const struct oyez_byteset *set,
                              size_t start,
                              size_t end,
                              uint8_t *out,
                              size_t capacity,
                              size_t *ends,
                              size_t ends_capacity,
                              size_t *written,
                              size_t *total,
                              size_t *bytes);

/**
 * Fills a buffer with the keys from `first` to `last`, both included; the rank of the first of them is that of
 * `first`. O(log n), then O(1) a key. Concurrent. Since 0.1.
 *
 * Answers as `oyez_byteset_slice`; a range that ends before it starts is empty.
 */
oyez_status oyez_byteset_range(const struct oyez_byteset *set,
                               const uint8_t *first,
                               size_t first_len,
                               const uint8_t *last,
                               size_t last_len,
                               struct oyez_bytes *out,
                               size_t capacity,
                               size_t *written,
                               size_t *total);

/**
 * Writes for each of `count` keys whether it is there, 1 or 0, to `found`, which has room for `count`. O(log n) each.
 * Concurrent. Since 0.1.
 *
 * `*found_count` is the number of ones; after a refusal there is none. OYEZ_NULL: `set` is NULL, or `keys` or `found`
 * is and `count` is not 0, or one of the keys is. `found_count` may be NULL.
 */
oyez_status oyez_byteset_contains_many(const struct oyez_byteset *set,
                                       const struct oyez_bytes *keys,
                                       size_t count,
                                       uint8_t *found,
                                       size_t *found_count);

/**
 * Tells the number of keys. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL. `len` may be NULL.
 */
oyez_status oyez_byteset_len(const struct oyez_byteset *set, size_t *len);

/**
 * Removes all keys. O(n). Exclusive. Since 0.1.
 *
 * OYEZ_NULL: `set` is NULL.
 */
oyez_status oyez_byteset_clear(struct oyez_byteset *set);

/**
 * Checks the structure of a set. O(n). Concurrent. For tests. Since 0.1.
 *
 * OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the set, and is NULL otherwise.
 * OYEZ_NULL: `set` is NULL. `reason` may be NULL.
 */
oyez_status oyez_byteset_validate(const struct oyez_byteset *set, const char **reason);

/**
 * Makes a fan-out without sessions. Starts no thread. O(partitions). From any thread. Since 0.1.
 *
 * `options` may be NULL for the defaults. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: no partition or too many, a
 * choice that there is not, or the size in `options` is wrong. `*fanout` is the new fan-out, or NULL if there is none;
 * the caller frees it.
 */
oyez_status oyez_fanout_new(const struct oyez_fanout_options *options, struct oyez_fanout **fanout);

/**
 * Frees a fan-out; NULL is nothing. What it holds is freed with the last of its workers and outboxes: O(n) then, O(1)
 * before. No other call may have it. Since 0.1.
 */
void oyez_fanout_free(struct oyez_fanout *fanout);

/**
 * Connects a session to a partition. It gets no event published before. Amortised O(log n). Concurrent. Since 0.1.
 *
 * `options` may be NULL for the defaults. `*session` is its handle, 0 if it was refused. OYEZ_NO_PARTITION, OYEZ_FULL:
 * it was. OYEZ_INVALID: the size in `options` is wrong. OYEZ_NULL: `fanout` or `session` is NULL.
 */
oyez_status oyez_fanout_connect(const struct oyez_fanout *fanout,
                                uint32_t partition_id,
                                const struct oyez_session_options *options,
                                uint64_t *session);

/**
 * Ends a session: its handle is unknown from here on, and what is pending for it is discarded. O(log n) for each of
 * its topics, O(1) for each event that is pending or in its partition's log. Concurrent. Since 0.1.
 *
 * `*topics` is how many it was subscribed to. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `topics`
 * may be NULL.
 */
oyez_status oyez_fanout_disconnect(const struct oyez_fanout *fanout, uint64_t session_id, size_t *topics);

/**
 * Ends all sessions of a partition, as if each had disconnected. O(log n) for each subscription; publishers wait.
 * Concurrent. Since 0.1.
 *
 * `*sessions` is their number. OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout` is NULL. `sessions` may be
 * NULL.
 */
oyez_status oyez_fanout_drop_partition(const struct oyez_fanout *fanout, uint32_t partition_id, size_t *sessions);

/**
 * Moves a session to another partition, with its handle, its topics and what is pending for it. O(log n) for each of
 * its topics, O(1) for each event that goes along; publishers wait. Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session. OYEZ_NO_PARTITION: no such partition. OYEZ_FULL, OYEZ_OVER_BUDGET: it has no room.
 * OYEZ_BUSY: a callback has the session's batch in hand, or it has an outbox. OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_move(const struct oyez_fanout *fanout, uint64_t session_id, uint32_t partition_id);

/**
 * Tells the partition of a session. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session; `*partition` is 0. OYEZ_NULL: `fanout` is NULL. `partition` may be NULL.
 */
oyez_status oyez_fanout_partition_of(const struct oyez_fanout *fanout, uint64_t session_id, uint32_t *partition);

/**
 * Subscribes a session to a topic. O(log n) in the topic's subscribers, O(t) in the session's topics. Concurrent.
 * Since 0.1.
 *
 * Every event of the topic with a sequence greater than `*after` is for this session: a host that sends its state as
 * of then leaves no hole. OYEZ_ALREADY: it was subscribed before. OYEZ_NOT_FOUND: no such session. OYEZ_FULL: it has
 * as many topics as it may have. OYEZ_NULL: `fanout` is NULL. `after` may be NULL.
 */
oyez_status oyez_fanout_subscribe(const struct oyez_fanout *fanout,
                                  uint64_t session_id,
                                  uint64_t topic,
                                  uint64_t *after);

/**
 * Ends a subscription. Events accepted before are still delivered. O(log n) in the topic's subscribers, O(t) in the
 * session's topics. Concurrent. Since 0.1.
 *
 * OYEZ_NOT_SUBSCRIBED: there was none. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_unsubscribe(const struct oyez_fanout *fanout, uint64_t session_id, uint64_t topic);

/**
 * Ends a subscription and discards what is pending from that topic alone. O(n) in what is pending for the session,
 * beside the cost of `oyez_fanout_unsubscribe`. Concurrent. Since 0.1.
 *
 * `*discarded` is the number of those events. Answers as `oyez_fanout_unsubscribe`. `discarded` may be NULL.
 */
oyez_status oyez_fanout_unsubscribe_discarding(const struct oyez_fanout *fanout,
                                               uint64_t session_id,
                                               uint64_t topic,
                                               size_t *discarded);

/**
 * Tells the number of subscribers of a topic. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` is NULL. `len` may be NULL.
 */
oyez_status oyez_fanout_topic_len(const struct oyez_fanout *fanout, uint64_t topic, size_t *len);

/**
 * Copies the topics of a session, in order, into a buffer. O(t) in their number. Concurrent. Since 0.1.
 *
 * `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NOT_FOUND: no such
 * session. OYEZ_NULL: `fanout` is NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
 */
oyez_status oyez_fanout_topics_of(const struct oyez_fanout *fanout,
                                  uint64_t session_id,
                                  uint64_t *out,
                                  size_t capacity,
                                  size_t *written,
                                  size_t *total);

/**
 * Tells how many sessions a query means: exactly those that an event published now would be for. O(n) in them.
 * Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` or `query` is NULL, or one of the arrays is and its count is not 0. OYEZ_INVALID: the size in
 * `query` is wrong. `count` may be NULL.
 */
oyez_status oyez_fanout_audience_count(const struct oyez_fanout *fanout, const struct oyez_query *query, size_t *count);

/**
 * Copies the sessions that a query means into a buffer, those of a partition together. O(n) in them. Concurrent. Since
 * 0.1.
 *
 * `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: as
 * `oyez_fanout_audience_count`, or `out` is NULL and `capacity` is not 0. OYEZ_INVALID: the size in `query` is wrong.
 * `written` and `total` may be NULL.
 */
oyez_status oyez_fanout_audience(const struct oyez_fanout *fanout,
                                 const struct oyez_query *query,
                                 uint64_t *out,
                                 size_t capacity,
                                 size_t *written,
                                 size_t *total);

/**
 * Tells whether a session is in a query's audience, and which rule keeps it out. O(topics of the query). Concurrent.
 * Since 0.1.
 *
 * `*verdict` is OYEZ_VERDICT_INCLUDED, and `*topic` the first topic that it is subscribed to; or OYEZ_VERDICT_EXCLUDED
 * or OYEZ_VERDICT_UNSUBSCRIBED. After a refusal both are 0. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: as
 * `oyez_fanout_audience_count`. OYEZ_INVALID: the size in `query` is wrong. `verdict` and `topic` may be NULL.
 */
oyez_status oyez_fanout_explain(const struct oyez_fanout *fanout,
                                uint64_t session_id,
                                const struct oyez_query *query,
                                uint32_t *verdict,
                                uint64_t *topic);

/**
 * Tells what became of an event for a session. O(log n) in the recent events, O(n) in the session's queue. Concurrent.
 * Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `fate` may be NULL.
 */
oyez_status oyez_fanout_fate(const struct oyez_fanout *fanout,
                             uint64_t session_id,
                             uint64_t sequence,
                             struct oyez_fate *fate);

/**
 * Accepts an event for every session that the query means. Never waits for a session or a worker. O(partitions) for
 * one topic, and O(1) for each session of a partition that has few in it; several topics are merged. Copies the
 * payload once, if it is accepted. Concurrent. Since 0.1.
 *
 * `receipt` says for how many it was accepted, and who ended for it; NULL if nobody wants to know. After a refusal it
 * is empty. OYEZ_TOO_LARGE: the payload is. OYEZ_CLOSED: the fan-out is. OYEZ_NULL: `fanout`, `query` or `event` is
 * NULL, or an array in them is and its count is not 0. OYEZ_INVALID: a size in them is wrong, the class is not below
 * 64, or `reserved` is not 0.
 */
oyez_status oyez_fanout_publish(const struct oyez_fanout *fanout,
                                const struct oyez_query *query,
                                const struct oyez_event *event,
                                struct oyez_receipt *receipt);

/**
 * Takes in no more events. What was accepted is still drained; a worker that waits is told OYEZ_CLOSED once all of it
 * is handed over. O(partitions). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_close(const struct oyez_fanout *fanout);

/**
 * Tells whether a fan-out is open: OYEZ_OK, or OYEZ_CLOSED. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_is_open(const struct oyez_fanout *fanout);

/**
 * The client of a session with a window has every event up to this sequence: it is not kept any longer, and new events
 * are offered in its place. O(1) for each of them. Concurrent. Since 0.1.
 *
 * `*acknowledged` is how many events are new to us as acknowledged. OYEZ_NOT_HANDED_OVER: the session was handed
 * nothing of this sequence. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `acknowledged` may be NULL.
 */
oyez_status oyez_fanout_acknowledge(const struct oyez_fanout *fanout,
                                    uint64_t session_id,
                                    uint64_t through,
                                    size_t *acknowledged);

/**
 * A session's connection broke: it keeps its topics and its place, and is offered nothing until it resumes. O(1).
 * Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_park(const struct oyez_fanout *fanout, uint64_t session_id);

/**
 * A session is back on a new connection, and its client has every event up to `acknowledged`, 0 for none that is known
 * of. What it was handed and has not acknowledged comes again, if it has a window, then what waited meanwhile, with
 * gaps in their places. O(1) for each event acknowledged. Concurrent. Since 0.1.
 *
 * `*again` is how many events come again, `*pending` how many wait behind them. Answers as `oyez_fanout_acknowledge`;
 * the session stays parked when it is refused. `again` and `pending` may be NULL.
 */
oyez_status oyez_fanout_resume(const struct oyez_fanout *fanout,
                               uint64_t session_id,
                               uint64_t acknowledged,
                               size_t *again,
                               size_t *pending);

/**
 * A session that did not take all it was offered can take more: what is pending comes with the next drain. O(1).
 * Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
 */
oyez_status oyez_fanout_writable(const struct oyez_fanout *fanout, uint64_t session_id);

/**
 * Checks every invariant of a fan-out. Only while no worker's callback runs. O(n log n). For tests. Since 0.1.
 *
 * OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the fan-out, and is NULL
 * otherwise. OYEZ_NULL: `fanout` is NULL. `reason` may be NULL.
 */
oyez_status oyez_fanout_validate(const struct oyez_fanout *fanout, const char **reason);

/**
 * Makes an empty receipt. O(1). From any thread. Since 0.1.
 *
 * OYEZ_NULL: `receipt` is NULL. Otherwise `*receipt` is the caller's to free.
 */
oyez_status oyez_receipt_new(struct oyez_receipt **receipt);

/**
 * Frees a receipt; NULL is nothing. O(1). No other call may have it. Since 0.1.
 */
void oyez_receipt_free(struct oyez_receipt *receipt);

/**
 * Tells the numbers of the last publish that filled this receipt. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `receipt` is NULL. OYEZ_INVALID: the size in `counts` is wrong. `counts` may be NULL.
 */
oyez_status oyez_receipt_read(const struct oyez_receipt *receipt, struct oyez_receipt_counts *counts);

/**
 * Copies the partitions that refused the event into a buffer. O(their number). Concurrent. Since 0.1.
 *
 * `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `receipt` is
 * NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
 */
oyez_status oyez_receipt_refused(const struct oyez_receipt *receipt,
                                 uint32_t *out,
                                 size_t capacity,
                                 size_t *written,
                                 size_t *total);

/**
 * Copies the sessions that ended for the event into a buffer. O(their number). Concurrent. Since 0.1.
 *
 * Answers as `oyez_receipt_refused`.
 */
oyez_status oyez_receipt_overflowed(const struct oyez_receipt *receipt,
                                    uint64_t *out,
                                    size_t capacity,
                                    size_t *written,
                                    size_t *total);

/**
 * Makes the worker of a partition. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_BUSY: the partition has one, which was not freed yet. OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout`
 * or `worker` is NULL. `*worker` is the new worker, or NULL if there is none; the caller frees it.
 */
oyez_status oyez_worker_new(const struct oyez_fanout *fanout, uint32_t partition_id, struct oyez_worker **worker);

/**
 * Frees a worker; NULL is nothing. O(1). No other call may have it; not from within its callback. Since 0.1.
 */
void oyez_worker_free(struct oyez_worker *worker);

/**
 * Offers a batch to at most `sessions_max` sessions that have something pending, each at most once, by calling `host`
 * with `userdata`, and books what it took. No lock is held meanwhile. O(items handed over), O(places / 64) for each
 * event for many sessions. Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
 *
 * A drain takes along at most 32 events for many sessions: `drained->ready` is not 0 then, and the next drain goes on.
 * OYEZ_PANIC: a callback in Rust panicked; OYEZ_FAILED: none did, but one returned OYEZ_TOOK_FAILED. The drain went on
 * then, and nothing is poisoned. OYEZ_BUSY: another call has the worker. OYEZ_NULL: `worker` or `host` is NULL.
 * OYEZ_INVALID: the size in `drained` is wrong. `drained` may be NULL.
 */
oyez_status oyez_worker_drain(struct oyez_worker *worker,
                              size_t sessions_max,
                              oyez_drain_fn host,
                              void *userdata,
                              struct oyez_drained *drained);

/**
 * Copies the sessions that ended in the last drain into a buffer. O(their number). Concurrent, or OYEZ_BUSY. Since
 * 0.1.
 *
 * `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_BUSY: another call
 * has the worker. OYEZ_NULL: `worker` is NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
 */
oyez_status oyez_worker_overflowed(const struct oyez_worker *worker,
                                   uint64_t *out,
                                   size_t capacity,
                                   size_t *written,
                                   size_t *total);

/**
 * Copies the sessions whose callbacks panicked or failed in the last drain into a buffer. O(their number).
 * Concurrent, or OYEZ_BUSY. Since 0.1.
 *
 * Answers as `oyez_worker_overflowed`.
 */
oyez_status oyez_worker_panicked(const struct oyez_worker *worker,
                                 uint64_t *out,
                                 size_t capacity,
                                 size_t *written,
                                 size_t *total);

/**
 * Blocks the thread until there is something to drain (OYEZ_OK), or the fan-out is closed and all is handed over, but
 * to sessions that are parked or read through an outbox (OYEZ_CLOSED). For a host with a thread for each partition.
 * O(1) before and after. Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
 *
 * There is no limit to how long it waits, since the library has no clock: a host that wants one polls, and waits
 * itself to be woken. It takes the place of an earlier poll, whose `wake` is not called then. OYEZ_BUSY: another call
 * has the worker. OYEZ_NULL: `worker` is NULL.
 */
oyez_status oyez_worker_wait(struct oyez_worker *worker);

/**
 * Tells whether there is something to drain (OYEZ_OK), without blocking; if not (OYEZ_PENDING), `wake` is called with
 * `userdata` once there is, or once the fan-out is closed and all is handed over (OYEZ_CLOSED). For a host with an
 * event loop. It takes the place of an earlier poll's. O(1). Exclusive, or OYEZ_BUSY; from any thread. Since 0.1.
 *
 * `release` is called with `userdata` exactly once, whatever the answer, and last: before the call returns, or after
 * `wake` was called, or when another poll, `oyez_worker_wait` or `oyez_worker_free` has put an end to it. Another
 * thread may call `wake`, and then `release`, before this call returns; and when it was about to as the worker was
 * freed, after `oyez_worker_free` has returned. So `userdata` must live until `release`, must not own the worker, and
 * `wake` must not use the worker: it wakes a thread that does. OYEZ_BUSY: another call has the worker. OYEZ_NULL:
 * `worker` is NULL. `wake` and `release` may be NULL.
 */
oyez_status oyez_worker_poll(struct oyez_worker *worker, oyez_wake_fn wake, void *userdata, oyez_release_fn release);

/**
 * Makes an outbox for a session; the worker passes the session by until it is freed. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_BUSY: the session has one, or a callback has its batch in hand. OYEZ_NOT_FOUND: no such session. OYEZ_NULL:
 * `fanout` or `outbox` is NULL. `*outbox` is the new outbox, or NULL if there is none; the caller frees it.
 */
oyez_status oyez_outbox_new(const struct oyez_fanout *fanout, uint64_t session_id, struct oyez_outbox **outbox);

/**
 * Frees an outbox; NULL is nothing. O(1). No other call may have it. Since 0.1.
 */
void oyez_outbox_free(struct oyez_outbox *outbox);

/**
 * Takes at most `events_max` events, and the gaps among them, which counts as delivered. O(items). Exclusive: from any
 * thread, once the batch before has been read. Since 0.1.
 *
 * `*items` and `*count` are what was taken, and live until `oyez_outbox_next_batch` is called again, by whichever
 * thread, or the outbox is freed; none when nothing is pending, the session is parked, or its window is full.
 * OYEZ_NOT_FOUND: the session has disconnected. OYEZ_BUSY: another thread is in this call, and its batch is whole;
 * once it has returned, nothing could tell that the batch is still being read. OYEZ_NULL: `outbox`, `items` or `count`
 * is NULL.
 */
oyez_status oyez_outbox_next_batch(struct oyez_outbox *outbox,
                                   size_t events_max,
                                   const struct oyez_item **items,
                                   size_t *count);

/**
 * Tells the session that an outbox reads. O(1). Concurrent, also beside `oyez_outbox_next_batch`. Since 0.1.
 *
 * OYEZ_NULL: `outbox` is NULL. `session` may be NULL.
 */
oyez_status oyez_outbox_session(const struct oyez_outbox *outbox, uint64_t *session);

/**
 * Counts a whole fan-out. O(partitions). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `stats` is wrong. `stats` may be NULL.
 */
oyez_status oyez_fanout_stats(const struct oyez_fanout *fanout, struct oyez_stats *stats);

/**
 * Counts one partition. O(partitions). Concurrent. Since 0.1.
 *
 * OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `stats` is wrong.
 * `stats` may be NULL.
 */
oyez_status oyez_fanout_partition_stats(const struct oyez_fanout *fanout,
                                        uint32_t partition_id,
                                        struct oyez_partition_stats *stats);

/**
 * Tells where every event accepted for any session went. O(partitions). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `accounting` is wrong. `accounting` may be NULL.
 */
oyez_status oyez_fanout_accounting(const struct oyez_fanout *fanout, struct oyez_accounting *accounting);

/**
 * Tells where every event accepted for one session went. O(events in its partition's log). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: the size in `accounting` is wrong.
 * `accounting` may be NULL.
 */
oyez_status oyez_fanout_session_accounting(const struct oyez_fanout *fanout,
                                           uint64_t session_id,
                                           struct oyez_accounting *accounting);

/**
 * Makes an empty list with these groups, top to bottom. O(groups log groups). From any thread. Since 0.1.
 *
 * `options` may be NULL for the defaults. OYEZ_NULL: `list` is NULL, or `groups` is and `count` is not 0.
 * OYEZ_INVALID: a group is named twice, or the size in `options` is wrong. `*list` is the new list, or NULL if there
 * is none; the caller frees it.
 */
oyez_status oyez_member_list_new(const uint64_t *groups,
                                 size_t count,
                                 const struct oyez_member_list_options *options,
                                 struct oyez_member_list **list);

/**
 * Frees a list; NULL is nothing. O(n). No other call may have it. Since 0.1.
 */
void oyez_member_list_free(struct oyez_member_list *list);

/**
 * Puts a member into a group with this collation key, or moves it there. O(log n + groups). Exclusive. Since 0.1.
 *
 * OYEZ_NO_GROUP: no such group. OYEZ_TOO_LARGE: the key is. OYEZ_FULL: the list is. OYEZ_NULL: `list` is NULL, or
 * `collation` is and `collation_len` is not 0. `upserted` may be NULL.
 */
oyez_status oyez_member_list_upsert(struct oyez_member_list *list,
                                    uint64_t member,
                                    uint64_t group,
                                    const uint8_t *collation,
                                    size_t collation_len,
                                    struct oyez_upserted *upserted);

/**
 * Moves a member to another group; it keeps its collation key. O(log n + groups). Exclusive. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such member. OYEZ_NO_GROUP: no such group. OYEZ_NULL: `list` is NULL. `upserted` may be NULL.
 */
oyez_status oyez_member_list_regroup(struct oyez_member_list *list,
                                     uint64_t member,
                                     uint64_t group,
                                     struct oyez_upserted *upserted);

/**
 * Takes a member out and tells the row it had. O(log n + groups). Exclusive. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such member. OYEZ_NULL: `list` is NULL. `row` may be NULL.
 */
oyez_status oyez_member_list_remove(struct oyez_member_list *list, uint64_t member, size_t *row);

/**
 * Tells the row of a member. O(log n + groups). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such member; `*row` is 0. OYEZ_NULL: `list` is NULL. `row` may be NULL.
 */
oyez_status oyez_member_list_row_of(const struct oyez_member_list *list, uint64_t member, size_t *row);

/**
 * Tells the group of a member. O(1). Concurrent. Since 0.1.
 *
 * OYEZ_NOT_FOUND: no such member; `*group` is 0. OYEZ_NULL: `list` is NULL. `group` may be NULL.
 */
oyez_status oyez_member_list_group_of(const struct oyez_member_list *list, uint64_t member, uint64_t *group);

/**
 * Tells the number of rows: headers and members. O(groups). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `list` is NULL. `count` may be NULL.
 */
oyez_status oyez_member_list_row_count(const struct oyez_member_list *list, size_t *count);

/**
 * Copies the rows from `start` to below `end` into a buffer. O(log n + groups), then O(1) a row. Concurrent. Since
 * 0.1.
 *
 * What lies beyond the last row is left out. `*total` is how many rows there are in the range, `*written` how many had
 * room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `list` is NULL, or `out` is and `capacity` is not 0. `written` and
 * `total` may be NULL.
 */
oyez_status oyez_member_list_rows(const struct oyez_member_list *list,
                                  size_t start,
                                  size_t end,
                                  struct oyez_row *out,
                                  size_t capacity,
                                  size_t *written,
                                  size_t *total);

/**
 * Copies the groups that are not empty, top to bottom, with their numbers of members, into a buffer. O(groups).
 * Concurrent. Since 0.1.
 *
 * `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: `list` is NULL,
 * or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
 */
oyez_status oyez_member_list_counts(const struct oyez_member_list *list,
                                    struct oyez_group_count *out,
                                    size_t capacity,
                                    size_t *written,
                                    size_t *total);

/**
 * Replaces a viewer's windows, and fills `flush` with what the viewer must do: forget the rows that are in no window
 * any more, take those that it does not have; and with the counts. No windows end the viewer. O(log view groups + rows
 * of the windows). Exclusive. Since 0.1.
 *
 * OYEZ_INVALID: a window ends before it starts. OYEZ_TOO_LARGE: a window has too many rows. OYEZ_FULL: too many
 * windows, or viewers. The viewer keeps the windows it had then, and `flush` is empty. OYEZ_NULL: `list` or `flush` is
 * NULL, or `windows` is and `count` is not 0.
 */
oyez_status oyez_member_list_set_windows(struct oyez_member_list *list,
                                         uint64_t viewer,
                                         const struct oyez_window *windows,
                                         size_t count,
                                         struct oyez_flush *flush);

/**
 * Turns everything since the last flush into one update for each view group whose rows have changed, and fills `flush`
 * with them. O(view groups + groups), then O(log n + groups + rows) for each window that changes may have touched.
 * Exclusive. Since 0.1.
 *
 * OYEZ_NULL: `list` or `flush` is NULL; nothing is flushed then.
 */
oyez_status oyez_member_list_flush(struct oyez_member_list *list, struct oyez_flush *flush);

/**
 * Counts a list. O(groups). Concurrent. Since 0.1.
 *
 * OYEZ_NULL: `list` is NULL. OYEZ_INVALID: the size in `stats` is wrong. `stats` may be NULL.
 */
oyez_status oyez_member_list_stats(const struct oyez_member_list *list, struct oyez_list_stats *stats);

/**
 * Checks a list. O(n log n). Concurrent. For tests. Since 0.1.
 *
 * OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the list, and is NULL otherwise.
 * OYEZ_NULL: `list` is NULL. `reason` may be NULL.
 */
oyez_status oyez_member_list_validate(const struct oyez_member_list *list, const char **reason);

/**
 * Makes an empty one. O(1). From any thread. Since 0.1.
 *
 * OYEZ_NULL: `flush` is NULL. Otherwise `*flush` is the caller's to free.
 */
oyez_status oyez_flush_new(struct oyez_flush **flush);

/**
 * Frees it, with all that it has told; NULL is nothing. O(n). No other call may have it. Since 0.1.
 */
void oyez_flush_free(struct oyez_flush *flush);

/**
 * Points to what the view groups are told. O(1). Concurrent. Since 0.1.
 *
 * `*updates` and `*count` are for view groups whose rows have changed, or for the one viewer with new windows; NULL
 * and 0 when nobody does anything. They live until `flush` is filled again or freed. OYEZ_NULL: `flush` is NULL.
 * `updates` and `count` may be NULL.
 */
oyez_status oyez_flush_updates(const struct oyez_flush *flush, const struct oyez_update **updates, size_t *count);

/**
 * Points to the counts, which go to every viewer of a flush, or to the one with new windows, after the ops. O(1).
 * Concurrent. Since 0.1.
 *
 * `*groups` and `*count` are the groups that are not empty, top to bottom, and `*rows` the rows of the whole list.
 * They live until `flush` is filled again or freed. OYEZ_NOT_FOUND: the viewers have these counts already. OYEZ_NULL:
 * `flush` is NULL. `groups`, `count` and `rows` may be NULL.
 */
oyez_status oyez_flush_counts(const struct oyez_flush *flush,
                              const struct oyez_group_count **groups,
                              size_t *count,
                              size_t *rows);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus


/* What the structs that begin with their size start as: the defaults, or zero. */
#define OYEZ_FANOUT_OPTIONS_INIT { sizeof(oyez_fanout_options), 1, 0, 4194304, 10000, 256, 256, 268435456, 1048576, 1048576, 64, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } }
#define OYEZ_SESSION_OPTIONS_INIT { sizeof(oyez_session_options), 0 }
#define OYEZ_MEMBER_LIST_OPTIONS_INIT { sizeof(oyez_member_list_options), 16777216, 65536, 1048576, 3, 100 }
#define OYEZ_QUERY_INIT { sizeof(oyez_query), NULL, 0, NULL, 0 }
#define OYEZ_EVENT_INIT { sizeof(oyez_event), 0, 0, NULL, 0, 0, 0 }
#define OYEZ_RECEIPT_COUNTS_INIT { sizeof(oyez_receipt_counts), 0, 0, 0, 0, 0 }
#define OYEZ_DRAINED_INIT { sizeof(oyez_drained), 0, 0, 0, 0, 0 }
#define OYEZ_STATS_INIT { sizeof(oyez_stats), 0, 0, 0, 0, 0, 0, 0, 0 }
#define OYEZ_PARTITION_STATS_INIT { sizeof(oyez_partition_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define OYEZ_ACCOUNTING_INIT { sizeof(oyez_accounting), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }
#define OYEZ_LIST_STATS_INIT { sizeof(oyez_list_stats), 0, 0, 0, 0, 0, 0, 0 }

/* Layouts as the library has them. */
#if UINTPTR_MAX == UINT64_MAX
#if defined(__cplusplus) && __cplusplus >= 201103L
#define OYEZ_ASSERT(fact) static_assert(fact, #fact)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define OYEZ_ASSERT(fact) _Static_assert(fact, #fact)
#endif
#endif
#ifdef OYEZ_ASSERT
OYEZ_ASSERT(sizeof(oyez_bytes) == 16);
OYEZ_ASSERT(offsetof(oyez_bytes, data) == 0);
OYEZ_ASSERT(offsetof(oyez_bytes, len) == 8);
OYEZ_ASSERT(sizeof(oyez_fanout_options) == 144);
OYEZ_ASSERT(offsetof(oyez_fanout_options, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_fanout_options, partitions) == 8);
OYEZ_ASSERT(offsetof(oyez_fanout_options, on_panic) == 12);
OYEZ_ASSERT(offsetof(oyez_fanout_options, sessions_per_partition_max) == 16);
OYEZ_ASSERT(offsetof(oyez_fanout_options, topics_per_session_max) == 24);
OYEZ_ASSERT(offsetof(oyez_fanout_options, events_per_session_max) == 32);
OYEZ_ASSERT(offsetof(oyez_fanout_options, batch_max) == 40);
OYEZ_ASSERT(offsetof(oyez_fanout_options, bytes_per_partition_max) == 48);
OYEZ_ASSERT(offsetof(oyez_fanout_options, payload_bytes_max) == 56);
OYEZ_ASSERT(offsetof(oyez_fanout_options, history_bytes_max) == 64);
OYEZ_ASSERT(offsetof(oyez_fanout_options, log_sessions_min) == 72);
OYEZ_ASSERT(offsetof(oyez_fanout_options, overload) == 80);
OYEZ_ASSERT(sizeof(oyez_session_options) == 16);
OYEZ_ASSERT(offsetof(oyez_session_options, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_session_options, window) == 8);
OYEZ_ASSERT(sizeof(oyez_member_list_options) == 48);
OYEZ_ASSERT(offsetof(oyez_member_list_options, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_member_list_options, members_max) == 8);
OYEZ_ASSERT(offsetof(oyez_member_list_options, collation_bytes_max) == 16);
OYEZ_ASSERT(offsetof(oyez_member_list_options, viewers_max) == 24);
OYEZ_ASSERT(offsetof(oyez_member_list_options, windows_max) == 32);
OYEZ_ASSERT(offsetof(oyez_member_list_options, window_rows_max) == 40);
OYEZ_ASSERT(sizeof(oyez_query) == 40);
OYEZ_ASSERT(offsetof(oyez_query, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_query, topics) == 8);
OYEZ_ASSERT(offsetof(oyez_query, topics_count) == 16);
OYEZ_ASSERT(offsetof(oyez_query, except) == 24);
OYEZ_ASSERT(offsetof(oyez_query, except_count) == 32);
OYEZ_ASSERT(sizeof(oyez_event) == 48);
OYEZ_ASSERT(offsetof(oyez_event, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_event, order_key) == 8);
OYEZ_ASSERT(offsetof(oyez_event, metadata) == 16);
OYEZ_ASSERT(offsetof(oyez_event, payload) == 24);
OYEZ_ASSERT(offsetof(oyez_event, payload_len) == 32);
OYEZ_ASSERT(offsetof(oyez_event, event_class) == 40);
OYEZ_ASSERT(offsetof(oyez_event, reserved) == 44);
OYEZ_ASSERT(sizeof(oyez_item) == 72);
OYEZ_ASSERT(offsetof(oyez_item, kind) == 0);
OYEZ_ASSERT(offsetof(oyez_item, event_class) == 4);
OYEZ_ASSERT(offsetof(oyez_item, sequence) == 8);
OYEZ_ASSERT(offsetof(oyez_item, last_sequence) == 16);
OYEZ_ASSERT(offsetof(oyez_item, missing) == 24);
OYEZ_ASSERT(offsetof(oyez_item, order_key) == 32);
OYEZ_ASSERT(offsetof(oyez_item, metadata) == 40);
OYEZ_ASSERT(offsetof(oyez_item, payload) == 48);
OYEZ_ASSERT(offsetof(oyez_item, payload_len) == 56);
OYEZ_ASSERT(offsetof(oyez_item, reserved) == 64);
OYEZ_ASSERT(sizeof(oyez_fate) == 48);
OYEZ_ASSERT(offsetof(oyez_fate, kind) == 0);
OYEZ_ASSERT(offsetof(oyez_fate, reserved) == 4);
OYEZ_ASSERT(offsetof(oyez_fate, ahead) == 16);
OYEZ_ASSERT(offsetof(oyez_fate, gap_first) == 24);
OYEZ_ASSERT(offsetof(oyez_fate, gap_last) == 32);
OYEZ_ASSERT(offsetof(oyez_fate, gap_missing) == 40);
OYEZ_ASSERT(sizeof(oyez_receipt_counts) == 48);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, sequence) == 8);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, accepted) == 16);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, partitions_refused) == 24);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, sessions_refused) == 32);
OYEZ_ASSERT(offsetof(oyez_receipt_counts, sessions_overflowed) == 40);
OYEZ_ASSERT(sizeof(oyez_drained) == 48);
OYEZ_ASSERT(offsetof(oyez_drained, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_drained, sessions) == 8);
OYEZ_ASSERT(offsetof(oyez_drained, items) == 16);
OYEZ_ASSERT(offsetof(oyez_drained, ready) == 24);
OYEZ_ASSERT(offsetof(oyez_drained, overflowed) == 32);
OYEZ_ASSERT(offsetof(oyez_drained, panicked) == 40);
OYEZ_ASSERT(sizeof(oyez_stats) == 72);
OYEZ_ASSERT(offsetof(oyez_stats, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_stats, published) == 8);
OYEZ_ASSERT(offsetof(oyez_stats, refused) == 16);
OYEZ_ASSERT(offsetof(oyez_stats, gaps) == 24);
OYEZ_ASSERT(offsetof(oyez_stats, sessions) == 32);
OYEZ_ASSERT(offsetof(oyez_stats, topics) == 40);
OYEZ_ASSERT(offsetof(oyez_stats, subscriptions) == 48);
OYEZ_ASSERT(offsetof(oyez_stats, lagging) == 56);
OYEZ_ASSERT(offsetof(oyez_stats, partitions) == 64);
OYEZ_ASSERT(sizeof(oyez_partition_stats) == 112);
OYEZ_ASSERT(offsetof(oyez_partition_stats, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_partition_stats, sessions) == 8);
OYEZ_ASSERT(offsetof(oyez_partition_stats, ready) == 16);
OYEZ_ASSERT(offsetof(oyez_partition_stats, lagging) == 24);
OYEZ_ASSERT(offsetof(oyez_partition_stats, parked) == 32);
OYEZ_ASSERT(offsetof(oyez_partition_stats, unacknowledged) == 40);
OYEZ_ASSERT(offsetof(oyez_partition_stats, events_held) == 48);
OYEZ_ASSERT(offsetof(oyez_partition_stats, events_in_log) == 56);
OYEZ_ASSERT(offsetof(oyez_partition_stats, bytes) == 64);
OYEZ_ASSERT(offsetof(oyez_partition_stats, lag) == 72);
OYEZ_ASSERT(offsetof(oyez_partition_stats, refused) == 80);
OYEZ_ASSERT(offsetof(oyez_partition_stats, gaps) == 88);
OYEZ_ASSERT(offsetof(oyez_partition_stats, panics) == 96);
OYEZ_ASSERT(offsetof(oyez_partition_stats, events_behind) == 104);
OYEZ_ASSERT(sizeof(oyez_accounting) == 88);
OYEZ_ASSERT(offsetof(oyez_accounting, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_accounting, accepted) == 8);
OYEZ_ASSERT(offsetof(oyez_accounting, delivered) == 16);
OYEZ_ASSERT(offsetof(oyez_accounting, dropped) == 24);
OYEZ_ASSERT(offsetof(oyez_accounting, shed) == 32);
OYEZ_ASSERT(offsetof(oyez_accounting, discarded_disconnect) == 40);
OYEZ_ASSERT(offsetof(oyez_accounting, discarded_partition_drop) == 48);
OYEZ_ASSERT(offsetof(oyez_accounting, discarded_overflow) == 56);
OYEZ_ASSERT(offsetof(oyez_accounting, discarded_unsubscribe) == 64);
OYEZ_ASSERT(offsetof(oyez_accounting, abandoned) == 72);
OYEZ_ASSERT(offsetof(oyez_accounting, pending) == 80);
OYEZ_ASSERT(sizeof(oyez_upserted) == 32);
OYEZ_ASSERT(offsetof(oyez_upserted, kind) == 0);
OYEZ_ASSERT(offsetof(oyez_upserted, reserved) == 4);
OYEZ_ASSERT(offsetof(oyez_upserted, from) == 16);
OYEZ_ASSERT(offsetof(oyez_upserted, row) == 24);
OYEZ_ASSERT(sizeof(oyez_window) == 16);
OYEZ_ASSERT(offsetof(oyez_window, first) == 0);
OYEZ_ASSERT(offsetof(oyez_window, last) == 8);
OYEZ_ASSERT(sizeof(oyez_list_stats) == 64);
OYEZ_ASSERT(offsetof(oyez_list_stats, struct_size) == 0);
OYEZ_ASSERT(offsetof(oyez_list_stats, members) == 8);
OYEZ_ASSERT(offsetof(oyez_list_stats, rows) == 16);
OYEZ_ASSERT(offsetof(oyez_list_stats, viewers) == 24);
OYEZ_ASSERT(offsetof(oyez_list_stats, view_groups) == 32);
OYEZ_ASSERT(offsetof(oyez_list_stats, flushes) == 40);
OYEZ_ASSERT(offsetof(oyez_list_stats, syncs) == 48);
OYEZ_ASSERT(offsetof(oyez_list_stats, synced_rows) == 56);
OYEZ_ASSERT(sizeof(oyez_row) == 16);
OYEZ_ASSERT(offsetof(oyez_row, kind) == 0);
OYEZ_ASSERT(offsetof(oyez_row, reserved) == 4);
OYEZ_ASSERT(offsetof(oyez_row, id) == 8);
OYEZ_ASSERT(sizeof(oyez_list_op) == 40);
OYEZ_ASSERT(offsetof(oyez_list_op, kind) == 0);
OYEZ_ASSERT(offsetof(oyez_list_op, reserved) == 4);
OYEZ_ASSERT(offsetof(oyez_list_op, first) == 8);
OYEZ_ASSERT(offsetof(oyez_list_op, last) == 16);
OYEZ_ASSERT(offsetof(oyez_list_op, rows) == 24);
OYEZ_ASSERT(offsetof(oyez_list_op, rows_count) == 32);
OYEZ_ASSERT(sizeof(oyez_update) == 32);
OYEZ_ASSERT(offsetof(oyez_update, viewers) == 0);
OYEZ_ASSERT(offsetof(oyez_update, viewers_count) == 8);
OYEZ_ASSERT(offsetof(oyez_update, ops) == 16);
OYEZ_ASSERT(offsetof(oyez_update, ops_count) == 24);
OYEZ_ASSERT(sizeof(oyez_group_count) == 16);
OYEZ_ASSERT(offsetof(oyez_group_count, group) == 0);
OYEZ_ASSERT(offsetof(oyez_group_count, members) == 8);
#undef OYEZ_ASSERT
#endif

#endif  /* OYEZ_H */
