#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    provisioner::tftp::fuzz::conversation(bytes);
    provisioner::tftp::fuzz::reply(bytes);
});
