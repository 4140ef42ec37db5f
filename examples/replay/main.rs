//! The main job: replays chat traffic through the whole of oyez.
//!
//! Every nick is a member of a list and, while present, has sessions in a fan-out; each message, join, leave, rename
//! and mode change goes to all present; a few hundred viewers have parts of the list on screen; most sessions read
//! promptly, one in a hundred only now and then, one in a hundred never. At the end a table says what happened and what
//! it cost.
//!
//! `input.rs` finds the logs, `line.rs` reads a line, `day.rs` makes up a day where there are none; `channel.rs` is the
//! service that embeds oyez; `stage.rs` makes its calls, with `crew.rs` a thread for each partition, and `check.rs`
//! compares each with the model; `report.rs` prints.

mod channel;
mod check;
mod crew;
mod day;
mod input;
mod line;
mod report;
mod stage;

use channel::{Channel, OFFLINE, ONLINE, OPERATORS};
use check::Difference;
use clap::Parser;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use input::InputError;
use line::Line;
use report::{Lines, Run};
use stage::Stage;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Replay chat traffic through oyez: member list, registry, fan-out, and every session's outbox.
///
/// Without a PATH, a day of 20,000 nicks is made up, always the same.
#[derive(Parser)]
#[command(
    name = "replay",
    after_help = "Exit status: 0 done; 1 a difference from the model, or a broken identity; 2 wrong arguments; \
3 input that cannot be read; 4 output that cannot be written."
)]
struct Arguments {
    /// Logs in the format of the #ubuntu channel: files, directories, .tar.xz archives, or - for standard input
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Sessions that each nick has while it is present, 1000 at most: so that all sessions fit into one partition
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    sessions_per_nick: u16,

    /// Partitions the sessions are spread over, each with a thread: many more than cores make it slower
    #[arg(long, value_name = "P", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    partitions: u8,

    /// Run the naive model beside it, and stop at the first difference: the made-up day then takes minutes
    #[arg(long)]
    check: bool,
}

