//! Whether all sessions agree on one order.

use crate::history::Name;
use crate::rule::{Rule, Violation};
use std::collections::HashMap;

/// Which event came right before which, for any session. There is one order if that has no circle. It knows events by
/// their names, not by their sequences.
#[derive(Default)]
pub struct Order {
    numbers: HashMap<Name, usize>,
    names: Vec<Name>,
    /// By the event before; a few each, as most sessions have the same next event.
    after: Vec<Vec<usize>>,
}

impl Order {
    pub fn add(&mut self, names: &[Name]) {
        let mut before = None;
        for &name in names {
            let number = *self.numbers.entry(name).or_insert(self.names.len());
            if number == self.names.len() {
                self.names.push(name);
                self.after.push(Vec::new());
            }
            if let Some(before) = before.replace(number)
                && !self.after[before].contains(&number)
            {
                self.after[before].push(number);
            }
        }
    }

    pub fn check(&self, violations: &mut Vec<Violation>) {
        let mut waits_for = vec![0; self.names.len()];
        self.after.iter().flatten().for_each(|&number| waits_for[number] += 1);
        let mut free: Vec<usize> = (0..waits_for.len()).filter(|&number| waits_for[number] == 0).collect();
        while let Some(number) = free.pop() {
            for &next in &self.after[number] {
                waits_for[next] -= 1;
                if waits_for[next] == 0 {
                    free.push(next);
                }
            }
        }
        if let Some(stuck) = waits_for.iter().position(|&waits| waits > 0) {
            let what = format!("sessions do not agree on the place of {:?}", self.names[stuck]);
            violations.push(Violation { rule: Rule::OneOrder, what });
        }
    }
}
