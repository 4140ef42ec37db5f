//! What happens in a run, and when: everybody takes turns at moments that the seed chooses, until the traffic ends;
//! then the fan-out is closed and drained to the end.

use super::{Running, Settings};
use oyez::testing::{Behaviour, Command, Outcome, Publish, Random, Scheduler, Who};
use oyez::{Class, OrderKey, PartitionId, Sequence, Topic};

/// Everybody's.
const WORLD: Topic = Topic(0);
const TOPICS: u64 = 7;

/// The oracle names sessions, and counts events back, in a byte.
const SESSIONS_MAX: usize = 240;
const EVENTS_MAX: u64 = 230;

pub struct Traffic {
    settings: Settings,
    turns: Scheduler<Turn>,
    sessions: usize,
    publishers: u64,
    /// When it ends.
    end: u64,
    /// Between two turns of a client, on average; and of a worker.
    client_ticks: u64,
    worker_ticks: u64,
    /// What every second host is like, if this seed has a favourite; and how many clients in four have a window. Seeds
    /// that are of one kind get further than a mixture of everything.
    favourite: u64,
    windows: u64,
    /// A client acknowledges in one of so many of its turns.
    acknowledges: u64,
    published: u64,
    connected: usize,
}

/// Kinds of hosts.
const KINDS: u64 = 6;

#[derive(Clone, Copy, Debug)]
enum Turn {
    Publisher(u64),
    Worker(PartitionId),
    Client(Who),
    /// Comes back after a break, or is given up.
    Return(Who),
    Writable(Who),
    /// What happens now and then to all.
    Weather,
}

impl Traffic {
    /// What this seed makes happen, and how large.
    pub fn new(seed: u64) -> (Settings, Self) {
        let mut turns = Scheduler::new(seed);
        let random = turns.random();
        let sessions = match random.below(8) {
            0 => 30 + random.below(60),
            1..4 => 8 + random.below(20),
            _ => 1 + random.below(8),
        } as usize;
        let partitions = 1 + random.below(4) as u8;
        let room = sessions / usize::from(partitions) + 2;
        let events_max = if random.one_in(2) { 5 } else { 20 };
        let events_per_session = 1 + random.below(events_max) as usize;
        let settings = Settings {
            partitions,
            sessions_per_partition: room + random.below(room as u64) as usize,
            topics_per_session: 2 + random.below(7) as usize,
            events_per_session,
            batch: 1 + random.below(events_per_session as u64 + 4) as usize,
            round_sessions: [1, 2, 5, 64][random.below(4) as usize],
            log_sessions: [1, 2, 4, usize::MAX][random.below(4) as usize],
            keep_on_panic: random.one_in(2),
            bytes_per_partition: match random.below(3) {
                0 => 600 + random.below(4_000) as usize * (1 + sessions / 20),
                _ => usize::MAX,
            },
        };
        let traffic = Traffic {
            settings,
            sessions,
            publishers: 1 + random.below(4),
            end: 100 + random.below(200),
            client_ticks: 10 + random.below(60) + sessions as u64,
            worker_ticks: 3 + random.below(20),
            favourite: random.below(2 * KINDS),
            windows: random.below(5),
            acknowledges: 1 + random.below(5),
            published: 0,
            connected: 0,
            turns,
        };
        (settings, traffic)
    }

    pub fn run(&mut self, running: &mut Running) {
        for _ in 0..self.sessions {
            self.connect(running);
        }
        for publisher in 0..self.publishers {
            self.soon(10, Turn::Publisher(publisher));
        }
        for partition in 0..self.settings.partitions {
            self.soon(10, Turn::Worker(PartitionId(partition.into())));
        }
        self.soon(100, Turn::Weather);
        while let Some(turn) = self.turns.step() {
            if self.turns.clock().now() > self.end {
                break;
            }
            self.turn(running, turn);
        }
        self.close(running);
    }

    fn chance(&mut self) -> &mut Random {
        self.turns.random()
    }

    fn soon(&mut self, ticks: u64, turn: Turn) {
        let ticks = 1 + self.chance().below(2 * ticks);
        self.turns.after(ticks, turn);
    }

    fn apply(&mut self, running: &mut Running, command: Command) -> Outcome {
        let outcome = running.step(self.turns.clock().now(), &command);
        match &outcome {
            Outcome::Published { .. } => self.published += 1,
            Outcome::Drained { handed, .. } => {
                for handed in handed {
                    if let Some(ticks) = handed.answer.writable_after {
                        self.turns.after(ticks, Turn::Writable(handed.who));
                    }
                    self.published += u64::from(matches!(handed.call, Some((_, Outcome::Published { .. }))));
                    if let Some((Command::Park(who), Outcome::Done)) = handed.call {
                        self.soon(20, Turn::Return(who));
                    }
                }
            }
            _ => {}
        }
        outcome
    }

