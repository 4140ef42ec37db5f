//! The scoreboard: how each figure compares with the best peer that does the same work.
//!
//! `cargo bench --bench scoreboard -- [AREA | FIGURE]... [--quick] [--check]` prints one line per figure, of areas or of
//! those whose names begin so, and nothing else on stdout, with tabs between
//!
//! `figure · ours · unit · best peer · peer's figure · ratio · must · aim · floor`
//!
//! `ratio` is the peer's cost by ours (for rates, ours by the peer's): above 1 we win. `must` and `aim` are those of
//! [`TABLE`]; with `--check` the program ends with status 1 when a must is missed, after printing everything. A must
//! whose figure `--quick` leaves out is told as skipped. `floor` is what the machine itself takes for the least that
//! has to be touched. Every contender's figures go to stderr, with the machine, the compiler and the commit.

// Figures go to stdout and everything for people to stderr: that is what this program is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod data;
#[path = "peers/delivery.rs"] // not in `peers`, which the bench of the sorted set has too
mod delivery_peers;
mod peers;
mod scoreboard {
    pub mod contender;
    pub mod copying_byte_set;
    pub mod counting_alloc;
    pub mod delivery;
    pub mod floor;
    pub mod measure;
    pub mod set;
    pub mod set_versions;
}

use scoreboard::counting_alloc::CountingAlloc;
use scoreboard::measure::Spread;
use std::fmt;
use std::process::{Command, ExitCode};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: CountingAlloc = CountingAlloc;

/// What a figure has to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    /// Nothing was asked for.
    None,
    /// This many times as good as the best peer.
    Ratio(f64),
    /// No more than this, in the figure's unit.
    AtMost(f64),
}

/// A figure of the scoreboard.
struct Row {
    figure: &'static str,
    unit: &'static str,
    must: Goal,
    aim: Goal,
}

const fn row(figure: &'static str, unit: &'static str, must: Goal, aim: Goal) -> Row {
    Row { figure, unit, must, aim }
}

