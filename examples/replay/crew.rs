//! A thread for each partition, as a service with threads has them. It waits for its worker, drains, and counts what
//! its sessions have read; the counters are added up when all threads have ended.
//!
//! **Turns.** A service does not write to its sockets for every event; it collects for a moment. Here the moment is so
//! many events: the main thread gives all partitions a turn, and each that has something drains once. The main thread
//! publishes on meanwhile, but gives no turn before the last one is over: logs come faster than any chat, and sessions
//! that read promptly are to lose nothing, however the threads are scheduled.
//!
//! **With the model** beside it, which knows no threads, the main thread waits for each turn to be over before it goes
//! on, so that there is one order of calls to compare.

use hdrhistogram::Histogram;
use oyez::{Batch, Fanout, Item, PartitionId, Readiness, SessionId, Took, Worker};
use oyez_driver::translate;
use oyez_model::fanout::{Handed, Seen};
use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// What the main thread does while partitions drain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// It goes on.
    Beside,
    /// It waits, and is told what they hand over.
    InStep,
}

/// How a session reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Whatever it is offered.
    Prompt,
    /// Only when it is woken.
    Slow,
    /// Never.
    Stuck,
}

/// What a thread has counted.
pub struct Counters {
    /// Bytes of payload that sessions have read.
    pub bytes_read: u64,
    /// Nanoseconds from the publish of the first event that a drain hands to a prompt session until it does.
    pub wait_ns: Histogram<u64>,
}

/// What one drain handed over.
#[derive(Default)]
pub struct HandedOver {
    /// Events for many sessions that have set out by then.
    pub set_out: u64,
    /// The batches, in the words of the model, and what the sessions took.
    pub batches: Vec<(Handed, Took)>,
}

/// The threads of all partitions, as the main one sees them.
pub struct Crew {
    fanout: Fanout,
    pacing: Pacing,
    posts: Vec<Arc<Post>>,
    threads: Vec<JoinHandle<Counters>>,
}

/// What a partition's thread shares with the main one.
struct Post {
    sessions: Mutex<HashMap<SessionId, Session>>,
    turn: Mutex<Turn>,
    turned: Condvar,
}

struct Session {
    /// Its number in the order of connecting; the model's name for it.
    name: usize,
    pace: Pace,
    /// Whether it reads the next batch although it is slow.
    is_awake: bool,
}

/// Whose turn it is.
#[derive(Default)]
struct Turn {
    /// The thread may drain once, or does.
    is_due: bool,
    is_draining: bool,
    /// No turn comes any more.
    is_over: bool,
    /// The thread has ended, or panicked.
    is_gone: bool,
    /// What each drain of the last turn handed over, if the main thread waits for it.
    handed: Vec<HandedOver>,
}

impl Crew {
    pub fn new(fanout: &Fanout, partitions: u8, pacing: Pacing, epoch: Instant) -> Self {
        let post = || Post { sessions: Mutex::default(), turn: Mutex::default(), turned: Condvar::new() };
        let posts: Vec<_> = (0..partitions).map(|_| Arc::new(post())).collect();
        let threads = posts.iter().zip(0..).map(|(post, partition)| {
            let worker = fanout.worker(PartitionId(partition)).expect("nobody else takes one");
            let (fanout, post) = (fanout.clone(), Arc::clone(post));
            let hand = Hand { fanout, post, pacing, epoch, is_timed: false, counters: Counters::default() };
            thread::spawn(move || hand.work(worker))
        });
        Crew { fanout: fanout.clone(), pacing, threads: threads.collect(), posts }
    }

    /// A session has connected. To be called before events come for it.
    pub fn add(&self, partition: usize, session: SessionId, name: usize, pace: Pace) {
        self.posts[partition].sessions().insert(session, Session { name, pace, is_awake: false });
    }

    pub fn remove(&self, partition: usize, session: SessionId) {
        self.posts[partition].sessions().remove(&session);
    }

    pub fn remove_all(&self) {
        self.posts.iter().for_each(|post| post.sessions().clear());
    }

    /// Slow sessions read the next batch they are offered, and take more. Returns their names, in the order in which
    /// they connected: the model wakes them in the same.
    pub fn wake_slow(&self) -> Vec<usize> {
        let mut slow = Vec::new();
        for post in &self.posts {
            for (session, state) in post.sessions().iter_mut().filter(|(_, state)| state.pace == Pace::Slow) {
                state.is_awake = true;
                slow.push((state.name, *session));
            }
        }
        slow.sort_unstable();
        for (_, session) in &slow {
            self.fanout.writable(*session).expect("it is connected");
        }
        slow.into_iter().map(|(name, _)| name).collect()
    }