    fn turn(&mut self, running: &mut Running, turn: Turn) {
        match turn {
            Turn::Publisher(publisher) => {
                self.publish(running, publisher);
                self.soon(6, turn);
            }
            Turn::Worker(partition) => {
                let sessions_max = if self.chance().one_in(5) { self.chance().below(4) as usize } else { 255 };
                self.apply(running, Command::Drain { partition, sessions_max });
                if self.chance().one_in(3) {
                    self.apply(running, Command::Ready(partition));
                }
                self.soon(self.worker_ticks, turn);
            }
            Turn::Client(who) if running.checker.is_connected(who) => {
                self.client(running, who);
                self.soon(self.client_ticks, turn);
            }
            Turn::Return(who) if running.checker.is_connected(who) => {
                if self.chance().one_in(6) {
                    self.leave(running, who);
                } else {
                    // Often it says nothing new of what it has, so that all of it comes again.
                    let is_silent = self.chance().one_in(2);
                    let acknowledged = if is_silent { Sequence(0) } else { self.through(running, who) };
                    self.apply(running, Command::Resume(who, acknowledged));
                }
            }
            Turn::Writable(who) => {
                self.apply(running, Command::Writable(who));
            }
            Turn::Weather => {
                running.checker.check_states();
                if self.chance().one_in(4) {
                    let partition = self.partition();
                    self.apply(running, Command::DropPartition(partition));
                    for _ in 0..self.chance().below(6) {
                        self.connect(running);
                    }
                }
                self.soon(50, turn);
            }
            Turn::Client(_) | Turn::Return(_) => {}
        }
    }

    fn publish(&mut self, running: &mut Running, publisher: u64) {
        if self.published >= EVENTS_MAX {
            return;
        }
        let key = OrderKey(publisher);
        let burst = if self.chance().one_in(5) { 1 + self.chance().below(8) } else { 1 };
        for _ in 0..burst.min(EVENTS_MAX - self.published) {
            let random = self.chance();
            // The last ends sessions whose queues are full.
            let class = if random.one_in(50) { 2 } else { u8::from(random.one_in(4)) };
            let class = Class::new(class).expect("a small number");
            let bytes = if random.one_in(4) { random.below(256) as usize } else { random.below(16) as usize };
            let mut to = vec![if random.one_in(4) { WORLD } else { Topic(1 + random.below(TOPICS - 1)) }];
            while random.one_in(4) {
                to.push(Topic(random.below(TOPICS)));
            }
            let except = if random.one_in(6) { vec![self.anyone()] } else { vec![] };
            self.apply(running, Command::Publish(Publish { key, class, bytes, to, except }));
        }
    }

    fn client(&mut self, running: &mut Running, who: Who) {
        if running.checker.has_outbox(who) && !self.chance().one_in(4) {
            let events_max = self.chance().below(6) as usize;
            self.apply(running, Command::NextBatch(who, events_max));
            return;
        }
        if running.checker.window(who) > 0 && self.turns.random().one_in(self.acknowledges) {
            let through = self.through(running, who);
            self.apply(running, Command::Acknowledge(who, through));
        }
        match self.chance().below(100) {
            0..25 => {
                let topic = Topic(self.chance().below(TOPICS));
                self.apply(running, Command::Subscribe(who, topic));
            }
            25..40 => {
                let topics: Vec<Topic> = running.checker.topics(who).collect();
                if let Some(&topic) = topics.get(self.chance().below(topics.len() as u64) as usize) {
                    let discards = self.chance().one_in(2);
                    let leave = if discards { Command::UnsubscribeDiscarding } else { Command::Unsubscribe };
                    self.apply(running, leave(who, topic));
                }
            }
            40..55 => {
                self.apply(running, Command::Park(who));
                let ticks = if self.chance().one_in(2) { 5 } else { 30 };
                self.soon(ticks, Turn::Return(who));
            }
            55..63 => {
                // Seldom one that there is not.
                let is_astray = self.chance().one_in(20);
                let partition = if is_astray { PartitionId(self.settings.partitions.into()) } else { self.partition() };
                self.apply(running, Command::Move(who, partition));
            }
            63..70 => {
                self.apply(running, Command::OpenOutbox(who));
            }
            70..78 => {
                self.apply(running, Command::CloseOutbox(who));
            }
            78..84 => self.leave(running, who),
            84..90 => self.stray(running),
            _ => {}
        }
    }

    /// The client has everything through here, and says so; or what it says last got lost.
    fn through(&mut self, running: &Running, who: Who) -> Sequence {
        let has = running.checker.has_through(who);
        match self.chance().below(6) {
            0 => Sequence(0),
            1 => Sequence(self.chance().below(has.0 + 1)),
            2 => Sequence(has.0.saturating_sub(1)),
            _ => has,
        }
    }

    /// It goes, and somebody else comes.
    fn leave(&mut self, running: &mut Running, who: Who) {
        self.apply(running, Command::Disconnect(who));
        self.connect(running);
    }

