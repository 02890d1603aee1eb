#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    provisioner::dhcp_fuzz::packet(bytes);
    provisioner::dhcp_fuzz::Giving::default().packet(bytes);
});
