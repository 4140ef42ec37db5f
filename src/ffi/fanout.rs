//! The fan-out: sessions, topics, publish.

#![expect(unsafe_code, reason = "exports symbols, and reads structs and arrays of C")]

use super::argument::{Filled, buffer, given, sized_or_default};
use super::event::{event_of, oyez_event, oyez_query, query_of};
use super::guard::{Done, guard, guard_or};
use super::options::{oyez_fanout_options, oyez_session_options};
use super::owner::{Output, Owner, hand_out};
use super::receipt::oyez_receipt;
use super::refusal::Refusal;
use super::status::{OYEZ_ALREADY, OYEZ_CLOSED, OYEZ_NO_PARTITION, OYEZ_NOT_FOUND, OYEZ_NOT_SUBSCRIBED, oyez_status};
use crate::sync::Poison;
use crate::{Fanout, Fate, Gap, PartitionId, Sequence, SessionId, Subscribed, Topic, Unsubscribed, Verdict};
use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// A registry of sessions with a bounded queue of events for each: publish on one side, drain on the other. Sessions
/// and topics are numbers; topics are the host's own, a session's is never 0 and never given to another one, and once
/// it has disconnected every call answers OYEZ_NOT_FOUND.
///
/// Made by `oyez_fanout_new`, freed by `oyez_fanout_free`. All calls may run at once on any threads, also from within a
/// worker's callback. Its workers and outboxes may outlive it. Since 0.1.
pub struct oyez_fanout(Owner<Fanout, Arc<Poison>>);

/// The session is in the audience; the topic is the first of the query that it is subscribed to. Since 0.1.
pub const OYEZ_VERDICT_INCLUDED: u32 = 1;
/// The session is subscribed, but the query excludes it. Since 0.1.
pub const OYEZ_VERDICT_EXCLUDED: u32 = 2;
/// The session is subscribed to none of the query's topics. Since 0.1.
pub const OYEZ_VERDICT_UNSUBSCRIBED: u32 = 3;

/// No event with this sequence has been published yet. Since 0.1.
pub const OYEZ_FATE_NOT_PUBLISHED: u32 = 1;
/// The session was not in the event's audience. Since 0.1.
pub const OYEZ_FATE_NOT_ADDRESSED: u32 = 2;
/// The session's partition was over its budget. Since 0.1.
pub const OYEZ_FATE_REFUSED: u32 = 3;
/// The event waits in the session's queue. Since 0.1.
pub const OYEZ_FATE_PENDING: u32 = 4;
/// The host has it in hand and has not answered yet. Since 0.1.
pub const OYEZ_FATE_OFFERED: u32 = 5;
/// The host took it. Since 0.1.
pub const OYEZ_FATE_HANDED_OVER: u32 = 6;
/// The session did not get it, or nobody knows: it is in the gap. Since 0.1.
pub const OYEZ_FATE_MISSED: u32 = 7;
/// Too long ago to say. Since 0.1.
pub const OYEZ_FATE_FORGOTTEN: u32 = 8;

/// What became of an event for a session. Its size never changes. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct oyez_fate {
    /// One of the OYEZ_FATE numbers; 0 if the call was refused.
    pub kind: u32,
    /// 0: a later version may give them a meaning.
    pub reserved: [u32; 3],
    /// OYEZ_FATE_PENDING: how many of the session's events are before it.
    pub ahead: usize,
    /// OYEZ_FATE_MISSED: the first sequence of the gap that the session is told instead.
    pub gap_first: u64,
    /// OYEZ_FATE_MISSED: the last.
    pub gap_last: u64,
    /// OYEZ_FATE_MISSED: how many events are in it.
    pub gap_missing: u64,
}

/// The fan-out behind a handle, and what a bug of ours would poison.
pub(super) fn shared(fanout: Option<&oyez_fanout>) -> Result<&Owner<Fanout, Arc<Poison>>, oyez_status> {
    Ok(&given(fanout)?.0)
}

/// The partition of a number, which C gives as wide as its options do: one that does not fit is of no partition.
pub(super) fn partition(number: u32) -> Result<PartitionId, oyez_status> {
    u16::try_from(number).map(PartitionId).map_err(|_| OYEZ_NO_PARTITION)
}

fn session(bits: u64) -> SessionId {
    SessionId::from_bits(bits)
}

