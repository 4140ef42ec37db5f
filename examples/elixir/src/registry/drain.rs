//! What a sender does: one slice of a partition.
//!
//! A slice is so many events that it takes a fraction of a millisecond. What the library does at the beginning of a
//! drain is not bounded by that: when many sessions with queues and many events meet, the slice is left to a dirty
//! scheduler.

use super::bell::{Bell, Ended};
use super::messages::Messages;
use super::{Open, Partition, Refusal, Scheduler, with};
use crate::atoms;
use crate::guard::took;
use oyez::{DrainLimit, Readiness, SessionId, Took, Worker};
use rustler::{Atom, Env, LocalPid, NifResult, Term};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::task::{Context, Poll, Waker};

/// Events in one slice on a normal scheduler, and on a dirty one.
const EVENTS_A_SLICE: usize = 1_000;
const EVENTS_A_DIRTY_SLICE: usize = 50_000;
/// Subscriptions that are ended in one slice, with the processes that had them.
const ENDED_A_SLICE: usize = 500;
/// Events that queues take in at the beginning of a drain on a normal scheduler.
const TAKEN_IN_MAX: usize = 10_000;
/// A timeslice, which the emulator takes for a millisecond, is so many messages.
const EVENTS_A_TIMESLICE: usize = 3_000;

/// What the one reader of a partition works with.
pub(super) struct Serving {
    worker: Worker,
    ended: Receiver<Ended>,
    waker: Waker,
}

impl Serving {
    pub fn new(worker: Worker, ended: Receiver<Ended>, bell: Arc<Bell>) -> Self {
        Serving { worker, ended, waker: Waker::from(bell) }
    }
}

impl Scheduler {
    fn limit(self) -> DrainLimit {
        DrainLimit::default().items(match self {
            Scheduler::Normal => EVENTS_A_SLICE,
            Scheduler::Dirty => EVENTS_A_DIRTY_SLICE,
        })
    }
}

#[rustler::nif]
fn registry_serve<'a>(env: Env<'a>, registry: Term<'a>, partition: u16) -> NifResult<Term<'a>> {
    with(env, registry, |open| {
        open.partition(partition)?.bell.belongs_to(env.pid());
        Ok(atoms::ok())
    })
}

/// Sends a slice: `more` if there is another, `idle` if the sender will be called, `dirty` if this is one for a dirty
/// scheduler.
#[rustler::nif]
fn registry_drain<'a>(env: Env<'a>, registry: Term<'a>, partition: u16, tag: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| open.drain(env, partition, tag, Scheduler::Normal))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn registry_drain_dirty<'a>(env: Env<'a>, registry: Term<'a>, partition: u16, tag: Term<'a>) -> NifResult<Term<'a>> {
    with(env, registry, |open| open.drain(env, partition, tag, Scheduler::Dirty))
}

impl Open {
    fn drain<'a>(&self, env: Env<'a>, partition: u16, tag: Term<'a>, scheduler: Scheduler) -> Result<Atom, Refusal> {
        let partition = self.partition(partition)?;
        let mut serving = partition.serving.lock().take().ok_or(Refusal::BadArgument)?;
        partition.bell.come();
        let mut messages = Messages::new(env, tag);
        let ended = self.end_some(env, partition, &serving.ended, &messages);
        let stats = self.fanout.stats().partitions[usize::from(partition.id.0)];
        let next = if scheduler == Scheduler::Normal && stats.queues * stats.events_in_log > TAKEN_IN_MAX {
            atoms::dirty()
        } else {
            let sent = send(env, partition, &mut serving.worker, scheduler.limit(), &mut messages);
            if scheduler == Scheduler::Normal {
                took(env, (ended + sent) * 100 / EVENTS_A_TIMESLICE);
            }
            let readiness = serving.worker.poll_ready(&mut Context::from_waker(&serving.waker));
            let is_idle = ended < ENDED_A_SLICE && readiness != Poll::Ready(Readiness::Ready);
            if is_idle { atoms::idle() } else { atoms::more() }
        };
        *partition.serving.lock() = Some(serving);
        Ok(next)
    }

    /// Ends sessions whose processes have died or that have overflowed; returns how much there was to do.
    fn end_some(&self, env: Env, partition: &Partition, ended: &Receiver<Ended>, messages: &Messages) -> usize {
        let mut done = 0;
        while done < ENDED_A_SLICE {
            let Ok(ended) = ended.try_recv() else { break };
            done += 1;
            match ended {
                Ended::Died(session) => done += self.end(partition, session).map_or(0, |(_, topics)| topics),
                Ended::Overflowed(session) => {
                    if let Some((pid, topics)) = self.end(partition, session) {
                        done += topics;
                        // If it has died as well, nobody needs to know.
                        _ = env.send(&pid, messages.overflowed());
                    }
                }
            }
        }
        done
    }

    /// The process of a session that ends here, and how many topics it had; `None` if it has ended before. The book is
    /// locked first: else the process could leave in between and join again, and its new session would end.
    fn end(&self, partition: &Partition, session: SessionId) -> Option<(LocalPid, usize)> {
        let mut book = self.book();
        let pid = *partition.processes.lock().get(&session)?;
        let left = self.leave(&mut book, &pid)?;
        drop(book); // and then what has left
        Some((pid, left.topics.len()))
    }
}

/// Sends what a slice of sessions have pending; returns the number of events.
fn send<'a>(
    env: Env<'a>,
    partition: &Partition,
    worker: &mut Worker,
    limit: DrainLimit,
    messages: &mut Messages<'a>,
) -> usize {
    let drained = worker.drain_within(limit, |session, batch| {
        let pid = partition.processes.lock().get(&session).copied();
        if let Some(pid) = pid {
            // An error: it has died, and its end is on its way.
            _ = env.send(&pid, messages.of(batch));
        }
        Took::ALL
    });
    let drained = drained.resume_panics();
    drained.overflowed.iter().for_each(|&session| partition.bell.tell_overflowed(session));
    drained.items
}
