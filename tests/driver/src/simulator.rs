//! A fan-out under everything at once, from a seed: [`run`]. Each step is checked in two ways that know nothing of each
//! other: from the ends, by what was published and what was handed over (`checker.rs`), and against the oracle
//! (`oracle.rs`). What happens, and when, `traffic.rs` decides.

mod checker;
mod oracle;
mod traffic;
mod untold;

use checker::Checker;
use oracle::Oracle;
use oyez::testing::{Command, Outcome, Script, Simulation};
use oyez::{Class, FanoutOptions, OnPanic, Overload, RegistryOptions};
use oyez_model::fanout::Limits;
use std::ops::{AddAssign, Range};
use std::panic::{self, AssertUnwindSafe, catch_unwind, resume_unwind};

/// Sizes of a simulated fan-out.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub partitions: u8,
    pub sessions_per_partition: usize,
    pub topics_per_session: usize,
    pub events_per_session: usize,
    pub batch: usize,
    pub round_sessions: usize,
    pub log_sessions: usize,
    pub keep_on_panic: bool,
    pub bytes_per_partition: usize,
}

impl Settings {
    fn limits(&self) -> Limits {
        Limits {
            partitions: self.partitions,
            sessions_per_partition: self.sessions_per_partition,
            topics_per_session: self.topics_per_session,
            events_per_session: self.events_per_session,
            batch: self.batch,
            round_sessions: self.round_sessions,
            log_sessions: self.log_sessions,
            keep_on_panic: self.keep_on_panic,
            strangers_between: 0,
        }
    }

    /// The options of the fan-out. They must be those that `fanout::Run` makes of the same limits.
    fn options(&self) -> FanoutOptions {
        let registry = RegistryOptions::default()
            .partitions(self.partitions.into())
            .sessions_per_partition_max(self.sessions_per_partition)
            .topics_per_session_max(self.topics_per_session);
        let class = |number| Class::new(number).expect("there are three");
        FanoutOptions::default()
            .registry(registry)
            .events_per_session_max(self.events_per_session)
            .batch_max(self.batch)
            .round_sessions(self.round_sessions)
            .log_sessions_min(self.log_sessions)
            .overload(class(0), Overload::DropOldest)
            .overload(class(1), Overload::DropNewest)
            .overload(class(2), Overload::Disconnect)
            .bytes_per_partition_max(self.bytes_per_partition)
            .on_panic(if self.keep_on_panic { OnPanic::Keep } else { OnPanic::Abandon })
    }
}

/// How much has happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    pub commands: u64,
    pub sessions: u64,
    pub events: u64,
    /// Events that hosts took for the first time, gaps that they were told, and both once more after a break.
    pub taken: u64,
    pub gaps: u64,
    pub again: u64,
    /// Batches whose callbacks panicked, and calls from within callbacks.
    pub panics: u64,
    pub calls: u64,
    /// Sessions that came back; that ended, and of these for want of room in their queues.
    pub resumed: u64,
    pub ended: u64,
    pub overflowed: u64,
    /// Events that a full partition refused or dropped, each once a session.
    pub refused: u64,
    pub shed: u64,
    /// Sessions that moved, and those that were not let; events that were discarded when their topic was left.
    pub moved: u64,
    pub kept_here: u64,
    pub discarded: u64,
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Summary) {
        self.commands += other.commands;
        self.sessions += other.sessions;
        self.events += other.events;
        self.taken += other.taken;
        self.gaps += other.gaps;
        self.again += other.again;
        self.panics += other.panics;
        self.calls += other.calls;
        self.resumed += other.resumed;
        self.ended += other.ended;
        self.overflowed += other.overflowed;
        self.refused += other.refused;
        self.shed += other.shed;
        self.moved += other.moved;
        self.kept_here += other.kept_here;
        self.discarded += other.discarded;
    }
}

impl Summary {
    /// Whether everything has happened that can.
    pub fn is_complete(&self) -> bool {
        let Summary { commands, sessions, events, taken, gaps, again, panics, .. } = *self;
        let Summary { calls, resumed, ended, overflowed, refused, shed, moved, kept_here, discarded, .. } = *self;
        let first = [commands, sessions, events, taken, gaps, again, panics];
        let second = [calls, resumed, ended, overflowed, refused, shed];
        first.into_iter().chain(second).chain([moved, kept_here, discarded]).all(|count| count > 0)
    }
}

