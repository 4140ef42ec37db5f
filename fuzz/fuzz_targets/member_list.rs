//! Any sequence of changes and subscriptions leaves every viewer's copy of the list equal to the model's rows.
//! A crash prints the sequence as a test that can be pasted into `tests/member_list.rs`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oyez_model::list::Op;

fuzz_target!(
    // libFuzzer's panic hook aborts at once; without it the panic unwinds, and the driver prints the script.
    init: drop(std::panic::take_hook()),
    |ops: Vec<Op>| oyez_driver::list::run(&ops)
);