/// Every figure, with its must and its aim: never lowered without the closing note saying so.
/// A figure's area is the first part of its name.
///
/// **The musts of `set` are guards, not goals**: each lies so far below what the last full run in
/// `benches/results` measured (a fifth at the least, a third for most) that only a change of ours
/// misses it, in a quick run as in a full one, and not a neighbour on the machine. Bytes a key are
/// counted, not timed: they have a tenth of room, and no peer's next version moves them. What the set has to reach are its
/// aims; README and `docs::design` say which it misses. The musts of `delivery` are goals.
#[rustfmt::skip] // a table
const TABLE: &[Row] = &[
    row("set.insert.16b.10k",               "ns",    Goal::Ratio(1.0),    Goal::Ratio(2.1)),
    row("set.insert.16b.250k",              "ns",    Goal::Ratio(1.2),    Goal::None),
    row("set.insert.16b.1m",                "ns",    Goal::Ratio(1.2),    Goal::Ratio(1.7)),
    row("set.insert.str.1m",                "ns",    Goal::Ratio(1.2),    Goal::None),
    row("set.insert_unranked.16b.10k",      "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.insert_unranked.16b.250k",     "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.insert_unranked.16b.1m",       "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.insert_unranked.str.1m",       "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.remove.16b.10k",               "ns",    Goal::Ratio(1.0),    Goal::Ratio(2.1)),
    row("set.remove.16b.250k",              "ns",    Goal::Ratio(1.2),    Goal::None),
    row("set.remove.16b.1m",                "ns",    Goal::Ratio(1.5),    Goal::Ratio(2.5)),
    row("set.remove.str.1m",                "ns",    Goal::Ratio(1.2),    Goal::None),
    row("set.remove_unranked.16b.10k",      "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.remove_unranked.16b.250k",     "ns",    Goal::Ratio(0.4),    Goal::None),
    row("set.remove_unranked.16b.1m",       "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.remove_unranked.str.1m",       "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.insert_rank_remove.16b.1m",    "ns",    Goal::Ratio(1.0),    Goal::None),
    row("set.rank.16b.10k",                 "ns",    Goal::Ratio(0.8),    Goal::Ratio(1.0)),
    row("set.rank.16b.250k",                "ns",    Goal::Ratio(0.9),    Goal::Ratio(2.2)),
    row("set.rank.16b.1m",                  "ns",    Goal::Ratio(1.4),    Goal::Ratio(2.2)),
    row("set.rank.str.1m",                  "ns",    Goal::Ratio(1.2),    Goal::None),
    row("set.rank_chained.16b.1m",          "ns",    Goal::Ratio(1.0),    Goal::None),
    row("set.contains.16b.1m",              "ns",    Goal::Ratio(0.7),    Goal::None),
    row("set.contains.str.1m",              "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.select.16b.10k",               "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.select.16b.250k",              "ns",    Goal::Ratio(0.9),    Goal::None),
    row("set.select.16b.1m",                "ns",    Goal::Ratio(0.7),    Goal::Ratio(0.5)),
    row("set.slice100.16b.10k",             "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.slice100.16b.250k",            "ns",    Goal::Ratio(0.6),    Goal::None),
    row("set.slice100.16b.1m",              "ns",    Goal::Ratio(0.6),    Goal::Ratio(0.85)),
    row("set.slice100.str.1m",              "ns",    Goal::Ratio(0.5),    Goal::None),
    row("set.build_sorted.16b.1m",          "ns/key", Goal::Ratio(0.4),    Goal::AtMost(4.0)),
    row("set.build_sorted_unranked.16b.1m", "ns/key", Goal::Ratio(0.4),    Goal::None),
    row("set.bytes.16b.1m",                 "B/key", Goal::AtMost(23.0),  Goal::AtMost(23.0)),
    row("set.bytes.str.1m",                 "B/key", Goal::AtMost(52.0),  Goal::None),
    row("set.insert.bytes.1m",              "ns",    Goal::Ratio(2.0),    Goal::Ratio(5.0)),
    row("set.remove.bytes.1m",              "ns",    Goal::Ratio(3.0),    Goal::Ratio(5.5)),
    row("set.rank.bytes.1m",                "ns",    Goal::Ratio(3.5),    Goal::Ratio(5.0)),
    row("set.insert_unranked.bytes.1m",     "ns",    Goal::Ratio(1.0),    Goal::Ratio(2.2)),
    row("set.remove_unranked.bytes.1m",     "ns",    Goal::Ratio(1.3),    Goal::Ratio(2.2)),
    row("set.contains.bytes.1m",            "ns",    Goal::Ratio(1.4),    Goal::Ratio(2.2)),
    row("set.slice100.bytes.1m",            "ns",    Goal::None,          Goal::None),
    row("set.snapshot_insert.16b.1m",       "ns",    Goal::Ratio(1.2),    Goal::Ratio(4.0)),
    row("set.reader_rank.16b.1m",           "ns",    Goal::None,          Goal::Ratio(5.0)),
    row("set.reader_rank_by_alone.16b.1m",  "ns",    Goal::None,          Goal::Ratio(0.6)),
    row("set.bytes_held.16b.1m",            "x",     Goal::AtMost(2.2),   Goal::AtMost(2.2)),
    row("set.thinned_bytes.16b.1m",         "x",     Goal::AtMost(1.8),   Goal::AtMost(2.2)),
    row("set.thinned_rank.16b.1m",          "ns",    Goal::Ratio(0.6),    Goal::Ratio(0.8)),
    row("set.insert_p999.16b.1m",           "ns",    Goal::Ratio(1.1),    Goal::Ratio(1.5)),
    row("set.bytes.bytes.1m",               "B/key", Goal::AtMost(56.0),  Goal::AtMost(62.0)),

    row("delivery.publisher.1m_by_10",      "x",     Goal::AtMost(3.0),  Goal::AtMost(1.0)),
    row("delivery.publisher.10",            "ns",    Goal::None,         Goal::None),
    row("delivery.publisher.1m",            "ns",    Goal::None,         Goal::None),
    row("delivery.touch.1event.1m_of_1m",   "ns",    Goal::Ratio(3.0),   Goal::Ratio(6.0)),
    row("delivery.touch.1event.1m_of_1m.hashed", "ns", Goal::None,       Goal::None),
    row("delivery.touch.8events.1m_of_1m",  "ns",    Goal::Ratio(12.0),  Goal::Ratio(40.0)),
    row("delivery.touch.8events.1m_of_1m.hashed", "ns", Goal::None,      Goal::None),
    row("delivery.touch.1event.1m_of_4m",   "ns",    Goal::Ratio(1.1),   Goal::Ratio(1.7)),
    row("delivery.touch.1event.1m_of_4m.hashed", "ns", Goal::None,       Goal::None),
    row("delivery.own.8events.1m_of_1m",    "ns",    Goal::AtMost(0.6),  Goal::AtMost(0.2)),
    row("delivery.broadcast.1event.100k",   "ns",    Goal::Ratio(3.0),   Goal::Ratio(10.0)),
    row("delivery.broadcast.8events.100k",  "ns",    Goal::None,         Goal::None),
    row("delivery.hostile.cpu.1m",          "ns",    Goal::Ratio(2.0),   Goal::Ratio(4.0)),
    row("delivery.hostile.bytes_over.1m",   "B",     Goal::AtMost(0.0),  Goal::AtMost(0.0)),
    row("delivery.catch_up.200events",      "ns",    Goal::AtMost(100.0), Goal::AtMost(40.0)),
    row("delivery.lagging_cost.1m",         "x",     Goal::AtMost(1.3),  Goal::AtMost(1.05)),
    row("delivery.have_lagged_cost.1m",     "x",     Goal::AtMost(1.3),  Goal::AtMost(1.05)),
    row("delivery.resume.100k_x20",         "s",     Goal::AtMost(0.3),  Goal::AtMost(0.1)),
    row("delivery.resume.1m_x20",           "s",     Goal::AtMost(3.0),  Goal::AtMost(1.0)),
    row("delivery.idle_bytes.1m",           "B",     Goal::AtMost(16.0), Goal::AtMost(4.0)),
    row("delivery.idle_bytes_used.1m",      "B",     Goal::None,         Goal::None),
];

