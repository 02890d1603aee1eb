#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    vault::format::fuzz::key(bytes);
});