    /// A call that a confused host makes, perhaps for somebody who has ended.
    fn stray(&mut self, running: &mut Running) {
        let who = self.anyone();
        let random = self.chance();
        let command = match random.below(8) {
            0 => Command::Writable(who),
            1 => Command::Acknowledge(who, Sequence(random.below(EVENTS_MAX))),
            2 => Command::Resume(who, Sequence(0)),
            3 => Command::NextBatch(who, 3),
            4 => Command::Subscribe(who, WORLD),
            5 => Command::UnsubscribeDiscarding(who, WORLD),
            6 => Command::Move(who, PartitionId(0)),
            _ => Command::Disconnect(who),
        };
        if matches!(command, Command::Acknowledge(_, through) if through.0 > self.published) {
            return;
        }
        self.apply(running, command);
    }

    fn anyone(&mut self) -> Who {
        let connected = self.connected as u64;
        Who(self.chance().below(connected.max(1)) as usize)
    }

    fn partition(&mut self) -> PartitionId {
        let partitions = self.settings.partitions.into();
        PartitionId(self.chance().below(partitions) as u16)
    }

    fn connect(&mut self, running: &mut Running) {
        if self.connected >= SESSIONS_MAX {
            return;
        }
        let partition = self.partition();
        let random = self.turns.random();
        let window = if random.below(4) < self.windows { 1 + random.below(4) as usize } else { 0 };
        let ticks = 2 + random.below(40);
        let is_favourite = random.one_in(2) && self.favourite < KINDS;
        let host = match if is_favourite { self.favourite } else { random.below(KINDS + 2) } {
            0 => Behaviour::Slow { items: 1 + random.below(3) as usize, ticks },
            1 => Behaviour::Stuck,
            2 => Behaviour::Partial { ticks_max: ticks },
            3 => Behaviour::Panicking { one_in: 1 + random.below(5), ticks },
            4 => Behaviour::Calling { topic: Topic(random.below(TOPICS)), ticks_max: ticks },
            _ => Behaviour::Fast,
        };
        let is_worldly = !random.one_in(4);
        let Outcome::Connected(who) = self.apply(running, Command::Connect { partition, window, host }) else {
            return;
        };
        self.connected += 1;
        if is_worldly {
            self.apply(running, Command::Subscribe(who, WORLD));
        }
        for _ in 0..1 + self.chance().below(3) {
            let topic = Topic(1 + self.chance().below(TOPICS - 1));
            self.apply(running, Command::Subscribe(who, topic));
        }
        self.soon(self.client_ticks, Turn::Client(who));
    }

    /// No more events; whoever is there comes back and gets the rest, from a worker or, in the end, from an outbox.
    fn close(&mut self, running: &mut Running) {
        self.apply(running, Command::Close);
        let late = Publish { key: OrderKey(0), class: Class::default(), bytes: 0, to: vec![WORLD], except: vec![] };
        assert!(matches!(self.apply(running, Command::Publish(late)), Outcome::Refused(_)));
        for _ in 0..3 {
            self.turns.clock().advance(10);
            self.each_behind(running, |traffic, running, who| {
                let through = running.checker.has_through(who);
                if running.checker.is_parked(who) {
                    traffic.apply(running, Command::Resume(who, through));
                }
                if running.checker.has_outbox(who) {
                    traffic.apply(running, Command::CloseOutbox(who));
                }
                traffic.apply(running, Command::Writable(who));
                traffic.acknowledge(running, who);
            });
            for partition in 0..self.settings.partitions {
                let partition = PartitionId(partition.into());
                self.apply(running, Command::Drain { partition, sessions_max: 255 });
                self.apply(running, Command::Ready(partition));
            }
        }
        self.each_behind(running, |traffic, running, who| {
            if running.checker.is_parked(who) {
                let through = running.checker.has_through(who);
                traffic.apply(running, Command::Resume(who, through));
            }
            traffic.apply(running, Command::OpenOutbox(who));
            loop {
                traffic.acknowledge(running, who);
                if running.checker.is_caught_up(who) {
                    break;
                }
                let outcome = traffic.apply(running, Command::NextBatch(who, 9));
                if !running.checker.is_connected(who) {
                    break;
                }
                assert!(
                    matches!(outcome, Outcome::Batch(items) if !items.is_empty()),
                    "{who} is behind, and gets nothing"
                );
            }
        });
        for partition in 0..self.settings.partitions {
            let partition = PartitionId(partition.into());
            // What is in the log and was read through an outbox still has to leave it, some with each drain.
            for _ in 0..=self.published {
                let nobody = self.apply(running, Command::Drain { partition, sessions_max: 255 });
                assert_eq!(nobody.to_string(), "nobody");
                if self.apply(running, Command::Ready(partition)).to_string() == "closed" {
                    break;
                }
            }
            let closed = self.apply(running, Command::Ready(partition));
            assert_eq!(closed.to_string(), "closed");
        }
    }

    fn acknowledge(&mut self, running: &mut Running, who: Who) {
        if running.checker.window(who) > 0 {
            let through = running.checker.has_through(who);
            self.apply(running, Command::Acknowledge(who, through));
        }
    }

    fn each_behind(&mut self, running: &mut Running, mut each: impl FnMut(&mut Self, &mut Running, Who)) {
        for who in (0..self.connected).map(Who) {
            if running.checker.is_connected(who) && !running.checker.is_caught_up(who) {
                each(self, running, who);
            }
        }
    }
}