/// Makes a fan-out without sessions. Starts no thread. O(partitions). From any thread. Since 0.1.
///
/// `options` may be NULL for the defaults. OYEZ_NULL: `fanout` is NULL. OYEZ_INVALID: no partition or too many, a
/// choice that there is not, or the size in `options` is wrong. `*fanout` is the new fan-out, or NULL if there is none;
/// the caller frees it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_new(
    options: *const oyez_fanout_options,
    fanout: Option<&mut MaybeUninit<*mut oyez_fanout>>,
) -> oyez_status {
    guard(|| {
        hand_out(fanout, || {
            // SAFETY: the caller's struct (see `ffi`).
            let options = unsafe { sized_or_default(options)? }.read()?;
            Ok(oyez_fanout(Owner::with_poison(Fanout::new(options), Arc::new(Poison::new()))))
        })
    })
}

/// Frees a fan-out; NULL is nothing. What it holds is freed with the last of its workers and outboxes: O(n) then, O(1)
/// before. No other call may have it. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_free(fanout: Option<Box<oyez_fanout>>) {
    guard_or((), || drop(fanout));
}

/// Connects a session to a partition. It gets no event published before. Amortised O(log n). Concurrent. Since 0.1.
///
/// `options` may be NULL for the defaults. `*session` is its handle, 0 if it was refused. OYEZ_NO_PARTITION, OYEZ_FULL:
/// it was. OYEZ_INVALID: the size in `options` is wrong. OYEZ_NULL: `fanout` or `session` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_connect(
    fanout: Option<&oyez_fanout>,
    partition_id: u32,
    options: *const oyez_session_options,
    session: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut session = Output::of(session, 0).needed()?;
        // SAFETY: the caller's struct (see `ffi`).
        let options = unsafe { sized_or_default(options)? }.read();
        shared(fanout)?.read(|fanout| {
            let connected = fanout.connect_with(partition(partition_id)?, options).map_err(Refusal::status)?;
            session.set(connected.to_bits());
            Ok(())
        })
    })
}

/// Ends a session: its handle is unknown from here on, and what is pending for it is discarded. O(log n) for each of
/// its topics, O(1) for each event that is pending or in its partition's log. Concurrent. Since 0.1.
///
/// `*topics` is how many it was subscribed to. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `topics`
/// may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_disconnect(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    topics: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut topics = Output::of(topics, 0);
        shared(fanout)?.read(|fanout| {
            topics.set(fanout.disconnect(session(session_id)).map_err(Refusal::status)?);
            Ok(())
        })
    })
}

/// Ends all sessions of a partition, as if each had disconnected. O(log n) for each subscription; publishers wait.
/// Concurrent. Since 0.1.
///
/// `*sessions` is their number. OYEZ_NO_PARTITION: no such partition. OYEZ_NULL: `fanout` is NULL. `sessions` may be
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_drop_partition(
    fanout: Option<&oyez_fanout>,
    partition_id: u32,
    sessions: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut sessions = Output::of(sessions, 0);
        shared(fanout)?.read(|fanout| {
            sessions.set(fanout.drop_partition(partition(partition_id)?).map_err(Refusal::status)?);
            Ok(())
        })
    })
}

/// Moves a session to another partition, with its handle, its topics and what is pending for it. O(log n) for each of
/// its topics, O(1) for each event that goes along; publishers wait. Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session. OYEZ_NO_PARTITION: no such partition. OYEZ_FULL, OYEZ_OVER_BUDGET: it has no room.
/// OYEZ_BUSY: a callback has the session's batch in hand, or it has an outbox. OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_move(fanout: Option<&oyez_fanout>, session_id: u64, partition_id: u32) -> oyez_status {
    guard(|| {
        shared(fanout)?
            .read(|fanout| fanout.move_to(session(session_id), partition(partition_id)?).map_err(Refusal::status))
    })
}

/// Tells the partition of a session. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session; `*partition` is 0. OYEZ_NULL: `fanout` is NULL. `partition` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_partition_of(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    partition: Option<&mut MaybeUninit<u32>>,
) -> oyez_status {
    guard(|| {
        let mut partition = Output::of(partition, 0);
        shared(fanout)?.read(|fanout| {
            partition.set(fanout.partition_of(session(session_id)).map_err(Refusal::status)?.0.into());
            Ok(())
        })
    })
}

