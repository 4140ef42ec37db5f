//! Steps through a script and prints it when a step fails.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Calls `step` for each operation. When one panics, prints a call of `function` with the operations up to it.
pub fn run<Op: Debug>(function: &str, ops: &[Op], mut step: impl FnMut(&Op)) {
    for (at, op) in ops.iter().enumerate() {
        let outcome = catch_unwind(AssertUnwindSafe(|| step(op)));
        if let Err(panic) = outcome {
            eprintln!("operation {at} failed; as a test:\n\n{function}(&[");
            for op in &ops[..=at] {
                eprintln!("    {op:?},");
            }
            eprintln!("]);\n");
            resume_unwind(panic);
        }
    }
}
