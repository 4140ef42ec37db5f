//! Any sequence of scores and questions gives the same answers from the ranking and from the model's sorted vector.
//! A crash prints the sequence as a test that can be pasted into `tests/ranking.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oyez_model::ranking::Op;

fuzz_target!(
    // libFuzzer's panic hook aborts at once; without it the panic unwinds, and the driver prints the script.
    init: drop(std::panic::take_hook()),
    |ops: Vec<Op>| oyez_driver::ranking::run(&ops)
);