/// Subscribes a session to a topic. O(log n) in the topic's subscribers, O(t) in the session's topics. Concurrent.
/// Since 0.1.
///
/// Every event of the topic with a sequence greater than `*after` is for this session: a host that sends its state as
/// of then leaves no hole. OYEZ_ALREADY: it was subscribed before. OYEZ_NOT_FOUND: no such session. OYEZ_FULL: it has
/// as many topics as it may have. OYEZ_NULL: `fanout` is NULL. `after` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_subscribe(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    topic: u64,
    after: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut after = Output::of(after, 0);
        shared(fanout)?.read(|fanout| {
            let joined = fanout.subscribe(session(session_id), Topic(topic)).map_err(Refusal::status)?;
            after.set(joined.after.0);
            match joined.subscribed {
                Subscribed::New => Ok(()),
                Subscribed::Already => Err(OYEZ_ALREADY),
            }
        })
    })
}

/// Ends a subscription. Events accepted before are still delivered. O(log n) in the topic's subscribers, O(t) in the
/// session's topics. Concurrent. Since 0.1.
///
/// OYEZ_NOT_SUBSCRIBED: there was none. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_unsubscribe(fanout: Option<&oyez_fanout>, session_id: u64, topic: u64) -> oyez_status {
    guard(|| {
        shared(fanout)?
            .read(|fanout| left(fanout.unsubscribe(session(session_id), Topic(topic)).map_err(Refusal::status)?))
    })
}

/// Ends a subscription and discards what is pending from that topic alone. O(n) in what is pending for the session,
/// beside the cost of `oyez_fanout_unsubscribe`. Concurrent. Since 0.1.
///
/// `*discarded` is the number of those events. Answers as `oyez_fanout_unsubscribe`. `discarded` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_unsubscribe_discarding(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    topic: u64,
    discarded: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut discarded = Output::of(discarded, 0);
        shared(fanout)?.read(|fanout| {
            let ended = fanout.unsubscribe_discarding(session(session_id), Topic(topic)).map_err(Refusal::status)?;
            discarded.set(ended.discarded);
            left(ended.unsubscribed)
        })
    })
}

fn left(unsubscribed: Unsubscribed) -> Done {
    match unsubscribed {
        Unsubscribed::Left => Ok(()),
        Unsubscribed::WasNot => Err(OYEZ_NOT_SUBSCRIBED),
    }
}

/// Tells the number of subscribers of a topic. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` is NULL. `len` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_topic_len(
    fanout: Option<&oyez_fanout>,
    topic: u64,
    len: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut len = Output::of(len, 0);
        shared(fanout)?.read(|fanout| {
            len.set(fanout.topic_len(Topic(topic)));
            Ok(())
        })
    })
}

/// Copies the topics of a session, in order, into a buffer. O(t) in their number. Concurrent. Since 0.1.
///
/// `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NOT_FOUND: no such
/// session. OYEZ_NULL: `fanout` is NULL, or `out` is and `capacity` is not 0. `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_topics_of(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's buffer (see `ffi`).
        let out = unsafe { buffer(out, capacity)? };
        shared(fanout)?.read(|fanout| {
            let topics = fanout.topics_of(session(session_id)).map_err(Refusal::status)?;
            out.fill(filled, topics.len(), |count| topics.into_iter().take(count).map(|topic| topic.0))
        })
    })
}

/// Tells how many sessions a query means: exactly those that an event published now would be for. O(n) in them.
/// Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` or `query` is NULL, or one of the arrays is and its count is not 0. OYEZ_INVALID: the size in
/// `query` is wrong. `count` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_audience_count(
    fanout: Option<&oyez_fanout>,
    query: *const oyez_query,
    count: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut count = Output::of(count, 0);
        // SAFETY: the caller's query (see `ffi`).
        let query = unsafe { query_of(query)? };
        shared(fanout)?.read(|fanout| {
            count.set(fanout.count(&query));
            Ok(())
        })
    })
}

/// Copies the sessions that a query means into a buffer, those of a partition together. O(n) in them. Concurrent. Since
/// 0.1.
///
/// `*total` is how many there are, `*written` how many had room. OYEZ_SHORT_BUFFER: not all. OYEZ_NULL: as
/// `oyez_fanout_audience_count`, or `out` is NULL and `capacity` is not 0. OYEZ_INVALID: the size in `query` is wrong.
/// `written` and `total` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_audience(
    fanout: Option<&oyez_fanout>,
    query: *const oyez_query,
    out: *mut u64,
    capacity: usize,
    written: Option<&mut MaybeUninit<usize>>,
    total: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let filled = Filled::of(written, total);
        // SAFETY: the caller's query and buffer (see `ffi`).
        let (query, out) = unsafe { (query_of(query)?, buffer(out, capacity)?) };
        shared(fanout)?.read(|fanout| {
            let audience = fanout.audience(&query);
            out.fill_from(filled, audience.sessions(), |session| session.to_bits())
        })
    })
}

