//! The first start, the second, and every way to stop.

use crate::harness::{Appliance, Start, Temp, config_text};

#[test]
fn sigterm_stops_cleanly_and_a_second_start_finds_everything() {
    let folder = Temp::new();
    let first = Appliance::first_start(&folder, &config_text(""));
    let (status, log) = first.terminate();
    assert!(status.success(), "{log}");
    assert!(!folder.join("state/ports.json").exists(), "{log}");
    assert!(!folder.join("state/control.sock").exists(), "{log}");
    let fingerprint = |log: &str| {
        let line = log.lines().find(|l| l.contains("SHA-256 fingerprint"));
        line.and_then(|l| l.split_whitespace().last())
            .map(str::to_owned)
    };
    let second = Appliance::start(&folder, Start::default());
    second.says("SHA-256 fingerprint");
    assert_eq!(fingerprint(&log), fingerprint(&second.log()));
    assert!(fingerprint(&log).is_some());
}
