//! Time series.

use quadrant_testing::COUNT;

use crate::common::{needs_root, run_on, target};

#[test]
fn no_value_of_a_series_is_lost() {
    needs_root!();
    let syscalls = target!("syscalls");
    let outcome = run_on(
        &format!("{syscalls} getppid {COUNT}"),
        "tracepoint:syscalls:sys_enter_getppid /comm == \"syscalls\"/ { @ = tseries(1, 1s, 1000, \"sum\"); }",
    );
    let rows = outcome.stdout.lines().skip_while(|line| !line.starts_with("hh:mm:ss")).skip(1);
    let values = rows.take_while(|line| !line.trim_start().starts_with('v'));
    let sum: u64 = values.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
    assert_eq!(sum, COUNT, "{}", outcome.describe());
}