/// Tells whether a session is in a query's audience, and which rule keeps it out. O(topics of the query). Concurrent.
/// Since 0.1.
///
/// `*verdict` is OYEZ_VERDICT_INCLUDED, and `*topic` the first topic that it is subscribed to; or OYEZ_VERDICT_EXCLUDED
/// or OYEZ_VERDICT_UNSUBSCRIBED. After a refusal both are 0. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: as
/// `oyez_fanout_audience_count`. OYEZ_INVALID: the size in `query` is wrong. `verdict` and `topic` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_explain(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    query: *const oyez_query,
    verdict: Option<&mut MaybeUninit<u32>>,
    topic: Option<&mut MaybeUninit<u64>>,
) -> oyez_status {
    guard(|| {
        let mut verdict = Output::of(verdict, 0);
        let mut topic = Output::of(topic, 0);
        // SAFETY: the caller's query (see `ffi`).
        let query = unsafe { query_of(query)? };
        shared(fanout)?.read(|fanout| {
            match fanout.explain(session(session_id), &query) {
                Verdict::Included(Topic(first)) => {
                    verdict.set(OYEZ_VERDICT_INCLUDED);
                    topic.set(first);
                }
                Verdict::Excluded => verdict.set(OYEZ_VERDICT_EXCLUDED),
                Verdict::NotSubscribed => verdict.set(OYEZ_VERDICT_UNSUBSCRIBED),
                Verdict::NoSuchSession => return Err(OYEZ_NOT_FOUND),
            }
            Ok(())
        })
    })
}

/// Tells what became of an event for a session. O(log n) in the recent events, O(n) in the session's queue. Concurrent.
/// Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `fate` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_fate(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    sequence: u64,
    fate: Option<&mut MaybeUninit<oyez_fate>>,
) -> oyez_status {
    guard(|| {
        let mut fate = Output::of(fate, oyez_fate::default());
        shared(fanout)?.read(|fanout| {
            let kind = match fanout.fate(session(session_id), Sequence(sequence)) {
                Fate::NoSuchSession => return Err(OYEZ_NOT_FOUND),
                Fate::NotPublished => OYEZ_FATE_NOT_PUBLISHED,
                Fate::NotAddressed => OYEZ_FATE_NOT_ADDRESSED,
                Fate::Refused => OYEZ_FATE_REFUSED,
                Fate::Offered => OYEZ_FATE_OFFERED,
                Fate::HandedOver => OYEZ_FATE_HANDED_OVER,
                Fate::Forgotten => OYEZ_FATE_FORGOTTEN,
                Fate::Pending { ahead } => {
                    fate.set(oyez_fate { kind: OYEZ_FATE_PENDING, ahead, ..oyez_fate::default() });
                    return Ok(());
                }
                Fate::Missed(Gap { count, first, last }) => {
                    fate.set(oyez_fate {
                        kind: OYEZ_FATE_MISSED,
                        gap_first: first.0,
                        gap_last: last.0,
                        gap_missing: count,
                        ..oyez_fate::default()
                    });
                    return Ok(());
                }
            };
            fate.set(oyez_fate { kind, ..oyez_fate::default() });
            Ok(())
        })
    })
}

/// Accepts an event for every session that the query means. Never waits for a session or a worker. O(partitions) for
/// one topic, and O(1) for each session of a partition that has few in it; several topics are merged. Copies the
/// payload once, if it is accepted. Concurrent. Since 0.1.
///
/// `receipt` says for how many it was accepted, and who ended for it; NULL if nobody wants to know. After a refusal it
/// is empty. OYEZ_TOO_LARGE: the payload is. OYEZ_CLOSED: the fan-out is. OYEZ_NULL: `fanout`, `query` or `event` is
/// NULL, or an array in them is and its count is not 0. OYEZ_INVALID: a size in them is wrong, the class is not below
/// 64, or `reserved` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oyez_fanout_publish(
    fanout: Option<&oyez_fanout>,
    query: *const oyez_query,
    event: *const oyez_event,
    mut receipt: Option<&mut oyez_receipt>,
) -> oyez_status {
    guard(|| {
        if let Some(receipt) = &mut receipt {
            receipt.fill(None)?;
        }
        // SAFETY: the caller's query and event (see `ffi`).
        let (query, event) = unsafe { (query_of(query)?, event_of(event)?) };
        let published = shared(fanout)?.read(|fanout| event.publish(fanout, &query))?;
        receipt.map_or(Ok(()), |receipt| receipt.fill(Some(published)))
    })
}

