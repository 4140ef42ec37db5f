//! Processes that subscribe to topics, and the events that reach them.
//!
//! A process is a session of a `Fanout`, on the partition that its pid says. The library knows sessions and numbers;
//! which process and which topic they stand for is in the `book.rs`. Each partition is read by one Erlang process, its
//! sender, which asks for one slice after the other (`drain.rs`) and waits to be called when there is nothing
//! (`bell.rs`). A process that dies is told by its monitor (`subscriber.rs`).
//!
//! **Locks.** The book is locked for one change or one publish, and then the locks of the library; a partition's list
//! of processes for one look. None is held while a message is sent, and `down` takes none.

mod bell;
mod book;
mod drain;
mod messages;
mod options;
mod publish;
mod subscriber;

use crate::atoms;
use crate::closable::Closable;
use crate::encode::encode;
use crate::guard::{Refusal, guard, took};
use crate::reaper::reap;
use bell::Bell;
use book::{Book, Entry, NOBODY};
use drain::Serving;
use options::Options;
use oyez::{
    AcknowledgeError, ConnectError, Fanout, Joined, PartitionId, PartitionStats, Query, Sequence, SessionId,
    SessionOptions, SubscribeError, Subscribed, Topic, Unsubscribed,
};
use parking_lot::{Mutex, MutexGuard};
use rustler::{Encoder, Env, LocalPid, NifResult, Resource, ResourceArc, Term, term_map};
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use subscriber::Subscriber;

/// Events that one message may bring: a slice is a number of processes, so a number of events has to bound it too.
const EVENTS_A_MESSAGE: usize = 32;

/// Where a call runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheduler {
    Normal,
    Dirty,
}

struct Registry(Closable<Arc<Open>>);

/// What a registry is until it is closed.
struct Open {
    fanout: Fanout,
    book: Mutex<Book>,
    partitions: Box<[Partition]>,
    /// Spreads the pids over the partitions.
    spread: RandomState,
}

struct Partition {
    id: PartitionId,
    bell: Arc<Bell>,
    /// Which process a session is: the library hands out sessions.
    processes: Mutex<ahash::AHashMap<SessionId, LocalPid>>,
    /// Taken out while the sender drains.
    serving: Mutex<Option<Serving>>,
}

#[rustler::resource_impl]
impl Resource for Registry {
    fn destructor(self, _env: Env<'_>) {
        self.0.into_inner().into_iter().for_each(|open| drop(InUse(Some(open))));
    }
}

/// An open registry in the hands of a call. Whoever is the last to let go of it leaves it to the reaper.
struct InUse(Option<Arc<Open>>);

impl Deref for InUse {
    type Target = Open;

    fn deref(&self) -> &Open {
        self.0.as_ref().expect("taken only when dropped")
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.take().and_then(Arc::into_inner).into_iter().for_each(reap);
    }
}

/// Runs the body of a NIF on an open registry, and calls the senders that it gave something to do.
fn with<'a, T: Encoder>(
    env: Env<'a>,
    registry: Term<'a>,
    body: impl FnOnce(&Open) -> Result<T, Refusal>,
) -> NifResult<Term<'a>> {
    guard(env, || {
        let registry: &Registry = registry.try_get_resource().ok_or(Refusal::BadReference)?;
        took(env, 1);
        let open = InUse(Some(registry.0.read(|open| Ok(Arc::clone(open)))?));
        let answer = registry.0.watched(|| body(&open));
        open.partitions.iter().for_each(|partition| partition.bell.answer(env));
        answer
    })
}

fn pid_of(term: Term) -> Result<LocalPid, Refusal> {
    if !term.is_pid() {
        return Err(Refusal::BadArgument);
    }
    term.decode().map_err(|_| Refusal::NotLocal)
}

#[rustler::nif]
fn registry_new<'a>(env: Env<'a>, options: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let options: Options = options.decode().map_err(|_| Refusal::BadArgument)?;
        Ok(ResourceArc::new(Registry(Closable::new(Arc::new(Open::new(options)?)))))
    })
}

impl Open {
    fn new(options: Options) -> Result<Self, Refusal> {
        let partitions = options.partitions;
        let fanout = Fanout::new(options.of_the_library()?);
        let partitions = (0..partitions).map(|number| Partition::of(&fanout, PartitionId(number))).collect();
        Ok(Open { fanout, book: Mutex::default(), partitions, spread: RandomState::new() })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock()
    }

