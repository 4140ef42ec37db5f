//! One run of all the threads, from an empty fan-out to a closed and drained one.

use crate::actor::{Actor, Answer, OfTheHost};
use crate::history::{Counts, End, Entry, History, Item, Quiet};
use oyez::{Accounting, Class, Fanout, FanoutOptions, OnPanic, Overload, PartitionId, Readiness, SessionId, Topic};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

/// What differs between rounds.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    partitions: u16,
    on_panic: OnPanic,
    events_per_session_max: usize,
    batch_max: usize,
    round_sessions: usize,
    log_sessions_min: usize,
    bytes_per_partition_max: usize,
    /// Bytes of a payload beyond the name, at most.
    padding_max: usize,
    /// One event in a hundred is so large that it fits into no partition; 0: none is.
    oversize: usize,
    /// Whether a partition is dropped in the middle.
    drops_partition: bool,
}

const PLAIN: Kind = Kind {
    partitions: 3,
    on_panic: OnPanic::Abandon,
    events_per_session_max: 64,
    batch_max: 256,
    round_sessions: 64,
    log_sessions_min: 64,
    bytes_per_partition_max: 256 << 20,
    padding_max: 32,
    oversize: 0,
    drops_partition: false,
};

pub const KINDS: [Kind; 5] = [
    PLAIN,
    Kind { log_sessions_min: 1, events_per_session_max: 16, batch_max: 48, ..PLAIN },
    Kind {
        partitions: 2,
        on_panic: OnPanic::Keep,
        events_per_session_max: 24,
        batch_max: 7,
        round_sessions: 4,
        log_sessions_min: 3,
        ..PLAIN
    },
    Kind {
        partitions: 4,
        bytes_per_partition_max: 120_000,
        oversize: 120_000,
        padding_max: 1_500,
        events_per_session_max: 200,
        ..PLAIN
    },
    Kind {
        on_panic: OnPanic::Keep,
        drops_partition: true,
        events_per_session_max: 400,
        batch_max: 32,
        log_sessions_min: 2,
        ..PLAIN
    },
];

/// Everyone who stays is subscribed to it: 90 sessions and some guests in each partition.
const ALL: Topic = Topic(1);
/// Of about as many in each partition as make a topic a large one, more or less at times.
const EDGE: Topic = Topic(2);
/// Of every second one who stays.
const HALF: Topic = Topic(3);
/// Topics of a few, from this number on.
const FEW: u64 = 10;
const FEW_COUNT: u64 = 12;
/// In so many of them is someone who stays.
const STAYERS_IN_FEW: u64 = 5;
/// Subscribed to within callbacks only: a session's subscription to a topic is changed by one thread at a time.
const WITHIN: Topic = Topic(100);

const STAYERS_PER_PARTITION: u16 = 90;
const EDGE_PER_PARTITION: u16 = 60;
const EVENTS_PER_PUBLISHER: usize = 450;
const PUBLISHERS: u64 = 3;

/// How long a thread may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Round {
    kind: Kind,
    seed: u64,
    actor: Actor,
    stayers: Arc<HashSet<SessionId>>,
    phase: Arc<Phase>,
}

/// What the threads know of each other.
#[derive(Default)]
struct Phase {
    /// Publishers that have not ended.
    publishing: AtomicUsize,
    /// Workers within a drain.
    draining: AtomicUsize,
    /// `BUSY`, and `CALM` when hosts take everything, so that all is drained in the end.
    mood: AtomicU8,
}

const BUSY: u8 = 0;
const CALM: u8 = 1;

/// What a worker's callback tells of a session to the thread that answers for the clients.
#[derive(Clone, Copy)]
enum Note {
    Lags(SessionId),
    Parked(SessionId),
    Has(SessionId, u64),
    Came(SessionId),
}

