//! Which rows a series of changes has moved: [`Shift`].

/// The effect of row insertions and removals, in two numbers and a difference: rows before `head` are what they were;
/// rows from `tail` on are the old rows, moved down by `by`. In between anything may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shift {
    head: usize,
    tail: usize,
    by: isize,
}

impl Default for Shift {
    /// No change at all.
    fn default() -> Self {
        Shift { head: usize::MAX, tail: 0, by: 0 }
    }
}

impl Shift {
    /// A row was inserted at this index.
    pub fn insert_row(&mut self, row: usize) {
        self.head = self.head.min(row);
        self.tail = self.tail.max(row) + 1;
        self.by += 1;
    }

    /// The row of this index was removed.
    pub fn remove_row(&mut self, row: usize) {
        self.head = self.head.min(row);
        self.tail = self.tail.saturating_sub(1).max(row);
        self.by -= 1;
    }

    /// Whether nothing has changed.
    pub fn is_none(self) -> bool {
        self == Shift::default()
    }

    /// Whether the rows `first..=last` may differ from those of the same indices before.
    pub fn touches(self, first: usize, last: usize) -> bool {
        last >= self.head && (self.by != 0 || first < self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_touches_only_the_rows_in_between() {
        let mut shift = Shift::default();
        shift.remove_row(20);
        shift.insert_row(10);
        assert!(!shift.touches(0, 9));
        assert!(shift.touches(0, 10) && shift.touches(20, 30));
        assert!(!shift.touches(21, 30));
    }

    #[test]
    fn a_removal_touches_everything_behind_it_until_an_insertion_makes_up_for_it() {
        let mut shift = Shift::default();
        shift.remove_row(5);
        assert!(shift.touches(100, 200));
        shift.insert_row(7);
        assert!(shift.touches(7, 7));
        assert!(!shift.touches(8, 200));
    }

    /// Against a vector of rows, for every series of up to four changes in a list of four rows.
    #[test]
    fn untouched_rows_are_what_they_were() {
        fn grow(rows: &[u32], shift: Shift, next: u32, depth: u32) {
            let before: Vec<u32> = (0..4).collect();
            for row in 0..6 {
                if !shift.touches(row, row) {
                    assert_eq!(rows.get(row), before.get(row), "{shift:?} {rows:?}");
                }
            }
            if depth == 0 {
                return;
            }
            for row in 0..=rows.len() {
                let (mut longer, mut moved) = (rows.to_vec(), shift);
                longer.insert(row, next);
                moved.insert_row(row);
                grow(&longer, moved, next + 1, depth - 1);
            }
            for row in 0..rows.len() {
                let (mut shorter, mut moved) = (rows.to_vec(), shift);
                shorter.remove(row);
                moved.remove_row(row);
                grow(&shorter, moved, next, depth - 1);
            }
        }
        grow(&[0, 1, 2, 3], Shift::default(), 4, 4);
    }
}
