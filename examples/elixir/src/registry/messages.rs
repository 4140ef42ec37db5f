//! What subscribers get: `{oyez, Tag, Items}`, each item `{event, Sequence, Payload}` or `{gap, Count, First, Last}`.

use crate::atoms;
use ahash::AHashMap;
use oyez::{Batch, Event, Gap, Item};
use rustler::{Encoder, Env, NewBinary, Resource, ResourceArc, Term};
use std::sync::Arc;

/// Longer binaries are counted by the emulator instead of copied into each message.
const COPIED_MAX: usize = 64;

/// The bytes of one event, which all its messages point to: the library's own, not a copy.
struct Payload(Arc<[u8]>);

#[rustler::resource_impl]
impl Resource for Payload {}

/// The messages of one slice. Most sessions get the same batch as the one before, and then the same term.
pub(super) struct Messages<'a> {
    env: Env<'a>,
    tag: Term<'a>,
    events: AHashMap<u64, Term<'a>>,
    last: Option<(Vec<u64>, Term<'a>)>,
}

impl<'a> Messages<'a> {
    pub fn new(env: Env<'a>, tag: Term<'a>) -> Self {
        Messages { env, tag, events: AHashMap::new(), last: None }
    }

    pub fn of(&mut self, batch: Batch) -> Term<'a> {
        match &self.last {
            Some((sequences, message)) if is_of(batch, sequences) => *message,
            _ => self.make(batch),
        }
    }

    fn make(&mut self, batch: Batch) -> Term<'a> {
        let mut sequences = Vec::with_capacity(batch.len());
        let items: Vec<Term> = batch
            .iter()
            .map(|item| match item {
                Item::Event(sequence, event) => {
                    sequences.push(sequence.0);
                    self.event(sequence.0, event)
                }
                Item::Gap(gap) => self.gap(gap),
            })
            .collect();
        let message = (atoms::oyez(), self.tag, items).encode(self.env);
        self.last = (sequences.len() == batch.len()).then_some((sequences, message));
        message
    }

    fn event(&mut self, sequence: u64, event: &Event) -> Term<'a> {
        let env = self.env;
        *self.events.entry(sequence).or_insert_with(|| (atoms::event(), sequence, payload(env, event)).encode(env))
    }

    fn gap(&self, gap: Gap) -> Term<'a> {
        (atoms::gap(), gap.count, gap.first.0, gap.last.0).encode(self.env)
    }

    pub fn overflowed(&self) -> Term<'a> {
        (atoms::oyez(), self.tag, atoms::overflowed()).encode(self.env)
    }
}

/// Whether a batch is of these events, and no gap.
fn is_of(batch: Batch, sequences: &[u64]) -> bool {
    let is_next = |(item, &expected): (Item, &u64)| matches!(item, Item::Event(found, _) if found.0 == expected);
    batch.len() == sequences.len() && batch.iter().zip(sequences).all(is_next)
}

fn payload<'a>(env: Env<'a>, event: &Event) -> Term<'a> {
    if event.payload.len() > COPIED_MAX {
        return ResourceArc::new(Payload(Arc::clone(&event.payload)))
            .make_binary(env, |payload| &payload.0)
            .to_term(env);
    }
    let mut copy = NewBinary::new(env, event.payload.len());
    copy.as_mut_slice().copy_from_slice(&event.payload);
    copy.into()
}