/// Takes in no more events. What was accepted is still drained; a worker that waits is told OYEZ_CLOSED once all of it
/// is handed over. O(partitions). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_close(fanout: Option<&oyez_fanout>) -> oyez_status {
    guard(|| {
        shared(fanout)?.read(|fanout| {
            fanout.close();
            Ok(())
        })
    })
}

/// Tells whether a fan-out is open: OYEZ_OK, or OYEZ_CLOSED. O(1). Concurrent. Since 0.1.
///
/// OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_is_open(fanout: Option<&oyez_fanout>) -> oyez_status {
    guard(|| shared(fanout)?.read(|fanout| if fanout.is_closed() { Err(OYEZ_CLOSED) } else { Ok(()) }))
}

/// The client of a session with a window has every event up to this sequence: it is not kept any longer, and new events
/// are offered in its place. O(1) for each of them. Concurrent. Since 0.1.
///
/// `*acknowledged` is how many events are new to us as acknowledged. OYEZ_NOT_HANDED_OVER: the session was handed
/// nothing of this sequence. OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL. `acknowledged` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_acknowledge(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    through: u64,
    acknowledged: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let mut acknowledged = Output::of(acknowledged, 0);
        shared(fanout)?.read(|fanout| {
            let new = fanout.acknowledge(session(session_id), Sequence(through)).map_err(Refusal::status)?;
            acknowledged.set(new);
            Ok(())
        })
    })
}

/// A session's connection broke: it keeps its topics and its place, and is offered nothing until it resumes. O(1).
/// Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_park(fanout: Option<&oyez_fanout>, session_id: u64) -> oyez_status {
    guard(|| shared(fanout)?.read(|fanout| fanout.park(session(session_id)).map_err(Refusal::status)))
}

/// A session is back on a new connection, and its client has every event up to `acknowledged`, 0 for none that is known
/// of. What it was handed and has not acknowledged comes again, if it has a window, then what waited meanwhile, with
/// gaps in their places. O(1) for each event acknowledged. Concurrent. Since 0.1.
///
/// `*again` is how many events come again, `*pending` how many wait behind them. Answers as `oyez_fanout_acknowledge`;
/// the session stays parked when it is refused. `again` and `pending` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_resume(
    fanout: Option<&oyez_fanout>,
    session_id: u64,
    acknowledged: u64,
    again: Option<&mut MaybeUninit<usize>>,
    pending: Option<&mut MaybeUninit<usize>>,
) -> oyez_status {
    guard(|| {
        let (mut again, mut pending) = (Output::of(again, 0), Output::of(pending, 0));
        shared(fanout)?.read(|fanout| {
            let resumed = fanout.resume(session(session_id), Sequence(acknowledged)).map_err(Refusal::status)?;
            again.set(resumed.again);
            pending.set(resumed.pending);
            Ok(())
        })
    })
}

/// A session that did not take all it was offered can take more: what is pending comes with the next drain. O(1).
/// Concurrent. Since 0.1.
///
/// OYEZ_NOT_FOUND: no such session. OYEZ_NULL: `fanout` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_writable(fanout: Option<&oyez_fanout>, session_id: u64) -> oyez_status {
    guard(|| shared(fanout)?.read(|fanout| fanout.writable(session(session_id)).map_err(Refusal::status)))
}

/// Checks every invariant of a fan-out. Only while no worker's callback runs. O(n log n). For tests. Since 0.1.
///
/// OYEZ_BROKEN: a bug in the library; `*reason` says what is wrong, lives as long as the fan-out, and is NULL
/// otherwise. OYEZ_NULL: `fanout` is NULL. `reason` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_fanout_validate(
    fanout: Option<&oyez_fanout>,
    reason: Option<&mut MaybeUninit<*const c_char>>,
) -> oyez_status {
    guard(|| {
        let reason = Output::of(reason, std::ptr::null());
        shared(fanout)?.validate(reason, Fanout::validate)
    })
}