/// How much is measured.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Effort {
    /// An area in at most a minute: fewer sizes, fewer operations.
    Quick,
    Full,
}

/// What was measured for one row of the table. All figures so far are costs.
pub(crate) struct Figure {
    name: String,
    /// Ours first, then every peer that did the same work.
    contenders: Vec<(&'static str, Spread)>,
    floor: Option<Spread>,
}

impl Figure {
    fn ours(&self) -> f64 {
        self.contenders[0].1.median
    }

    fn best_peer(&self) -> Option<(&'static str, f64)> {
        let peers = self.contenders[1..].iter();
        let costs = peers.map(|&(name, spread)| (name, spread.median));
        costs.min_by(|one, other| one.1.total_cmp(&other.1))
    }

    fn ratio(&self) -> Option<f64> {
        self.best_peer().map(|(_, cost)| cost / self.ours())
    }

    fn reaches(&self, goal: Goal) -> bool {
        match goal {
            Goal::None => true,
            // Without a peer there is no ratio, and a table that asks for one is wrong.
            Goal::Ratio(least) => self.ratio().is_some_and(|ratio| ratio >= least),
            Goal::AtMost(most) => self.ours() <= most,
        }
    }
}

type Measure = fn(Effort, &dyn Fn(&str) -> bool) -> Vec<Figure>;

const AREAS: &[(&str, Measure)] = &[("set", scoreboard::set::run), ("delivery", scoreboard::delivery::run)];

struct Options {
    areas: Vec<&'static (&'static str, Measure)>,
    /// Beginnings of names: only these figures, if there are any.
    figures: Vec<String>,
    effort: Effort,
    check: Check,
}

/// Whether a missed must is a failure.
#[derive(Clone, Copy, PartialEq)]
enum Check {
    Off,
    On,
}