/// Simulates what the seed says, to the end, and then replays the log: it must come out the same.
///
/// # Panics
///
/// When a promise is broken: then the seed is printed, and the commands that break it as code for a test.
pub fn run(seed: u64) -> Summary {
    let (settings, mut traffic) = traffic::Traffic::new(seed);
    let mut running = Running::new(settings, seed);
    let driven = catch_unwind(AssertUnwindSafe(|| {
        traffic.run(&mut running);
        running.finish();
        running.replay_log();
    }));
    if let Err(panic) = driven {
        running.report(seed);
        resume_unwind(panic);
    }
    let shed = running.simulation.fanout().stats().accounting().shed;
    Summary { commands: running.script.len() as u64, shed, ..running.checker.summary() }
}

/// Carries out the commands of a log, with every check.
///
/// # Panics
///
/// When a promise is broken, and when the text is not a log.
pub fn replay(settings: Settings, log: &str) -> Simulation {
    let script: Script = log.parse().unwrap_or_else(|error| panic!("{error}"));
    replay_script(settings, &script)
}

fn replay_script(settings: Settings, script: &Script) -> Simulation {
    let mut running = Running::new(settings, script.seed);
    for (moment, command) in &script.commands {
        running.step(*moment, command);
    }
    if running.checker.is_closed() {
        running.finish();
    }
    running.simulation
}

/// A simulation and those who watch it.
struct Running {
    settings: Settings,
    simulation: Simulation,
    checker: Checker,
    oracle: Oracle,
    script: Vec<(u64, Command)>,
}

impl Running {
    fn new(settings: Settings, seed: u64) -> Self {
        Running {
            settings,
            simulation: Simulation::new(settings.options(), seed),
            checker: Checker::new(settings.partitions),
            oracle: Oracle::new(&settings),
            script: Vec::new(),
        }
    }

    fn step(&mut self, moment: u64, command: &Command) -> Outcome {
        self.script.push((moment, command.clone()));
        let outcome = self.simulation.apply(moment, command);
        self.checker.apply(command, &outcome);
        self.checker.compare(&self.simulation);
        self.oracle.apply(command, &outcome);
        outcome
    }

    /// Everything is handed over.
    fn finish(&self) {
        self.checker.finish(&self.simulation);
    }

    fn replay_log(&self) {
        let script: Script = self.simulation.log().parse().expect("a log is a script");
        assert_eq!(script.commands, self.script);
        let again = Simulation::replay(self.settings.options(), &script);
        assert!(self.simulation.log() == again.log(), "the log of the replay is another:\n{}", again.log());
    }

    /// Prints what to paste into a test.
    fn report(&self, seed: u64) {
        let script = shortened(self.settings, seed, &self.script);
        let mut simulation = Simulation::new(self.settings.options(), seed);
        for (moment, command) in &script {
            // The last one may be what the library itself does not survive.
            let _ = catch_unwind(AssertUnwindSafe(|| simulation.apply(*moment, command)));
        }
        eprintln!("seed {seed} failed; as a test:\n");
        eprintln!("    use oyez_driver::simulator::{{Settings, replay}};\n");
        eprintln!("    replay({:?}, \"", self.settings);
        simulation.log().lines().for_each(|line| eprintln!("        {line}"));
        eprintln!("    \");\n");
    }
}

/// The script without what does not matter to its failure, if it fails before its end.
fn shortened(settings: Settings, seed: u64, script: &[(u64, Command)]) -> Vec<(u64, Command)> {
    let mut shortest: Script = format!("seed {seed}").parse().expect("a script without commands");
    let mut fails = |commands: Vec<(u64, Command)>| {
        shortest.commands = commands;
        catch_unwind(AssertUnwindSafe(|| replay_script(settings, &shortest))).is_err()
    };
    // What fails only at its end needs all of it.
    let end = script.iter().position(|(_, command)| *command == Command::Close).unwrap_or(script.len());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {})); // hundreds of failures follow, all of them known
    let mut commands = script.to_vec();
    if fails(script[..end].to_vec()) {
        commands.truncate(end);
        let mut size = end.next_power_of_two();
        while size > 0 {
            let mut at = 0;
            while at < commands.len() {
                let (shorter, next) = without(&commands, at..commands.len().min(at + size));
                if shorter.len() < commands.len() && fails(shorter.clone()) {
                    commands = shorter;
                    at = next;
                } else {
                    at += size;
                }
            }
            size /= 2;
        }
    }
    panic::set_hook(hook);
    commands
}

/// The commands without some, and where to go on behind those. A connect stays when others follow: they give sessions
/// their names.
fn without(commands: &[(u64, Command)], some: Range<usize>) -> (Vec<(u64, Command)>, usize) {
    let is_connect = |(_, command): &&(u64, Command)| matches!(command, Command::Connect { .. });
    let behind = &commands[some.end..];
    let mut left = commands[..some.start].to_vec();
    if behind.iter().any(|command| is_connect(&command)) {
        left.extend(commands[some].iter().filter(is_connect).cloned());
    }
    let next = left.len();
    left.extend_from_slice(behind);
    (left, next)
}