impl Round {
    pub fn new(kind: Kind, seed: u64) -> Self {
        let options = FanoutOptions::default()
            .partitions(kind.partitions)
            .on_panic(kind.on_panic)
            .events_per_session_max(kind.events_per_session_max)
            .batch_max(kind.batch_max)
            .round_sessions(kind.round_sessions)
            .log_sessions_min(kind.log_sessions_min)
            .bytes_per_partition_max(kind.bytes_per_partition_max)
            .overload(class(1), Overload::DropNewest)
            .overload(class(2), Overload::Disconnect);
        let mut actor = Actor::new(Fanout::new(options));
        let mut stayers = HashSet::new();
        for at in 0..STAYERS_PER_PARTITION * kind.partitions {
            let session = stayer(&mut actor, at / kind.partitions, at % kind.partitions);
            stayers.insert(session);
        }
        let phase = Phase { publishing: AtomicUsize::new(PUBLISHERS as usize), ..Phase::default() };
        Round { kind, seed, actor, stayers: Arc::new(stayers), phase: Arc::new(phase) }
    }

    fn rng(&self, number: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed * 1_000 + number)
    }

    pub fn run(mut self) -> History {
        let (notes, to_clients) = channel();
        let workers: Vec<_> = (0..self.kind.partitions).map(|partition| self.spawn_worker(partition, &notes)).collect();
        let publishers: Vec<_> = (1..=PUBLISHERS).map(|key| self.spawn_publisher(key)).collect();
        let last_publisher = self.spawn_last_publisher(PUBLISHERS + 1);
        let churn = self.spawn_churn(notes);
        let clients = self.spawn_clients(to_clients);

        let mut threads: Vec<Vec<Entry>> =
            publishers.into_iter().map(|handle| self.join(handle, "a publisher")).collect();
        threads.push(self.join(churn, "churn"));
        self.phase.mood.store(CALM, Ordering::SeqCst);
        threads.push(self.join(clients, "clients"));
        let quiet = self.close();
        threads.push(self.join(last_publisher, "the last publisher"));
        threads.extend(workers.into_iter().map(|handle| self.join(handle, "a worker")));
        self.actor.fanout.validate().unwrap();
        let end = end(&self.actor, quiet);
        threads.push(self.actor.into_entries());
        History { threads, keeps_on_panic: self.kind.on_panic == OnPanic::Keep, end }
    }

    /// Waits for a thread; not for ever, because a worker that nobody wakes would not fail, but hang.
    fn join(&self, handle: JoinHandle<Vec<Entry>>, who: &str) -> Vec<Entry> {
        let start = Instant::now();
        while !handle.is_finished() {
            assert!(start.elapsed() < PATIENCE, "{who} hangs: {:#?}", self.actor.fanout.stats());
            sleep(Duration::from_micros(200));
        }
        handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// As a host shuts down: most clients are told to take the rest, the fan-out is closed, and when nothing moves any
    /// more, who is still behind is disconnected. (Who was resumed after a worker has ended would be nobody's.) The
    /// others are left as they are: of them it shows whether a wake-up was lost.
    fn close(&mut self) -> Quiet {
        let mut rng = self.rng(1);
        let mut parked = HashSet::new();
        for session in self.actor.everyone() {
            match rng.random_range(0..40) {
                0 => {
                    self.actor.park(session);
                    parked.insert(session.to_bits());
                }
                1..20 => {
                    self.actor.resume(session, 0);
                    self.actor.writable(session);
                }
                _ => {}
            }
        }
        self.actor.fanout.close();
        let quiet = self.await_quiet();
        for &(session, pending) in &quiet.pending {
            let is_parked = parked.contains(&session);
            let session = SessionId::from_bits(session);
            match pending {
                // It may be behind all the same: with what comes again, or a gap behind a full window.
                0 => {
                    self.actor.writable(session);
                    let last = self.actor.last_handed(session);
                    let _ = self.actor.acknowledge(session, last);
                }
                _ if is_parked => {}
                _ => self.actor.disconnect(session),
            }
        }
        quiet
    }

    /// Waits until no worker has anything to do.
    fn await_quiet(&self) -> Quiet {
        let start = Instant::now();
        let has_ready = || self.actor.fanout.stats().partitions.iter().any(|partition| partition.ready > 0);
        // In this order: who has taken the last session's turn is draining, and may put it back.
        while has_ready() || self.phase.draining.load(Ordering::SeqCst) > 0 || has_ready() {
            assert!(start.elapsed() < PATIENCE, "a worker sleeps on: {:#?}", self.actor.fanout.stats());
            sleep(Duration::from_micros(200));
        }
        let pending = self.actor.everyone().into_iter().filter_map(|session| {
            let accounting = self.actor.fanout.accounting(session).ok()?;
            Some((session.to_bits(), accounting.pending))
        });
        Quiet { began: self.actor.tick(), pending: pending.collect() }
    }

    fn spawn_publisher(&self, key: u64) -> JoinHandle<Vec<Entry>> {
        let (mut actor, mut rng) = (self.actor.beside(key), self.rng(100 + key));
        let (phase, Kind { padding_max, oversize, .. }) = (Arc::clone(&self.phase), self.kind);
        thread::spawn(move || {
            let _ended = Ended(&phase.publishing);
            for at in 0..EVENTS_PER_PUBLISHER {
                if oversize > 0 && at % 100 == 0 {
                    actor.publish(&[ALL], None, class(0), oversize);
                }
                publish(&mut actor, &mut rng, padding_max);
                pause(&mut rng, 6, 400);
            }
            actor.into_entries()
        })
    }

    /// Publishes until it is refused.
    fn spawn_last_publisher(&self, key: u64) -> JoinHandle<Vec<Entry>> {
        let (mut actor, mut rng) = (self.actor.beside(key), self.rng(100 + key));
        thread::spawn(move || {
            while publish(&mut actor, &mut rng, 0) {
                sleep(Duration::from_micros(300));
            }
            actor.into_entries()
        })
    }

    fn spawn_worker(&self, partition: u16, notes: &Sender<Note>) -> JoinHandle<Vec<Entry>> {
        let mut actor = self.actor.beside(1_000 + u64::from(partition));
        let mut host = Host {
            rng: self.rng(200 + u64::from(partition)),
            partition,
            stayers: Arc::clone(&self.stayers),
            phase: Arc::clone(&self.phase),
            notes: notes.clone(),
            met: Vec::new(),
        };
        thread::spawn(move || {
            let fanout = actor.fanout.clone();
            let mut worker = fanout.worker(PartitionId(partition)).unwrap();
            loop {
                if host.rng.random_ratio(1, 50) {
                    drop(worker);
                    worker = fanout.worker(PartitionId(partition)).unwrap();
                }
                if worker.wait() == Readiness::Closed {
                    return actor.into_entries();
                }
                let sessions_max = [1, 9, 100, usize::MAX, usize::MAX][host.rng.random_range(0..5)];
                host.phase.draining.fetch_add(1, Ordering::SeqCst);
                let drain_began = actor.tick();
                let drained = worker.drain(sessions_max, |session, batch| {
                    let drain = (partition, drain_began);
                    actor.take(drain, session, batch, |actor, items| host.answer(actor, session, items))
                });
                actor.note_overflowed(drain_began, &drained.overflowed);
                host.phase.draining.fetch_sub(1, Ordering::SeqCst);
                for panic in drained.panics {
                    if !panic.payload.is::<OfTheHost>() {
                        std::panic::resume_unwind(panic.payload);
                    }
                }
                if !host.is_calm() {
                    pause(&mut host.rng, 3, 1_000);
                }
            }
        })
    }

    /// Clients that come and go, and whatever else happens to a session from outside.
    fn spawn_churn(&self, notes: Sender<Note>) -> JoinHandle<Vec<Entry>> {
        let (mut actor, mut rng) = (self.actor.beside(2_000), self.rng(2));
        let (phase, kind) = (Arc::clone(&self.phase), self.kind);
        let mut stayers: Vec<SessionId> = self.stayers.iter().copied().collect();
        stayers.sort_unstable();
        thread::spawn(move || {
            let mut guests: Vec<SessionId> = Vec::new();
            let mut drops_left = u32::from(kind.drops_partition);
            while phase.publishing.load(Ordering::SeqCst) > 0 {
                if drops_left > 0 && actor.fanout.stats().published > EVENTS_PER_PUBLISHER as u64 {
                    drops_left -= 1;
                    actor.drop_partition(0);
                    stayers.extend((0..STAYERS_PER_PARTITION).map(|at| stayer(&mut actor, at, 0)));
                }
                match rng.random_range(0..100) {
                    0..20 => guests.push(guest(&mut actor, &mut rng, kind.partitions)),
                    20..30 if !guests.is_empty() => {
                        actor.disconnect(guests.swap_remove(rng.random_range(0..guests.len())));
                    }
                    _ if guests.is_empty() => {}
                    30..45 => {
                        let everyone = [&guests[..], &stayers[..]];
                        let some = everyone[usize::from(rng.random_ratio(1, 3))];
                        actor.move_to(some[rng.random_range(0..some.len())], rng.random_range(0..kind.partitions));
                    }
                    45..80 => {
                        let guest = guests[rng.random_range(0..guests.len())];
                        change(&mut actor, &mut rng, guest, true, &notes);
                    }
                    _ => {
                        let stayer = stayers[rng.random_range(0..stayers.len())];
                        change(&mut actor, &mut rng, stayer, false, &notes);
                    }
                }
                pause(&mut rng, 3, 200);
            }
            actor.into_entries()
        })
    }

    /// Clients that answer, after a while.
    fn spawn_clients(&self, notes: Receiver<Note>) -> JoinHandle<Vec<Entry>> {
        let (mut actor, mut rng) = (self.actor.beside(3_000), self.rng(3));
        let phase = Arc::clone(&self.phase);
        thread::spawn(move || {
            let mut waiting: Vec<Note> = Vec::new();
            while phase.mood.load(Ordering::SeqCst) == BUSY {
                match notes.recv_timeout(Duration::from_millis(1)) {
                    Ok(note) => waiting.push(note),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                waiting.extend(notes.try_iter());
                let answers = waiting.len() / 3 + usize::from(!waiting.is_empty());
                for _ in 0..answers {
                    let note = waiting.swap_remove(rng.random_range(0..waiting.len()));
                    reply(&mut actor, &mut rng, note);
                }
                pause(&mut rng, 2, 500);
            }
            actor.into_entries()
        })
    }
}

/// Counts a publisher out, even if it panics.
struct Ended<'a>(&'a AtomicUsize);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn class(number: u8) -> Class {
    Class::new(number).unwrap()
}

