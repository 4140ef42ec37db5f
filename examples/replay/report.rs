//! The table at the end.

use crate::channel::Channel;
use crate::line::{Line, NotParsed};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// Lines by kind.
#[derive(Default)]
pub struct Lines {
    pub files: u64,
    /// Files in the directories that are no logs.
    pub passed_by: u64,
    pub total: u64,
    kinds: [u64; KINDS.len()],
    not_parsed: BTreeMap<NotParsed, u64>,
    pub not_utf8: u64,
}

const KINDS: [&str; 6] = ["messages", "emotes", "joins", "leaves", "renames", "modes"];

impl Lines {
    pub fn count(&mut self, line: &Line<'_>) {
        let kind = match line {
            Line::Message { .. } => 0,
            Line::Emote { .. } => 1,
            Line::Join { .. } => 2,
            Line::Leave { .. } => 3,
            Line::Rename { .. } => 4,
            Line::Mode { .. } => 5,
            Line::NotParsed(why) => {
                *self.not_parsed.entry(*why).or_default() += 1;
                return;
            }
        };
        self.kinds[kind] += 1;
    }

    pub fn parsed(&self) -> u64 {
        self.kinds.iter().sum()
    }
}

/// What the replay was run with.
pub struct Run {
    /// Where the lines came from.
    pub source: String,
    pub elapsed: Duration,
    pub sessions_per_nick: usize,
    pub partitions: u8,
    pub was_checked: bool,
}

/// Prints the table. Fails as writing fails.
pub fn print(out: &mut impl Write, run: &Run, lines: &Lines, channel: &Channel) -> io::Result<()> {
    let stats = channel.stage.fanout().stats();
    let accounting = stats.accounting();
    let list = channel.stage.list().stats();
    let seconds = run.elapsed.as_secs_f64();

    let plural = if run.partitions == 1 { "" } else { "s" };
    writeln!(out, "oyez replay of {}: {seconds:.1} s, {} partition{plural}", run.source, run.partitions)?;
    writeln!(out)?;
    row(out, "lines", lines.total, &parsed_share(lines))?;
    for (kind, count) in KINDS.iter().zip(lines.kinds) {
        row(out, &format!("  {kind}"), count, "")?;
    }
    for (why, count) in &lines.not_parsed {
        row(out, &format!("  not parsed: {why}"), *count, "")?;
    }
    if lines.not_utf8 > 0 {
        row(out, "  not parsed: not UTF-8", lines.not_utf8, "")?;
    }
    row(out, "members", channel.members() as u64, "")?;
    let sessions = format!("{} sessions, {} a nick", grouped(channel.peak_sessions as u64), run.sessions_per_nick);
    row(out, "peak present", channel.peak_present as u64, &sessions)?;
    row(out, "events", channel.events, "")?;
    let rate =
        format!("{:.1} M/s; {}", accounting.delivered as f64 / seconds / 1e6, bytes(channel.stage.counters.bytes_read));
    row(out, "deliveries", accounting.delivered, &rate)?;
    writeln!(out)?;

    row(out, "accepted", accounting.accepted, "")?;
    row(out, "= delivered", accounting.delivered, "")?;
    row(out, "+ dropped", accounting.dropped, "slow and stuck sessions")?;
    row(out, "+ discarded", accounting.discarded.total(), &discarded(&accounting.discarded))?;
    row(out, "+ abandoned", accounting.abandoned, "")?;
    row(out, "+ pending", accounting.pending, "")?;
    let holds = if accounting.balances() { "the identity holds" } else { "THE IDENTITY DOES NOT HOLD" };
    row(out, "= accepted?", accounting.accounted(), holds)?;
    row(out, "refused", stats.refused(), "")?;
    row(out, "gaps told", stats.gaps(), "")?;
    let lagging = &channel.stage.lagging;
    row(out, "lagging at the end", lagging.iter().sum::<usize>() as u64, &by_partition(lagging))?;
    writeln!(out)?;

    let synced =
        format!("{} rows; {} viewers in {} view groups", grouped(list.synced_rows), list.viewers, list.view_groups);
    row(out, "window syncs", list.syncs, &synced)?;
    row(out, "list flushes", list.flushes, "")?;
    latency(out, "publish", &channel.stage.publish_ns)?;
    latency(out, "hand-over", &channel.stage.counters.wait_ns)?;
    latency(out, "list change", &channel.stage.list_ns)?;
    match peak_memory() {
        Some(peak) => writeln!(out, "{:<28}{:>16}", "peak memory", bytes(peak))?,
        None => writeln!(out, "{:<28}{:>16}", "peak memory", "not known here")?,
    }
    if run.was_checked {
        writeln!(out, "{:<28}{:>16}", "checked against the model", "no difference")?;
    }
    Ok(())
}

fn row(out: &mut impl Write, name: &str, count: u64, remark: &str) -> io::Result<()> {
    writeln!(out, "{}", format!("{name:<28}{:>16}   {remark}", grouped(count)).trim_end())
}

fn parsed_share(lines: &Lines) -> String {
    let share = if lines.total == 0 { 0.0 } else { lines.parsed() as f64 / lines.total as f64 * 100.0 };
    let files = match lines.files {
        0 => String::new(),
        1 => "; 1 file".into(),
        files => format!("; {files} files"),
    };
    let passed_by = match lines.passed_by {
        0 => String::new(),
        passed_by => format!(", {passed_by} passed by"),
    };
    format!("{share:.3} % parsed{files}{passed_by}")
}

fn discarded(discarded: &oyez::Discarded) -> String {
    let oyez::Discarded { disconnect, partition_drop, .. } = discarded; // no class of the replay overflows
    format!("{} at a disconnect, {} at a partition drop", grouped(*disconnect), grouped(*partition_drop))
}

fn by_partition(counts: &[usize]) -> String {
    let counts: Vec<String> = counts.iter().map(|count| grouped(*count as u64)).collect();
    format!("sessions, by partition: {}", counts.join(" + "))
}

fn latency(out: &mut impl Write, name: &str, histogram: &Histogram<u64>) -> io::Result<()> {
    if histogram.is_empty() {
        return writeln!(out, "{name:<28}{:>16}", "-");
    }
    let [p50, p99] = [50.0, 99.0].map(|percentile| nanoseconds(histogram.value_at_percentile(percentile)));
    writeln!(out, "{:<28}{p50:>16}   p50; {p99} p99", name)
}

fn nanoseconds(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} ns"),
        10_000..10_000_000 => format!("{:.1} us", count as f64 / 1e3),
        _ => format!("{:.1} ms", count as f64 / 1e6),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// 1,234,567
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The most memory this process has had resident, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let numbers = [0, 12, 123, 1_234, 123_456, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }

    #[test]
    fn units_fit_the_size() {
        assert_eq!([9_999, 10_000, 12_345_678].map(nanoseconds), ["9999 ns", "10.0 us", "12.3 ms"]);
        assert_eq!([500, 1_500_000, 2_000_000_000].map(bytes), ["0.5 kB", "1.5 MB", "2.0 GB"]);
    }
}