/// Why the replay ended early.
enum Failure {
    Arguments(clap::Error),
    /// The model says something else, at this place.
    Difference {
        file: String,
        line: usize,
        difference: Difference,
    },
    IdentityBroken,
    Input(InputError),
    /// The input has no line at all.
    Empty,
    /// The input has lines, but none in the format.
    NoLog,
    /// So many are present at this place that a partition could overflow.
    TooManySessions {
        file: String,
        line: usize,
    },
    Output(io::Error),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Difference { .. } | Failure::IdentityBroken => 1,
            Failure::Arguments(_) => 2,
            Failure::Input(_) | Failure::Empty | Failure::NoLog | Failure::TooManySessions { .. } => 3,
            Failure::Output(_) => 4,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Arguments(error) => {
                // The first line says what is wrong, the others are the usage.
                let text = error.to_string();
                let what = text.lines().next().unwrap_or_default();
                write!(f, "{}; see --help", what.strip_prefix("error: ").unwrap_or(what))
            }
            Failure::Difference { file, line, difference } => write!(f, "{file}:{line}: {difference}"),
            Failure::IdentityBroken => f.write_str("accepted events are not accounted for"),
            Failure::Input(error) => error.fmt(f),
            Failure::Empty => f.write_str("the input has no lines"),
            Failure::NoLog => f.write_str("no line of the input is in the format of the #ubuntu logs"),
            Failure::TooManySessions { file, line } => {
                write!(f, "{file}:{line}: over {SESSIONS_MAX} sessions at once; give fewer --sessions-per-nick")
            }
            Failure::Output(error) => write!(f, "the table cannot be written: {error}"),
        }
    }
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where nobody reads it, the exit status has to do.
            let _ = writeln!(io::stderr(), "replay: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints the help and ends the program if that is what was asked for.
fn arguments() -> Result<Arguments, Failure> {
    Arguments::try_parse().map_err(|error| match error.use_stderr() {
        true => Failure::Arguments(error),
        false => error.exit(),
    })
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let start = Instant::now();
    let stage = Stage::new(arguments.partitions, &[OPERATORS, ONLINE, OFFLINE], arguments.check);
    let at_start = |difference| Failure::Difference { file: "the start".into(), line: 0, difference };
    let mut channel = Channel::new(stage, arguments.sessions_per_nick.into()).map_err(at_start)?;
    let mut lines = Lines::default();
    let source = if arguments.paths.is_empty() {
        replay_day(arguments, &mut channel, &mut lines)?;
        "a made-up day".to_owned()
    } else {
        replay_logs(arguments, &mut channel, &mut lines)?;
        names(&arguments.paths)
    };
    channel.stage.finish();
    let run = Run {
        source,
        elapsed: start.elapsed(),
        sessions_per_nick: arguments.sessions_per_nick.into(),
        partitions: arguments.partitions,
        was_checked: arguments.check,
    };
    let mut out = io::stdout().lock();
    report::print(&mut out, &run, &lines, &channel).and_then(|()| out.flush()).map_err(Failure::Output)?;
    match channel.stage.fanout().stats().accounting().balances() {
        true => Ok(()),
        false => Err(Failure::IdentityBroken),
    }
}

fn replay_day(arguments: &Arguments, channel: &mut Channel, lines: &mut Lines) -> Result<(), Failure> {
    const SEED: u64 = 2026;
    let day = day::Day::new(SEED);
    let progress = progress(Some(day.lines().len() as u64), "{bar:40} {percent:>3} %  {pos} of {len} events");
    let mut number = 0;
    let failed = |line, difference| Failure::Difference { file: "the made-up day".into(), line, difference };
    for line in day.lines() {
        number += 1;
        lines.total += 1;
        lines.count(&line);
        if !has_room_for(channel, &line, arguments) {
            return Err(Failure::TooManySessions { file: "the made-up day".into(), line: number });
        }
        channel.apply(&line).map_err(|difference| failed(number, difference))?;
        progress.inc(1);
    }
    channel.end_of_file().map_err(|difference| failed(number, difference))?;
    progress.finish_and_clear();
    Ok(())
}

fn replay_logs(arguments: &Arguments, channel: &mut Channel, lines: &mut Lines) -> Result<(), Failure> {
    let input = input::open(&arguments.paths).map_err(Failure::Input)?;
    lines.passed_by = input.passed_by();
    let progress = progress(input.total_bytes(), "{bar:40} {percent:>3} %  {bytes} of {total_bytes}");
    for file in input {
        let file = file.map_err(Failure::Input)?;
        lines.files += 1;
        let failed = |line, difference| Failure::Difference { file: file.name.clone(), line, difference };
        let mut last = 0;
        for (number, text) in file.lines() {
            last = number;
            lines.total += 1;
            let Ok(text) = text else {
                lines.not_utf8 += 1;
                continue;
            };
            let line = Line::parse(text);
            lines.count(&line);
            if !has_room_for(channel, &line, arguments) {
                return Err(Failure::TooManySessions { file: file.name.clone(), line: number });
            }
            channel.apply(&line).map_err(|difference| failed(number, difference))?;
            progress.inc(text.len() as u64 + 1);
        }
        channel.end_of_file().map_err(|difference| failed(last, difference))?;
    }
    progress.finish_and_clear();
    match (lines.total, lines.parsed()) {
        (0, _) => Err(Failure::Empty),
        (_, 0) => Err(Failure::NoLog),
        _ => Ok(()),
    }
}

/// Sessions at once, over all partitions: a partition holds a few more than this, and if the others' sessions leave,
/// one may hold nearly all.
const SESSIONS_MAX: usize = 4_000_000;

/// Whether everyone who may join by this line still finds room.
fn has_room_for(channel: &Channel, line: &Line<'_>, arguments: &Arguments) -> bool {
    let joins = match line {
        Line::Mode { changes } => changes.len(),
        _ => 1,
    };
    channel.stage.connected() + joins * usize::from(arguments.sessions_per_nick) <= SESSIONS_MAX
}

/// A bar on standard error, which shows nothing when that is no terminal.
fn progress(length: Option<u64>, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the template is right");
    let progress = match length {
        Some(length) => ProgressBar::new(length).with_style(style),
        None => ProgressBar::new_spinner(),
    };
    progress.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    progress.enable_steady_tick(Duration::from_millis(100));
    progress
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}
