//! What a viewer has on screen: [`Window`].

use smallvec::SmallVec;
use std::fmt;

/// An inclusive range of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// The first row.
    pub first: usize,
    /// The last row, part of the window.
    pub last: usize,
}

/// How many windows a viewer may have, and how wide. The defaults are those of a large chat service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowLimits {
    /// Windows of one viewer. Default 3.
    pub count_max: usize,
    /// Rows of one window. Default 100.
    pub rows_max: usize,
}

/// Why windows were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowError {
    /// The window ends before it starts.
    Reversed(Window),
    /// The window has more rows than it may.
    TooWide {
        /// The window.
        window: Window,
        /// The limit in rows.
        max: usize,
    },
    /// There are more windows than a viewer may have.
    TooMany {
        /// Their number.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// There are as many viewers as there may be, and this would be one more.
    TooManyViewers {
        /// The limit.
        max: usize,
    },
}

/// A viewer's windows, those that overlap merged: disjoint, in order.
pub(super) type Spans = SmallVec<[Window; 3]>;

impl Window {
    /// The rows from `first` to `last`, both included.
    pub const fn new(first: usize, last: usize) -> Self {
        Window { first, last }
    }

    /// Whether the row is in the window.
    pub fn contains(self, row: usize) -> bool {
        (self.first..=self.last).contains(&row)
    }

    /// The rows that both have.
    pub(super) fn overlap(self, other: Window) -> Option<Window> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Window { first, last })
    }

    /// The rows that are in none of the spans.
    pub(super) fn without(self, spans: &Spans) -> Spans {
        let mut rest = Spans::new();
        let mut first = self.first;
        for common in spans.iter().filter_map(|&span| self.overlap(span)) {
            if first < common.first {
                rest.push(Window { first, last: common.first - 1 });
            }
            if common.last == self.last {
                return rest;
            }
            first = common.last + 1;
        }
        rest.push(Window { first, last: self.last });
        rest
    }
}

impl Default for WindowLimits {
    fn default() -> Self {
        WindowLimits { count_max: 3, rows_max: 100 }
    }
}

impl WindowLimits {
    /// Limits other than the default.
    pub const fn new(count_max: usize, rows_max: usize) -> Self {
        WindowLimits { count_max, rows_max }
    }

    /// Checks windows and merges those that overlap. Those that only touch stay apart, so that a viewer who asks for
    /// the next screen keeps the one it has.
    pub(super) fn spans(self, windows: &[Window]) -> Result<Spans, WindowError> {
        if windows.len() > self.count_max {
            return Err(WindowError::TooMany { count: windows.len(), max: self.count_max });
        }
        for &window in windows {
            if window.last < window.first {
                return Err(WindowError::Reversed(window));
            }
            if window.last - window.first >= self.rows_max {
                return Err(WindowError::TooWide { window, max: self.rows_max });
            }
        }
        let mut sorted: Spans = windows.into();
        sorted.sort_unstable();
        let mut spans = Spans::new();
        for window in sorted {
            match spans.last_mut() {
                Some(before) if window.first <= before.last => {
                    before.last = before.last.max(window.last);
                }
                _ => spans.push(window),
            }
        }
        Ok(spans)
    }
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WindowError::Reversed(window) => {
                write!(f, "the window from row {} to {} ends before it starts", window.first, window.last)
            }
            WindowError::TooWide { window, max } => {
                write!(f, "the window from row {} to {} has more than {max} rows", window.first, window.last)
            }
            WindowError::TooMany { count, max } => write!(f, "{count} windows, the limit is {max}"),
            WindowError::TooManyViewers { max } => write!(f, "the list has {max} viewers, its limit"),
        }
    }
}

impl std::error::Error for WindowError {}