/// One time in `of`, up to `micros_max` microseconds.
fn pause(rng: &mut ChaCha8Rng, of: u32, micros_max: u64) {
    if rng.random_ratio(1, of) {
        sleep(Duration::from_micros(rng.random_range(0..=micros_max)));
    }
}

fn few(rng: &mut ChaCha8Rng) -> Topic {
    Topic(FEW + rng.random_range(0..FEW_COUNT))
}

fn window(rng: &mut ChaCha8Rng) -> Option<usize> {
    rng.random_ratio(1, 3).then(|| [1, 5, 40][rng.random_range(0..3)])
}

/// A session that stays subscribed to what it is.
fn stayer(actor: &mut Actor, number: u16, partition: u16) -> SessionId {
    let window = number.is_multiple_of(4).then_some(3 + usize::from(number));
    let session = actor.connect(partition, window);
    actor.subscribe(session, ALL);
    if number < EDGE_PER_PARTITION {
        actor.subscribe(session, EDGE);
    }
    if number.is_multiple_of(2) {
        actor.subscribe(session, HALF);
    }
    if u64::from(number) < STAYERS_IN_FEW {
        actor.subscribe(session, Topic(FEW + u64::from(number)));
    }
    session
}

fn guest(actor: &mut Actor, rng: &mut ChaCha8Rng, partitions: u16) -> SessionId {
    let session = actor.connect(rng.random_range(0..partitions), window(rng));
    for _ in 0..rng.random_range(1..4) {
        actor.subscribe(session, few(rng));
    }
    if rng.random() {
        actor.subscribe(session, EDGE);
    }
    if rng.random_ratio(1, 4) {
        actor.subscribe(session, ALL);
    }
    session
}

