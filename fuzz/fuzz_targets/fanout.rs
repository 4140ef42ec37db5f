//! Any sequence of sessions, subscriptions and publishes delivers what the model delivers and accounts for every event.
//! A crash prints the sequence as a test that can be pasted into `tests/fanout.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oyez_model::fanout::Op;

fuzz_target!(
    // libFuzzer's panic hook aborts at once; without it the panic unwinds, and the driver prints the script.
    init: drop(std::panic::take_hook()),
    |ops: Vec<Op>| oyez_driver::fanout::run(&ops)
);