    fn partition(&self, number: u16) -> Result<&Partition, Refusal> {
        self.partitions.get(usize::from(number)).ok_or(Refusal::NoSuchPartition)
    }

    /// Where a process belongs.
    fn home(&self, pid: &LocalPid) -> &Partition {
        &self.partitions[(self.spread.hash_one(pid) % self.partitions.len() as u64) as usize]
    }

    /// The session of a process, which is made if there is none. Its entry stands before its monitor: if the process
    /// dies at once, `down` names a session that is known.
    fn join(
        &self,
        env: Env,
        book: &mut Book,
        pid: LocalPid,
        window: usize,
    ) -> Result<(SessionId, Subscribed), Refusal> {
        if let Some(entry) = book.entries.get(&pid) {
            return Ok((entry.session, Subscribed::Already));
        }
        let partition = self.home(&pid);
        let options = SessionOptions::default();
        let options = if window > 0 { options.window(window) } else { options };
        let session = self.fanout.connect_with(partition.id, options)?;
        let subscriber = ResourceArc::new(Subscriber { session, bell: Arc::clone(&partition.bell) });
        partition.processes.lock().insert(session, pid);
        let entry = Entry { session, topics: Vec::new(), subscriber: ResourceArc::clone(&subscriber) };
        book.entries.insert(pid, entry);
        if env.monitor(&subscriber, &pid).is_none() {
            self.leave(book, &pid);
            return Err(Refusal::NoProcess);
        }
        Ok((session, Subscribed::New))
    }

    /// Ends the session of a process; whether there was one. The monitor goes with the resource.
    fn leave(&self, book: &mut Book, pid: &LocalPid) -> Option<Entry> {
        let entry = book.entries.remove(pid)?;
        self.home(pid).processes.lock().remove(&entry.session);
        // It may have ended by itself: its queue was full.
        _ = self.fanout.disconnect(entry.session);
        for &topic in &entry.topics {
            self.forget_if_empty(book, topic);
        }
        Some(entry)
    }

    fn forget_if_empty(&self, book: &mut Book, topic: Topic) {
        if self.fanout.topic_len(topic) == 0 {
            book.forget(topic);
        }
    }
}

impl Partition {
    fn of(fanout: &Fanout, id: PartitionId) -> Self {
        let (bell, ended) = Bell::new();
        let worker = fanout.worker(id).expect("the partition is new");
        let serving = Serving::new(worker, ended, Arc::clone(&bell));
        Partition { id, bell, processes: Mutex::default(), serving: Mutex::new(Some(serving)) }
    }
}

#[rustler::nif]
fn registry_join<'a>(env: Env<'a>, registry: Term<'a>, pid: Term<'a>, window: usize) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let pid = pid_of(pid)?;
        let (_, subscribed) = open.join(env, &mut open.book(), pid, window)?;
        Ok(match subscribed {
            Subscribed::New => atoms::ok(),
            Subscribed::Already => atoms::already(),
        })
    })
}

#[rustler::nif]
fn registry_leave<'a>(env: Env<'a>, registry: Term<'a>, pid: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let pid = pid_of(pid)?;
        let left = open.leave(&mut open.book(), &pid); // dropped when the book is free
        Ok(if left.is_some() { atoms::ok() } else { atoms::was_not() })
    })
}

#[rustler::nif]
fn registry_subscribe<'a>(
    env: Env<'a>,
    registry: Term<'a>,
    topic: Term<'a>,
    pid: Term<'a>,
    window: usize,
) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let (name, pid) = (encode(topic)?, pid_of(pid)?);
        let book = &mut *open.book();
        let (session, _) = open.join(env, book, pid, window)?;
        let topic = book.number(&name);
        let Joined { subscribed, after, .. } = match open.fanout.subscribe(session, topic) {
            Ok(joined) => joined,
            Err(error) => {
                open.forget_if_empty(book, topic);
                return Err(error.into());
            }
        };
        let answer = match subscribed {
            Subscribed::New => {
                book.entries.get_mut(&pid).ok_or(Refusal::NotJoined)?.topics.push(topic);
                atoms::ok()
            }
            Subscribed::Already => atoms::already(),
        };
        Ok((answer, after.0))
    })
}