/// Publishes something; whether the fan-out still takes it.
fn publish(actor: &mut Actor, rng: &mut ChaCha8Rng, padding_max: usize) -> bool {
    let topics = match rng.random_range(0..10) {
        0..2 => vec![ALL],
        2 => vec![HALF],
        3 => vec![EDGE],
        4 => vec![EDGE, few(rng)],
        5 => vec![ALL, EDGE, WITHIN],
        6 => vec![few(rng), few(rng), WITHIN],
        _ => vec![few(rng)],
    };
    let except = if rng.random_ratio(1, 8) {
        let everyone = actor.everyone();
        Some(everyone[rng.random_range(0..everyone.len())])
    } else {
        None
    };
    // Who stays does not overflow.
    let is_for_guests = topics.iter().all(|topic| (FEW + STAYERS_IN_FEW..WITHIN.0).contains(&topic.0));
    let number = match rng.random_range(0..8) {
        0 => 1,
        1..4 if is_for_guests => 2,
        _ => 0,
    };
    let padding = if rng.random_ratio(1, 4) { rng.random_range(0..=padding_max) } else { 0 };
    actor.publish(&topics, except, class(number), padding)
}

/// Something that happens to a session: its subscriptions change if they may, or its connection breaks, or comes back.
fn change(actor: &mut Actor, rng: &mut ChaCha8Rng, session: SessionId, is_guest: bool, notes: &Sender<Note>) {
    let topic = [EDGE, HALF, ALL, few(rng), few(rng)][rng.random_range(0..5)];
    match rng.random_range(0..10) {
        0..2 if is_guest => actor.subscribe(session, topic),
        2 if is_guest => actor.unsubscribe(session, topic),
        3 if is_guest => actor.unsubscribe_discarding(session, topic),
        4 | 5 => {
            actor.park(session);
            let _ = notes.send(Note::Parked(session));
        }
        6 => actor.resume(session, 0),
        7 => {
            let last = actor.last_handed(session);
            let _ = actor.acknowledge(session, rng.random_range(0..=last));
        }
        8 => actor.read_outbox(session, rng.random_range(1..20)),
        _ => actor.writable(session),
    }
}

