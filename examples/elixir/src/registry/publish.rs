//! Publishing: to one topic on a normal scheduler; to several, whose subscribers have to be merged, on a dirty one when
//! they are many; and there too when the lists that come along are long.

use super::book::{Book, NOBODY};
use super::{Open, Scheduler, pid_of, with};
use crate::atoms;
use crate::encode::encode;
use crate::guard::Refusal;
use oyez::{Class, Event, OrderKey, Query, Topic, Unpublished};
use rustler::{Binary, Encoder, Env, LocalPid, NifResult, Term};

/// Subscribers that a publish to several topics may have to merge on a normal scheduler.
const MERGED_AT_ONCE: usize = 10_000;
/// Topics whose names are looked up on one: each is a term to encode, at some 300 ns.
const TOPICS_AT_ONCE: usize = 500;
/// Processes that are looked up on one, to be left out: at 15 ns and more.
const EXCEPT_AT_ONCE: usize = 10_000;

/// The event's sequence, for how many it was accepted, and for how many it was refused.
type Published = (rustler::Atom, u64, usize, usize);

fn refusal(reason: Unpublished) -> Refusal {
    match reason {
        Unpublished::PayloadTooLarge { max } => Refusal::PayloadTooLarge { max },
        _ => Refusal::Closed,
    }
}

impl Open {
    /// The book is locked: nobody may come in between a topic's name and its subscribers.
    fn publish(&self, _book: &Book, query: Query, event: Event) -> Result<Published, Refusal> {
        let receipt = self.fanout.publish(&query, event).map_err(|error| refusal(error.reason))?;
        for session in receipt.overflowed {
            // The sender tells the process. Which partition it was in, the library does not say any more.
            for partition in &self.partitions {
                if partition.processes.lock().contains_key(&session) {
                    partition.bell.tell_overflowed(session);
                }
            }
        }
        Ok((atoms::ok(), receipt.sequence.0, receipt.count, receipt.refused_count))
    }
}

/// What a publish has besides its topics.
struct Sent {
    /// Its payload is copied while nobody waits for the book.
    event: Event,
    except: Vec<LocalPid>,
}

impl Sent {
    fn of(open: &Open, payload: Term, class: Term, except: Term) -> Result<Self, Refusal> {
        let payload: Binary = payload.decode().map_err(|_| Refusal::BadArgument)?;
        let class = class.decode().ok().and_then(Class::new).ok_or(Refusal::BadArgument)?;
        let except = elements(except, |pid| match pid_of(pid) {
            Err(Refusal::NotLocal) => Ok(None), // it is not subscribed, so it is left out
            pid => pid.map(Some),
        })?;
        open.fanout.check_payload(payload.len()).map_err(refusal)?;
        let event = Event::new(OrderKey(0), &payload[..]).class(class);
        Ok(Sent { event, except: except.into_iter().flatten().collect() })
    }

    fn publish(self, open: &Open, book: &Book, query: Query) -> Result<Published, Refusal> {
        let except = self.except.iter().filter_map(|pid| Some(book.entries.get(pid)?.session));
        let query = if self.except.is_empty() { query } else { query.except_all(except) };
        open.publish(book, query, self.event)
    }
}

#[rustler::nif]
fn registry_publish<'a>(
    env: Env<'a>,
    registry: Term<'a>,
    topic: Term<'a>,
    payload: Term<'a>,
    class: Term<'a>,
    except: Term<'a>,
) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        if is_longer(except, EXCEPT_AT_ONCE) {
            return Ok(atoms::dirty().encode(env));
        }
        let (name, sent) = (encode(topic)?, Sent::of(open, payload, class, except)?);
        let book = open.book();
        let topic = book.topics.get(&name[..]).copied().unwrap_or(NOBODY);
        Ok(sent.publish(open, &book, Query::topic(topic))?.encode(env))
    })
}

/// What the elements of a list are. (Rustler's own way through a list panics where it is improper, and a panic on a
/// registry poisons it.)
fn elements<'a, T>(list: Term<'a>, of: impl Fn(Term<'a>) -> Result<T, Refusal>) -> Result<Vec<T>, Refusal> {
    let (mut rest, mut all) = (list, Vec::new());
    while let Ok((head, tail)) = rest.list_get_cell() {
        all.push(of(head)?);
        rest = tail;
    }
    if rest.is_empty_list() { Ok(all) } else { Err(Refusal::BadArgument) }
}

/// Whether a list has more elements than that, without a look at the others.
fn is_longer(list: Term, most: usize) -> bool {
    let behind = (0..=most).try_fold(list, |rest, _| rest.list_get_cell().map(|(_, tail)| tail));
    behind.is_ok()
}

/// To whoever is subscribed to one of the topics: subscribers are merged, and many on a dirty scheduler.
fn publish_any<'a>(
    env: Env<'a>,
    [registry, topics, payload, class, except]: [Term<'a>; 5],
    scheduler: Scheduler,
) -> NifResult<Term<'a>> {
    let is_normal = scheduler == Scheduler::Normal;
    with(env, registry, |open| {
        if is_normal && (is_longer(topics, TOPICS_AT_ONCE) || is_longer(except, EXCEPT_AT_ONCE)) {
            return Ok(atoms::dirty().encode(env));
        }
        let names = elements(topics, |topic| Ok(encode(topic)?))?;
        let sent = Sent::of(open, payload, class, except)?;
        let book = open.book();
        let topics: Vec<Topic> = names.iter().filter_map(|name| book.topics.get(&name[..]).copied()).collect();
        let merged: usize = topics.iter().map(|&topic| open.fanout.topic_len(topic)).sum();
        if is_normal && merged > MERGED_AT_ONCE {
            return Ok(atoms::dirty().encode(env));
        }
        Ok(sent.publish(open, &book, Query::any_of(topics))?.encode(env))
    })
}

#[rustler::nif]
fn registry_publish_any<'a>(
    env: Env<'a>,
    registry: Term<'a>,
    topics: Term<'a>,
    payload: Term<'a>,
    class: Term<'a>,
    except: Term<'a>,
) -> NifResult<Term<'a>> {
    publish_any(env, [registry, topics, payload, class, except], Scheduler::Normal)
}

#[rustler::nif(schedule = "DirtyCpu")]
fn registry_publish_any_dirty<'a>(
    env: Env<'a>,
    registry: Term<'a>,
    topics: Term<'a>,
    payload: Term<'a>,
    class: Term<'a>,
    except: Term<'a>,
) -> NifResult<Term<'a>> {
    publish_any(env, [registry, topics, payload, class, except], Scheduler::Dirty)
}