#[rustler::nif]
fn registry_unsubscribe<'a>(env: Env<'a>, registry: Term<'a>, topic: Term<'a>, pid: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let (name, pid) = (encode(topic)?, pid_of(pid)?);
        let book = &mut *open.book();
        let Some(topic) = book.topics.get(&name[..]).copied() else { return Ok(atoms::was_not()) };
        let Some(entry) = book.entries.get_mut(&pid) else { return Ok(atoms::was_not()) };
        entry.topics.retain(|&subscribed| subscribed != topic);
        let unsubscribed = open.fanout.unsubscribe(entry.session, topic);
        open.forget_if_empty(book, topic);
        Ok(match unsubscribed {
            Ok(Unsubscribed::Left) => atoms::left(),
            Ok(Unsubscribed::WasNot) | Err(_) => atoms::was_not(),
        })
    })
}

#[rustler::nif]
fn registry_acknowledge<'a>(env: Env<'a>, registry: Term<'a>, pid: Term<'a>, through: u64) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let pid = pid_of(pid)?;
        let session = open.book().entries.get(&pid).ok_or(Refusal::NotJoined)?.session;
        Ok((atoms::ok(), open.fanout.acknowledge(session, Sequence(through))?))
    })
}

#[rustler::nif]
fn registry_count<'a>(env: Env<'a>, registry: Term<'a>, topic: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let name = encode(topic)?;
        let topic = open.book().topics.get(&name[..]).copied();
        Ok(topic.map_or(0, |topic| open.fanout.topic_len(topic)))
    })
}

/// The processes that are subscribed to a topic, in no order. O(n): on a dirty scheduler.
#[rustler::nif(schedule = "DirtyCpu")]
fn registry_subscribers<'a>(env: Env<'a>, registry: Term<'a>, topic: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let name = encode(topic)?;
        let topic = open.book().topics.get(&name[..]).copied().unwrap_or(NOBODY);
        let audience = open.fanout.audience(&Query::topic(topic));
        let mut pids = Vec::with_capacity(audience.count());
        for (partition, sessions) in audience.partitions() {
            let processes = &open.partition(partition.0)?.processes;
            pids.extend(sessions.iter().filter_map(|session| processes.lock().get(session).copied()));
        }
        Ok(pids)
    })
}

#[rustler::nif]
fn registry_stats<'a>(env: Env<'a>, registry: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        let stats = open.fanout.stats();
        let sum = stats.accounting();
        let down_panics: u64 =
            open.partitions.iter().map(|partition| partition.bell.down_panics.load(Ordering::Relaxed)).sum();
        let total = |of: fn(&PartitionStats) -> usize| stats.partitions.iter().map(of).sum::<usize>();
        let book = open.book();
        Ok(term_map!(env, {
            atoms::subscribers() => book.entries.len(),
            atoms::topics() => book.topics.len(), // not the library's: who forgets a name leaks it
            atoms::subscriptions() => stats.registry.subscriptions,
            atoms::published() => stats.published,
            atoms::accepted() => sum.accepted,
            atoms::delivered() => sum.delivered,
            atoms::dropped() => sum.dropped,
            atoms::discarded() => sum.discarded.total(),
            atoms::abandoned() => sum.abandoned,
            atoms::pending() => sum.pending,
            atoms::refused() => stats.refused(),
            atoms::gaps() => stats.gaps(),
            atoms::unacknowledged() => total(|partition| partition.unacknowledged),
            atoms::bytes() => total(|partition| partition.bytes),
            atoms::down_panics() => down_panics,
        }))
    })
}

/// Takes in no more events; what was accepted is still sent.
#[rustler::nif]
fn registry_shut<'a>(env: Env<'a>, registry: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        open.fanout.close();
        Ok(atoms::ok())
    })
}

#[rustler::nif]
fn registry_close<'a>(env: Env<'a>, registry: Term<'a>) -> NifResult<Term<'a>> {
    guard(env, || {
        let registry: &Registry = registry.try_get_resource().ok_or(Refusal::BadReference)?;
        registry.0.close().into_iter().for_each(|open| drop(InUse(Some(open))));
        Ok(atoms::ok())
    })
}

impl From<ConnectError> for Refusal {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NoSuchPartition(_) => Refusal::NoSuchPartition,
            _ => Refusal::Full,
        }
    }
}

impl From<SubscribeError> for Refusal {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::NoSuchSession => Refusal::NotJoined,
            _ => Refusal::TooManyTopics,
        }
    }
}

impl From<AcknowledgeError> for Refusal {
    fn from(error: AcknowledgeError) -> Self {
        match error {
            AcknowledgeError::NotHandedOver { last } => Refusal::NotHandedOver { last: last.0 },
            _ => Refusal::NotJoined,
        }
    }
}