/// A client's answer to what was noted of it.
fn reply(actor: &mut Actor, rng: &mut ChaCha8Rng, note: Note) {
    match note {
        Note::Lags(session) if rng.random_ratio(1, 10) => actor.read_outbox(session, 10),
        Note::Lags(session) => actor.writable(session),
        Note::Has(session, through) if rng.random_ratio(1, 4) => actor.resume(session, through),
        Note::Has(session, through) => {
            let _ = actor.acknowledge(session, through);
        }
        Note::Parked(session) => {
            let last = actor.last_handed(session);
            actor.resume(session, rng.random_range(0..=last));
        }
        Note::Came(session) => {
            actor.subscribe(session, few(rng));
            if rng.random() {
                actor.disconnect(session);
            }
        }
    }
}

/// The host behind one worker.
struct Host {
    rng: ChaCha8Rng,
    partition: u16,
    stayers: Arc<HashSet<SessionId>>,
    phase: Arc<Phase>,
    notes: Sender<Note>,
    /// Guests that it has met, of its partition.
    met: Vec<SessionId>,
}

impl Host {
    fn is_calm(&self) -> bool {
        self.phase.mood.load(Ordering::SeqCst) == CALM
    }

    fn tell(&self, note: Note) {
        // At the end nobody listens.
        let _ = self.notes.send(note);
    }

