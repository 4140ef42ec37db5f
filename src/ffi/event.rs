//! What a host publishes, for whom, and what a session is handed.

#![expect(unsafe_code, reason = "reads structs and arrays of C")]

use super::argument::{Growing, array, size_through, sized};
use super::owner::PointsIntoItsHandle;
use super::refusal::Refusal;
use super::status::{OYEZ_INVALID, oyez_status};
use crate::{Class, Event, Fanout, Gap, Item, OrderKey, Query, Receipt, SessionId, Topic};
use std::ptr::null;

/// Who an event is for: the sessions subscribed to at least one of the topics, each once, without the excluded ones.
/// Starts as OYEZ_QUERY_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_query {
    /// `sizeof(oyez_query)`.
    pub struct_size: usize,
    /// Topics; may be NULL when there are none.
    pub topics: *const u64,
    /// Their number.
    pub topics_count: usize,
    /// Sessions that are left out, usually the sender's, in any order; may be NULL when there are none. O(n log n) in
    /// their number for each call that is given the query, beside what the call costs.
    pub except: *const u64,
    /// Their number.
    pub except_count: usize,
}

/// What is published. Starts as OYEZ_EVENT_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_event {
    /// `sizeof(oyez_event)`.
    pub struct_size: usize,
    /// Keeps order with the other events of the same key.
    pub order_key: u64,
    /// A word of the host's own, handed over with the event: a trace id, a timestamp.
    pub metadata: u64,
    /// Opaque bytes, copied once however many sessions get them; may be NULL when there are none.
    pub payload: *const u8,
    /// Their number.
    pub payload_len: usize,
    /// The kind of event, 0 to 63: it decides what gives way to it.
    pub event_class: u32,
    /// Must be 0: a later version may give it a meaning.
    pub reserved: u32,
}

/// An item that is an event. Since 0.1.
pub const OYEZ_ITEM_EVENT: u32 = 1;
/// An item that stands for events the session did not get. Since 0.1.
pub const OYEZ_ITEM_GAP: u32 = 2;

/// One thing a session is handed: an event, or a gap in the place of events that it did not get. Items come in arrays:
/// their size never changes. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_item {
    /// OYEZ_ITEM_EVENT or OYEZ_ITEM_GAP.
    pub kind: u32,
    /// Of an event: its class.
    pub event_class: u32,
    /// Of an event: its sequence. Of a gap: the sequence of the first event that is missing.
    pub sequence: u64,
    /// Of an event: its sequence. Of a gap: the sequence of the last event that is missing.
    pub last_sequence: u64,
    /// Of a gap: how many events addressed to this session are missing.
    pub missing: u64,
    /// Of an event: its order key.
    pub order_key: u64,
    /// Of an event: the host's own word.
    pub metadata: u64,
    /// Of an event: its bytes.
    pub payload: *const u8,
    /// Of an event: their number.
    pub payload_len: usize,
    /// 0: a later version may give it a meaning.
    pub reserved: u64,
}

// SAFETY: `repr(C)`, numbers and pointers, the size first.
unsafe impl Growing for oyez_query {
    const SIZE_MIN: usize = size_through!(oyez_query, except_count: usize);
}
// SAFETY: as above.
unsafe impl Growing for oyez_event {
    const SIZE_MIN: usize = size_through!(oyez_event, reserved: u32);
}

// SAFETY: into the payload of an event that the worker or the outbox keeps as long as the item.
unsafe impl PointsIntoItsHandle for oyez_item {}

impl Default for oyez_query {
    fn default() -> Self {
        oyez_query { struct_size: size_of::<Self>(), topics: null(), topics_count: 0, except: null(), except_count: 0 }
    }
}

impl Default for oyez_event {
    fn default() -> Self {
        oyez_event {
            struct_size: size_of::<Self>(),
            order_key: 0,
            metadata: 0,
            payload: null(),
            payload_len: 0,
            event_class: 0,
            reserved: 0,
        }
    }
}

/// The query that a caller describes.
///
/// # Safety
///
/// The pointer and those behind it are as `ffi` says.
pub(super) unsafe fn query_of(query: *const oyez_query) -> Result<Query, oyez_status> {
    // SAFETY: the caller's promise.
    let (topics, except) = unsafe {
        let query = sized(query)?;
        (array(query.topics, query.topics_count)?, array(query.except, query.except_count)?)
    };
    let query = Query::any_of(topics.iter().copied().map(Topic));
    Ok(query.except_all(except.iter().copied().map(SessionId::from_bits)))
}

/// The event that a caller describes, of which nothing is copied yet.
pub(super) struct Described<'a> {
    order_key: OrderKey,
    class: Class,
    metadata: u64,
    payload: &'a [u8],
}

impl Described<'_> {
    /// Publishes it. A payload that is too large is not copied: it may be larger than memory.
    pub fn publish(self, fanout: &Fanout, query: &Query) -> Result<Receipt, oyez_status> {
        fanout.check_payload(self.payload.len()).map_err(Refusal::status)?;
        let event = Event::new(self.order_key, self.payload).class(self.class).metadata(self.metadata);
        fanout.publish(query, event).map_err(Refusal::status)
    }
}

/// The event that a caller describes.
///
/// # Safety
///
/// The pointer and those behind it are as `ffi` says, for as long as `'a`.
pub(super) unsafe fn event_of<'a>(event: *const oyez_event) -> Result<Described<'a>, oyez_status> {
    // SAFETY: the caller's promise.
    let (event, payload) = unsafe {
        let event = sized(event)?;
        (event, array(event.payload, event.payload_len)?)
    };
    if event.reserved != 0 {
        return Err(OYEZ_INVALID);
    }
    let class = u8::try_from(event.event_class).ok().and_then(Class::new).ok_or(OYEZ_INVALID)?;
    Ok(Described { order_key: OrderKey(event.order_key), class, metadata: event.metadata, payload })
}

/// An item as C sees it. Its payload lives as long as the batch.
pub(super) fn item_of(item: Item<'_>) -> oyez_item {
    match item {
        Item::Event(sequence, event) => oyez_item {
            kind: OYEZ_ITEM_EVENT,
            event_class: event.class.number().into(),
            sequence: sequence.0,
            last_sequence: sequence.0,
            missing: 0,
            order_key: event.order_key.0,
            metadata: event.metadata,
            payload: event.payload.as_ptr(),
            payload_len: event.payload.len(),
            reserved: 0,
        },
        Item::Gap(Gap { count, first, last }) => oyez_item {
            kind: OYEZ_ITEM_GAP,
            event_class: 0,
            sequence: first.0,
            last_sequence: last.0,
            missing: count,
            order_key: 0,
            metadata: 0,
            payload: null(),
            payload_len: 0,
            reserved: 0,
        },
    }
}
