//! What is published, and what a session gets: [`Event`], [`Item`], [`Gap`].

use std::sync::Arc;

/// The number of one fan-out: it rises with every publish, from 1. A session sees only some of the numbers, since not
/// every event is for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// Events of one order key reach every session in one order. By default the publisher's number; a chat service uses the
/// guild's. Today all events are in one order, whatever their keys; a host that names the keys it relies on keeps that
/// order when others no longer wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey(pub u64);

/// One of 64 host-defined kinds of event, 0 to 63.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

impl Class {
    /// The class of this number, `None` from 64 on.
    ///
    /// ```
    /// use oyez::Class;
    /// assert_eq!(Class::new(3).map(Class::number), Some(3));
    /// assert_eq!(Class::new(64), None);
    /// ```
    pub const fn new(number: u8) -> Option<Self> {
        if number < 64 { Some(Class(number)) } else { None }
    }

    /// Its number, 0 to 63.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What a host publishes. The payload is shared by all sessions that get it, never copied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Keeps order with the other events of the same key.
    pub order_key: OrderKey,
    /// The kind of event, for the host to tell them apart without decoding the payload.
    pub class: Class,
    /// A word of the host's own, handed over with the event: a trace id, a timestamp.
    pub metadata: u64,
    /// Opaque bytes.
    pub payload: Arc<[u8]>,
}

impl Event {
    /// An event of class 0 without metadata. Copies a slice; takes an `Arc<[u8]>` as it is.
    ///
    /// ```
    /// use oyez::{Class, Event, OrderKey};
    ///
    /// let event = Event::new(OrderKey(7), *b"hello").class(Class::new(2).unwrap()).metadata(99);
    /// assert_eq!(&event.payload[..], b"hello");
    /// ```
    pub fn new(order_key: OrderKey, payload: impl Into<Arc<[u8]>>) -> Self {
        Event { order_key, class: Class::default(), metadata: 0, payload: payload.into() }
    }

    /// Sets the class.
    pub fn class(self, class: Class) -> Self {
        Event { class, ..self }
    }

    /// Sets the host's own word.
    pub fn metadata(self, metadata: u64) -> Self {
        Event { metadata, ..self }
    }
}

/// Events that a session did not get, or of which nobody knows: it was too slow and they gave way to others, or they
/// were in the hands of a callback that panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// How many events addressed to this session are missing.
    pub count: u64,
    /// The sequence of the first of them.
    pub first: Sequence,
    /// The sequence of the last of them. Every event addressed to the session from `first` to `last` is missing.
    pub last: Sequence,
}

impl Gap {
    pub(super) fn of(sequence: Sequence) -> Self {
        Gap { count: 1, first: sequence, last: sequence }
    }

    /// This gap and another, between which the session got nothing.
    pub(super) fn joined_with(self, other: Gap) -> Self {
        Gap { count: self.count + other.count, first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    pub(super) fn covers(self, sequence: Sequence) -> bool {
        (self.first..=self.last).contains(&sequence)
    }
}

/// One thing a session is handed, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Events that it did not get, in their place.
    Gap(Gap),
    /// An event and its sequence.
    Event(Sequence, &'a Event),
}
