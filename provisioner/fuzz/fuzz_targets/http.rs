#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| provisioner::http_fuzz(bytes));