    /// Gives all partitions a turn. Returns what each handed over, in step; nothing otherwise.
    pub fn drain(&mut self) -> Vec<Vec<HandedOver>> {
        match self.pacing {
            Pacing::Beside => {
                self.await_all();
                self.give_turns();
                Vec::new()
            }
            Pacing::InStep => {
                self.give_turns();
                self.await_all();
                self.posts.iter().map(|post| std::mem::take(&mut post.turn().handed)).collect()
            }
        }
    }

    /// As [`drain`](Self::drain), but nothing is left that a session would read.
    pub fn settle(&mut self) -> Vec<Vec<HandedOver>> {
        let handed = self.drain();
        self.await_all();
        handed
    }

    fn give_turns(&self) {
        for post in &self.posts {
            post.turn().is_due = true;
            post.turned.notify_all();
        }
    }

    /// Waits until the last turn is over: each partition has drained, or has nothing to do.
    fn await_all(&mut self) {
        for partition in 0..self.posts.len() {
            let post = Arc::clone(&self.posts[partition]);
            let mut turn = post.turn();
            while turn.is_due {
                // In this order, with the turn locked: whose worker has taken the last session is draining.
                if self.fanout.stats().partitions[partition].ready == 0 && !turn.is_draining {
                    turn.is_due = false;
                } else if turn.is_gone {
                    drop(turn);
                    return self.join_one(partition);
                } else {
                    turn = post.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// A thread ended early: its panic becomes ours.
    fn join_one(&mut self, partition: usize) {
        match self.threads.swap_remove(partition).join() {
            Ok(_) => unreachable!("it ends when the fan-out is closed"),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Closes the fan-out, lets the threads drain to the end, and adds up what they counted. Everyone who does not read
    /// must have been disconnected.
    pub fn finish(&mut self) -> Counters {
        let mut sum = Counters::default();
        for counters in self.end() {
            match counters {
                Ok(counters) => sum.add(&counters),
                Err(panic) => resume_unwind(panic),
            }
        }
        sum
    }

    fn end(&mut self) -> Vec<thread::Result<Counters>> {
        self.fanout.close();
        for post in &self.posts {
            post.turn().is_over = true;
            post.turned.notify_all();
        }
        self.threads.drain(..).map(JoinHandle::join).collect()
    }
}

impl Drop for Crew {
    /// Of a replay that ended early, threads do not outlive it.
    fn drop(&mut self) {
        for partition in 0..self.posts.len() {
            let _ = self.fanout.drop_partition(PartitionId(partition as u16));
        }
        // What a thread has panicked with was told, or something else is being told.
        self.end();
    }
}

impl Post {
    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<SessionId, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the thread may drain, and says that it does.
    fn begin_turn(&self) {
        let turn = self.turned.wait_while(self.turn(), |turn| !turn.is_due && !turn.is_over);
        turn.unwrap_or_else(PoisonError::into_inner).is_draining = true;
    }

    fn end_turn(&self, handed: Vec<HandedOver>) {
        let mut turn = self.turn();
        turn.is_draining = false;
        turn.is_due = false;
        turn.handed = handed;
        self.turned.notify_all();
    }
}

/// A partition's thread.
struct Hand {
    fanout: Fanout,
    post: Arc<Post>,
    pacing: Pacing,
    /// What publishes are dated from.
    epoch: Instant,
    /// Whether this drain has been timed.
    is_timed: bool,
    counters: Counters,
}

impl Hand {
    fn work(mut self, mut worker: Worker) -> Counters {
        let _gone = Gone(Arc::clone(&self.post));
        while worker.wait() == Readiness::Ready {
            self.drain(&mut worker);
        }
        self.counters
    }

    fn drain(&mut self, worker: &mut Worker) {
        self.post.begin_turn();
        let mut turn = Vec::new();
        loop {
            let mut handed = HandedOver::default();
            self.is_timed = false;
            let drained = worker.drain(usize::MAX, |session, batch| self.take(session, batch, &mut handed));
            (handed.set_out, _) = self.fanout.schedule(worker.partition());
            turn.push(handed);
            if drained.resume_panics().ready == 0 {
                break;
            }
        }
        self.post.end_turn(turn);
    }

    /// Times the first prompt session of a drain, which has waited longest.
    fn time(&mut self, batch: Batch<'_>) {
        self.is_timed = true;
        let oldest = batch.iter().find_map(|item| if let Item::Event(_, event) = item { Some(event) } else { None });
        if let Some(event) = oldest {
            let now = u64::try_from(self.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.counters.wait_ns.saturating_record(now.saturating_sub(event.metadata));
        }
    }

    fn take(&mut self, session: SessionId, batch: Batch<'_>, handed: &mut HandedOver) -> Took {
        let (name, pace, reads) = match self.post.sessions().get_mut(&session) {
            Some(Session { name, pace, is_awake }) => match pace {
                Pace::Prompt => (*name, *pace, true),
                Pace::Slow => (*name, *pace, std::mem::take(is_awake)),
                Pace::Stuck => (*name, *pace, false),
            },
            // Disconnected while its batch was on the way.
            None => return Took::NONE,
        };
        if pace == Pace::Prompt && !self.is_timed {
            self.time(batch);
        }
        let took = if reads { Took::ALL } else { Took::NONE };
        if reads {
            let payloads =
                batch.iter().map(|item| if let Item::Event(_, event) = item { event.payload.len() } else { 0 });
            self.counters.bytes_read += payloads.sum::<usize>() as u64;
        }
        if self.pacing == Pacing::InStep {
            let items = batch.iter().map(translate::item).collect();
            handed.batches.push((Handed { who: name, items, seen: Seen::Nothing }, took));
        }
        took
    }
}

/// Tells, even when the thread panics.
struct Gone(Arc<Post>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.turn().is_gone = true;
        self.0.turned.notify_all();
    }
}

impl Default for Counters {
    fn default() -> Self {
        Counters { bytes_read: 0, wait_ns: histogram() }
    }
}

impl Counters {
    fn add(&mut self, other: &Counters) {
        self.bytes_read += other.bytes_read;
        self.wait_ns.add(&other.wait_ns).expect("both have the same bounds");
    }
}

/// From a nanosecond to ten seconds, to two digits.
pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 2).expect("the bounds are in order")
}

#[cfg(test)]
mod tests {
    use super::*;
    use oyez::{Event, FanoutOptions, OrderKey, Query, Topic};

    const ROOM: Topic = Topic(7);

    fn crew(pacing: Pacing) -> (Fanout, Crew) {
        let fanout = Fanout::new(FanoutOptions::default().partitions(2));
        let crew = Crew::new(&fanout, 2, pacing, Instant::now());
        for (name, pace) in [Pace::Prompt, Pace::Slow, Pace::Stuck, Pace::Prompt].into_iter().enumerate() {
            let session = fanout.connect(PartitionId(name as u16 % 2)).unwrap();
            crew.add(name % 2, session, name, pace);
            fanout.subscribe(session, ROOM).unwrap();
        }
        (fanout, crew)
    }

    fn publish(fanout: &Fanout) {
        fanout.publish(&Query::topic(ROOM), Event::new(OrderKey(1), *b"hello")).unwrap();
    }

    #[test]
    fn when_it_is_settled_everyone_who_reads_has_everything() {
        for pacing in [Pacing::Beside, Pacing::InStep] {
            let (fanout, mut crew) = crew(pacing);
            for delivered in (2..=100).step_by(2) {
                publish(&fanout);
                crew.drain();
                crew.settle();
                assert_eq!(fanout.stats().accounting().delivered, delivered);
            }
            assert_eq!(fanout.stats().lagging(), 2);
            assert_eq!(crew.wake_slow(), [1]);
            crew.settle();
            assert_eq!(fanout.stats().accounting().delivered, 150);
            crew.remove_all();
            (0..2).for_each(|partition| assert_eq!(fanout.drop_partition(PartitionId(partition)), Ok(2)));
            assert_eq!(crew.finish().bytes_read, 150 * 5);
        }
    }

    #[test]
    fn in_step_each_turn_tells_what_it_handed_over() {
        let (fanout, mut crew) = crew(Pacing::InStep);
        assert!(crew.drain().iter().flatten().all(|handed| handed.batches.is_empty()));
        publish(&fanout);
        let took = |(handed, took): &(Handed, Took)| (handed.who, *took);
        let names =
            |turn: &Vec<HandedOver>| turn.iter().flat_map(|handed| &handed.batches).map(took).collect::<Vec<_>>();
        let handed: Vec<_> = crew.drain().iter().map(names).collect();
        assert_eq!(handed, [[(0, Took::ALL), (2, Took::NONE)], [(1, Took::NONE), (3, Took::ALL)]]);
    }

    #[test]
    fn a_crew_that_is_dropped_early_ends_its_threads() {
        for pacing in [Pacing::Beside, Pacing::InStep] {
            let (fanout, crew) = crew(pacing);
            publish(&fanout);
            drop(crew);
            assert!(fanout.is_closed());
            assert!(fanout.worker(PartitionId(1)).is_ok(), "its thread has let go of it");
        }
    }
}