impl Options {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options { areas: Vec::new(), figures: Vec::new(), effort: Effort::Full, check: Check::Off };
        for argument in arguments {
            match argument.as_str() {
                "--quick" => options.effort = Effort::Quick,
                "--check" => options.check = Check::On,
                // Cargo says so to every bench.
                "--bench" => {}
                flag if flag.starts_with('-') => return Err(format!("unknown flag `{flag}`")),
                name => match AREAS.iter().find(|(area, _)| name.split('.').next() == Some(area)) {
                    Some(_) if !TABLE.iter().any(|row| row.figure.starts_with(name)) => {
                        return Err(format!("no figure begins with `{name}`"));
                    }
                    Some(area) => {
                        options.figures.push(name.to_owned());
                        if !options.areas.iter().any(|(other, _)| *other == area.0) {
                            options.areas.push(area);
                        }
                    }
                    None => return Err(format!("unknown area `{name}`")),
                },
            }
        }
        if options.areas.is_empty() {
            options.areas = AREAS.iter().collect();
        }
        Ok(options)
    }

    fn wants(&self, figure: &str) -> bool {
        self.figures.is_empty() || self.figures.iter().any(|name| figure.starts_with(name))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            let areas: Vec<&str> = AREAS.iter().map(|(area, _)| *area).collect();
            eprintln!("scoreboard: {error}");
            eprintln!("usage: scoreboard [AREA | FIGURE]... [--quick] [--check]");
            eprintln!("areas: {}", areas.join(", "));
            return ExitCode::from(2);
        }
    };
    eprintln!("machine:  {}", machine());
    eprintln!("compiler: {}", said_by("rustc", &["--version"]));
    eprintln!("commit:   {}", said_by("git", &["describe", "--always", "--dirty"]));

    let (mut held, mut missed, mut skipped) = (0, 0, 0);
    for (area, measure) in &options.areas {
        let start = Instant::now();
        let is_wanted = |name: &str| options.wants(name) && TABLE.iter().any(|row| row.figure == name);
        let figures = measure(options.effort, &is_wanted);
        eprintln!("{area}: measured in {:.0?}", start.elapsed());
        print_details(&figures);
        let of_area = |row: &&Row| row.figure.split('.').next() == Some(*area);
        for row in TABLE.iter().filter(of_area).filter(|row| options.wants(row.figure)) {
            match figures.iter().find(|figure| figure.name == row.figure) {
                Some(figure) => {
                    print_line(row, figure);
                    if figure.reaches(row.must) {
                        held += usize::from(row.must != Goal::None);
                    } else {
                        eprintln!("missed: {} must be {}", row.figure, row.must);
                        missed += 1;
                    }
                }
                None if options.effort == Effort::Quick && row.must == Goal::None => {}
                None if options.effort == Effort::Quick => {
                    eprintln!("skipped: {} must be {}, not measured with --quick", row.figure, row.must);
                    skipped += 1;
                }
                None => panic!("the table has {}, which nobody measures", row.figure),
            }
        }
    }
    eprintln!("musts: {held} held, {missed} missed, {skipped} skipped");
    match options.check {
        Check::On if missed > 0 => ExitCode::FAILURE,
        Check::On | Check::Off => ExitCode::SUCCESS,
    }
}

fn print_line(row: &Row, figure: &Figure) {
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), number);
    let (peer, cost) = figure.best_peer().unzip();
    let columns = [
        row.figure.to_owned(),
        number(figure.ours()),
        row.unit.to_owned(),
        peer.unwrap_or("-").to_owned(),
        or_dash(cost),
        figure.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
        row.must.to_string(),
        row.aim.to_string(),
        or_dash(figure.floor.map(|spread| spread.median)),
    ];
    println!("{}", columns.join("\t"));
}

/// Each contender's median, with the least and the most of the rounds.
fn print_details(figures: &[Figure]) {
    for figure in figures {
        eprintln!("{}", figure.name);
        let floor = figure.floor.map(|spread| ("(floor)", spread));
        for (name, spread) in figure.contenders.iter().copied().chain(floor) {
            let Spread { least, median, most } = spread;
            let (least, median, most) = (number(least), number(median), number(most));
            eprintln!("    {name:<19} {median:>9}   {least:>9} .. {most}");
        }
    }
}

/// Three digits: nothing here is more precise.
fn number(value: f64) -> String {
    let decimals = match value.abs() {
        0.0 => 0,
        small if small < 1.0 => 3,
        small if small < 10.0 => 2,
        small if small < 100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::None => write!(out, "-"),
            Goal::Ratio(least) => write!(out, ">= {least}x"),
            Goal::AtMost(most) => write!(out, "<= {most}"),
        }
    }
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    // Where there is no such file, the architecture has to do.
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let model = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let family = field("cpu family").unwrap_or_default();
    let number = field("model\t").unwrap_or_default();
    format!("{model} (family {family}, model {number}), {cpus} cores")
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Ok(_) | Err(_) => "unknown".to_owned(),
    }
}