    fn answer(&mut self, actor: &mut Actor, session: SessionId, items: &[Item]) -> Answer {
        let last = items.last().map_or(0, |item| item.last());
        if self.is_calm() {
            let _ = actor.acknowledge(session, last);
            return Answer::Take(usize::MAX);
        }
        if !self.stayers.contains(&session) && self.met.len() < 50 {
            self.met.push(session);
        }
        if self.rng.random_ratio(1, 12) {
            self.call(actor, session, last);
        }
        match self.rng.random_range(0..40) {
            0 => {
                self.tell(Note::Lags(session));
                Answer::Panic
            }
            1 | 2 => {
                self.tell(Note::Lags(session));
                Answer::Take(0)
            }
            3..6 => {
                self.tell(Note::Lags(session));
                Answer::Take(self.rng.random_range(0..=items.len()))
            }
            6 => {
                // It can take more before it has answered that it cannot.
                actor.writable(session);
                Answer::Take(items.len() / 2)
            }
            7..18 => {
                self.tell(Note::Has(session, last));
                Answer::Take(usize::MAX)
            }
            _ => Answer::Take(usize::MAX),
        }
    }

    /// A call of any handle from within the callback.
    fn call(&mut self, actor: &mut Actor, session: SessionId, last: u64) {
        match self.rng.random_range(0..12) {
            0 => actor.subscribe(session, WITHIN),
            1 => actor.unsubscribe(session, WITHIN),
            2 => {
                publish(actor, &mut self.rng, 8);
            }
            3 if !self.met.is_empty() => {
                actor.disconnect(self.met.swap_remove(self.rng.random_range(0..self.met.len())));
            }
            4 if !self.stayers.contains(&session) => actor.disconnect(session),
            5 => {
                actor.park(session);
                self.tell(Note::Parked(session));
            }
            6 => actor.resume(session, 0),
            7 => {
                let _ = actor.acknowledge(session, last);
            }
            8 => {
                let came = actor.connect(self.partition, window(&mut self.rng));
                actor.subscribe(came, WITHIN);
                self.tell(Note::Came(came));
            }
            9 => {
                if let Ok(accounting) = actor.fanout.accounting(session) {
                    assert!(accounting.balances(), "{accounting:?}");
                }
            }
            10 => assert!(actor.fanout.stats().accounting().balances()),
            _ if !self.met.is_empty() => {
                let other = self.met[self.rng.random_range(0..self.met.len())];
                actor.park(other);
                self.tell(Note::Parked(other));
            }
            _ => {}
        }
    }
}

fn end(actor: &Actor, quiet: Quiet) -> End {
    let stats = actor.fanout.stats();
    let live = actor.everyone().into_iter().filter_map(|session| {
        let accounting = actor.fanout.accounting(session).ok()?;
        Some((session.to_bits(), counts(accounting)))
    });
    End {
        published: stats.published,
        total: counts(stats.accounting()),
        refused: stats.refused(),
        gaps: stats.gaps(),
        panics: stats.partitions.iter().map(|partition| partition.panics).sum(),
        live: live.collect(),
        quiet,
    }
}

fn counts(accounting: Accounting) -> Counts {
    Counts {
        accepted: accounting.accepted,
        delivered: accounting.delivered,
        dropped: accounting.dropped,
        discarded: accounting.discarded.total(),
        abandoned: accounting.abandoned,
        pending: accounting.pending,
    }
}
