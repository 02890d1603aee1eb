#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    provisioner::dhcp6_fuzz::packet(bytes);
});
