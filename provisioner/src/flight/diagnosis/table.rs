//! Each cause, told from the others by what a machine and its network show.

use super::*;
use crate::flight::wire::{Carrier, Message, Step};

const PC: &str = "10.77.0.50";

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

/// A flight, step after step, one second apart.
#[derive(Clone)]
struct Story {
    flight: Option<Flight>,
    now: i64,
    xid: u32,
}

impl Story {
    fn new() -> Story {
        Story {
            flight: None,
            now: 1_000_000,
            xid: 1,
        }
    }

    fn step(mut self, step: Step) -> Story {
        self.now += 1000;
        match &mut self.flight {
            Some(flight) => flight.push(Timestamp(self.now), step),
            None => self.flight = Some(Flight::new(Timestamp(self.now), step)),
        }
        self
    }

    fn asks(mut self, program: Program, secs: u16) -> Story {
        self.xid += 1;
        let xid = self.xid;
        self.dhcp(67, Message::Discover, program, secs, xid, None)
    }

    fn dhcp(
        self,
        port: u16,
        message: Message,
        program: Program,
        secs: u16,
        xid: u32,
        server: Option<Ipv4Addr>,
    ) -> Story {
        self.step(Step::Asked {
            port,
            message,
            program,
            arch: Some(if program == Program::Unsupported {
                11
            } else {
                7
            }),
            secs,
            xid,
            server,
            relay: None,
            broadcast: program != Program::Ipxe,
        })
    }

    fn offered(self, file: Option<&str>) -> Story {
        self.step(Step::Answered {
            port: 67,
            message: Message::Offer,
            file: file.map(str::to_owned),
        })
    }

    /// It takes the address of another server.
    fn takes(self, program: Program, server: &str) -> Story {
        let xid = self.xid;
        self.dhcp(67, Message::Request, program, 0, xid, Some(ip(server)))
    }

    fn asks_4011(self) -> Story {
        let xid = self.xid;
        self.dhcp(4011, Message::Request, Program::Uefi, 0, xid, None)
            .step(Step::Answered {
                port: 4011,
                message: Message::Ack,
                file: Some("b/525400123456/snponly.efi".to_owned()),
            })
    }

    fn silent(self, why: &str) -> Story {
        self.silent_at(67, why)
    }

    fn silent_at(self, port: u16, why: &str) -> Story {
        let why = why.to_owned();
        self.step(Step::Silent { port, why })
    }

    /// It asks through this relay.
    fn asks_through(mut self, relay: &str) -> Story {
        self.xid += 1;
        let (xid, relay) = (self.xid, Some(ip(relay)));
        self.step(Step::Asked {
            port: 67,
            message: Message::Discover,
            program: Program::Uefi,
            arch: Some(7),
            secs: 0,
            xid,
            server: None,
            relay,
            broadcast: true,
        })
    }

    /// Its second step, which we did not answer.
    fn asks_4011_in_vain(self, why: &str) -> Story {
        let xid = self.xid;
        self.dhcp(4011, Message::Request, Program::Uefi, 0, xid, None)
            .silent_at(4011, why)
    }

    fn nak(self) -> Story {
        self.step(Step::Answered {
            port: 67,
            message: Message::Nak,
            file: None,
        })
    }

    fn heard(self, server: &str, address: Option<&str>, boots: bool, file: Option<&str>) -> Story {
        self.step(Step::Heard {
            server: ip(server),
            message: Message::Offer,
            address: address.map(ip),
            boots,
            file: file.map(str::to_owned),
            menu: false,
        })
    }

    fn file(self, by: Carrier, name: &str) -> Story {
        let file = name.to_owned();
        let head = false;
        self.step(Step::FileAsked { by, file, head })
    }

    fn sent(self, by: Carrier, name: &str, bytes: u64, why: Option<&str>) -> Story {
        self.step(Step::FileSent {
            by,
            file: name.to_owned(),
            bytes,
            of: 1000,
            took_ms: 1,
            why: why.map(str::to_owned),
        })
    }

    fn got(self, by: Carrier, name: &str) -> Story {
        self.file(by, name).sent(by, name, 1000, None)
    }

    fn refused(self, by: Carrier, name: &str, why: &str) -> Story {
        let (file, why) = (name.to_owned(), why.to_owned());
        self.file(by, name)
            .step(Step::FileRefused { by, file, why })
    }

    fn stopped(self, port: u16) -> Story {
        self.step(Step::Stopped { port })
    }

    /// `seconds` after the last step.
    fn judged(&self, seconds: u64, network: &Network, machine: &Machine) -> Diagnosis {
        let now = Timestamp(self.now) + Duration::from_secs(seconds);
        diagnose(self.flight.as_ref(), network, machine, now)
    }
}

/// A UEFI PC that was offered a boot and asked for no more than an address.
fn uefi_with_an_address() -> Story {
    Story::new()
        .asks(Program::Uefi, 0)
        .offered(None)
        .takes(Program::Uefi, "10.77.0.1")
}

/// A UEFI PC on its way to the loader.
fn uefi() -> Story {
    uefi_with_an_address().asks_4011()
}

fn network() -> Network {
    Network {
        address: Some((ip("10.77.0.2"), 24)),
        listens: true,
        gives: false,
        heard_somebody: true,
        followed: false,
        spanning_tree: false,
        dot1x: false,
    }
}

/// Where we give the addresses.
fn gives() -> Network {
    Network {
        gives: true,
        ..network()
    }
}

fn followed() -> Network {
    Network {
        followed: true,
        ..network()
    }
}

#[test]
fn every_cause_is_told_from_the_others() {
    use Carrier::{Http, Tftp};
    use Certainty::{Possible, Probable, Seen};
    let loader = "snponly.efi".to_owned();
    let secure_boot = || Cause::SecureBoot("snponly.efi".to_owned());
    let heard = |story: Story| story.heard("10.77.0.1", Some(PC), false, None);
    let ipxe = |story: Story| {
        let file = "http://10.77.0.2:8067/b/525400123456/boot.ipxe";
        story.asks(Program::Ipxe, 4).offered(Some(file))
    };
    let ours = "b/525400123456/snponly.efi";
    let bios = || {
        Story::new()
            .asks(Program::Bios, 0)
            .offered(Some("b/525400123456/undionly.kpxe"))
    };
    let started = |story: Story| ipxe(story.got(Tftp, "snponly.efi")).got(Http, "boot.ipxe");
    let table: Vec<(&str, Story, Network, Cause, Certainty)> = vec![
        (
            "two servers give addresses",
            heard(Story::new().asks(Program::Uefi, 0))
                .heard("10.77.0.9", Some("10.77.0.60"), false, None)
                .offered(None)
                .takes(Program::Uefi, "10.77.0.1"),
            network(),
            Cause::TwoServers(vec![ip("10.77.0.1"), ip("10.77.0.9")]),
            Possible,
        ),
        (
            "option 60 without a boot server behind it",
            Story::new()
                .asks(Program::Uefi, 0)
                .heard("10.77.0.1", Some(PC), true, None)
                .offered(None)
                .takes(Program::Uefi, "10.77.0.1"),
            network(),
            Cause::Option60(ip("10.77.0.1")),
            Probable,
        ),
        (
            "another boot server beside the one that gives addresses",
            heard(Story::new().asks(Program::Uefi, 0))
                .heard("10.77.0.7", None, true, Some("bootmgfw.efi"))
                .offered(None)
                .takes(Program::Uefi, "10.77.0.1"),
            network(),
            Cause::ForeignProxy(ip("10.77.0.7")),
            Probable,
        ),
        (
            "the server that gives addresses names a boot file",
            bios().heard("10.77.0.1", Some(PC), false, Some("pxelinux.0")),
            network(),
            Cause::ForeignProxy(ip("10.77.0.1")),
            Possible,
        ),
        (
            "another Reprise",
            heard(Story::new().asks(Program::Bios, 0))
                .heard(
                    "10.77.0.7",
                    None,
                    true,
                    Some("b/525400123456/undionly.kpxe"),
                )
                .offered(Some("b/525400123456/undionly.kpxe")),
            network(),
            Cause::AnotherReprise(ip("10.77.0.7")),
            Seen,
        ),
        (
            "an address of another network",
            Story::new()
                .asks(Program::Uefi, 0)
                .heard("192.168.1.1", Some("192.168.1.50"), false, None)
                .offered(None)
                .takes(Program::Uefi, "192.168.1.1"),
            network(),
            Cause::OtherSubnet {
                server: ip("192.168.1.1"),
                address: ip("192.168.1.50"),
            },
            Probable,
        ),
        (
            "nobody gives addresses",
            Story::new()
                .asks(Program::Uefi, 0)
                .offered(None)
                .asks(Program::Uefi, 4)
                .offered(None),
            network(),
            Cause::NoAddressServer,
            Probable,
        ),
        (
            "offers that never arrive, of anybody's machine",
            heard(Story::new().asks(Program::Uefi, 0).offered(None))
                .asks(Program::Uefi, 4)
                .offered(None),
            network(),
            Cause::Snooping,
            Probable,
        ),
        (
            "offers that others follow",
            heard(Story::new().asks(Program::Uefi, 0).offered(None))
                .asks(Program::Uefi, 4)
                .offered(None),
            followed(),
            Cause::FirmwareGaveUp,
            Probable,
        ),
        (
            "4011 is never asked",
            heard(uefi_with_an_address()),
            network(),
            Cause::Port4011,
            Probable,
        ),
        (
            "4011 is stopped by our own firewall",
            uefi_with_an_address().stopped(4011).stopped(4011),
            network(),
            Cause::OwnFirewall(4011),
            Seen,
        ),
        (
            "4011 is asked again and again",
            uefi().asks_4011(),
            network(),
            Cause::AnswersLost,
            Probable,
        ),
        (
            "the answer of 4011 is not followed",
            uefi(),
            network(),
            Cause::TftpBlocked,
            Probable,
        ),
        (
            "TFTP is stopped by our own firewall",
            uefi().stopped(69),
            network(),
            Cause::OwnFirewall(69),
            Seen,
        ),
        (
            "a BIOS that never asks for its loader",
            heard(bios()).takes(Program::Bios, "10.77.0.1"),
            network(),
            Cause::TftpBlocked,
            Probable,
        ),
        (
            "iPXE that never asks for its script",
            heard(ipxe(Story::new())).takes(Program::Ipxe, "10.77.0.1"),
            network(),
            Cause::HttpBlocked,
            Probable,
        ),
        (
            "a guest network: it looks for us and finds no way",
            heard(uefi_with_an_address()).step(Step::LookedForUs),
            network(),
            Cause::GuestIsolation,
            Probable,
        ),
        (
            "TFTP that gets no block through",
            uefi()
                .file(Tftp, "snponly.efi")
                .sent(Tftp, "snponly.efi", 0, Some("unanswered"))
                .file(Tftp, "snponly.efi")
                .sent(Tftp, "snponly.efi", 0, Some("unanswered")),
            network(),
            Cause::TftpDataBlocked,
            Probable,
        ),
        (
            "a transfer that breaks off",
            uefi()
                .file(Tftp, "snponly.efi")
                .sent(Tftp, "snponly.efi", 400, Some("unanswered")),
            network(),
            Cause::TransferCut {
                file: loader.clone(),
                bytes: 400,
                of: 1000,
            },
            Seen,
        ),
        (
            "a missing file",
            uefi().refused(Tftp, "snponly.efi", "missing"),
            network(),
            Cause::MissingFile(loader.clone()),
            Seen,
        ),
        (
            "an unsigned loader, then silence",
            uefi()
                .sent(
                    Tftp,
                    "snponly.efi",
                    0,
                    Some("aborted 8 User aborted the transfer"),
                )
                .got(Tftp, "snponly.efi"),
            network(),
            secure_boot(),
            Probable,
        ),
        (
            "an unsigned loader, then the next boot entry",
            uefi().got(Tftp, "snponly.efi").asks(Program::UefiHttp, 0),
            network(),
            secure_boot(),
            Probable,
        ),
        (
            "HTTP Boot of an unsigned loader",
            Story::new()
                .asks(Program::UefiHttp, 0)
                .offered(Some("http://10.77.0.2:8067/b/525400123456/snponly.efi"))
                .got(Http, "snponly.efi"),
            network(),
            secure_boot(),
            Probable,
        ),
        (
            "a signed loader that is refused",
            uefi().got(Tftp, "shimx64.efi"),
            network(),
            Cause::ThirdPartyCa("shimx64.efi".to_owned()),
            Probable,
        ),
        (
            "a BIOS loader that does not run",
            bios().got(Tftp, "undionly.kpxe"),
            network(),
            Cause::LoaderDidNotStart("undionly.kpxe".to_owned()),
            Probable,
        ),
        (
            "iPXE under Secure Boot has no kernel it may start",
            started(uefi()).got(Http, "kernel"),
            network(),
            Cause::SecureBoot("kernel".to_owned()),
            Possible,
        ),
        (
            "the kernel runs, and no agent reports",
            started(uefi()).got(Http, "kernel").got(Http, "initrd"),
            network(),
            Cause::AgentSilent,
            Probable,
        ),
        (
            "it booted",
            started(uefi())
                .got(Http, "kernel")
                .got(Http, "initrd")
                .step(Step::Reported),
            network(),
            Cause::Booted,
            Seen,
        ),
        (
            "an optional file is no cause",
            started(uefi())
                .got(Http, "kernel")
                .got(Http, "initrd")
                .refused(Tftp, "revocations_sku.efi", "missing"),
            network(),
            Cause::AgentSilent,
            Probable,
        ),
        (
            "no image for ARM, and its screen says so",
            Story::new()
                .asks(Program::Unsupported, 0)
                .got(Tftp, "no-image-aa64.efi"),
            network(),
            Cause::WrongArchitecture(Some(11)),
            Seen,
        ),
        (
            "no loader for 32-bit ARM",
            Story::new()
                .asks(Program::Unsupported, 0)
                .silent("unsupported"),
            network(),
            Cause::WrongArchitecture(Some(11)),
            Seen,
        ),
        (
            "nothing is to be done",
            Story::new().asks(Program::Uefi, 0).silent("nothing_to_do"),
            network(),
            Cause::OnPurpose("nothing_to_do".to_owned()),
            Seen,
        ),
        (
            "a relay whose network we do not have",
            Story::new().asks_through("10.99.0.1").silent("no_subnet"),
            gives(),
            Cause::NoSubnet(Some(ip("10.99.0.1"))),
            Seen,
        ),
        (
            "our own wire is of no subnet",
            Story::new().asks(Program::Uefi, 0).silent("no_subnet"),
            gives(),
            Cause::NoSubnet(None),
            Seen,
        ),
        (
            "all addresses are given",
            Story::new()
                .asks(Program::Uefi, 0)
                .silent("no_address_left"),
            gives(),
            Cause::NoAddressLeft,
            Seen,
        ),
        (
            "it wants an address it may not have",
            Story::new()
                .asks(Program::Uefi, 0)
                .offered(Some(ours))
                .takes(Program::Uefi, "10.77.0.2")
                .nak(),
            gives(),
            Cause::AddressRefused,
            Seen,
        ),
        (
            "it takes another server's address where we give them",
            Story::new()
                .asks(Program::Uefi, 0)
                .offered(Some(ours))
                .takes(Program::Uefi, "10.77.0.9")
                .silent("other_server"),
            gives(),
            Cause::TwoServers(vec![ip("10.77.0.2"), ip("10.77.0.9")]),
            Probable,
        ),
        (
            "its second step has no way back: no firewall's fault",
            Story::new()
                .asks(Program::Uefi, 0)
                .offered(None)
                .takes(Program::Uefi, "10.77.0.1")
                .asks_4011_in_vain("no_address"),
            network(),
            Cause::AskedWithoutAddress,
            Seen,
        ),
        (
            "our files are not built",
            Story::new().asks(Program::Uefi, 0).silent("no_assets"),
            network(),
            Cause::NotReady("no_assets".to_owned()),
            Seen,
        ),
        (
            "a switch port that forwards late",
            heard(Story::new().asks(Program::Ipxe, 28).offered(Some(ours))),
            Network {
                spanning_tree: true,
                ..network()
            },
            Cause::PortFast,
            Probable,
        ),
        (
            "nobody is heard",
            Story::new(),
            Network {
                heard_somebody: false,
                ..network()
            },
            Cause::NothingHeard,
            Probable,
        ),
        (
            "others are heard",
            Story::new(),
            network(),
            Cause::NeverAsked,
            Possible,
        ),
        (
            "802.1X",
            Story::new(),
            Network {
                dot1x: true,
                ..network()
            },
            Cause::Dot1x,
            Probable,
        ),
    ];
    for (name, story, network, cause, certainty) in table {
        let found = story.judged(200, &network, &Machine::default());
        assert_eq!(found.cause, cause, "{name}: {found:?}");
        assert_eq!(found.certainty, certainty, "{name}");
        assert!(!found.also.contains(&found.cause), "{name}: {found:?}");
    }
}

#[test]
fn what_rests_on_silence_waits_for_it() {
    let loader = uefi().got(Carrier::Tftp, "snponly.efi");
    let judged = |seconds| {
        loader
            .judged(seconds, &network(), &Machine::default())
            .cause
    };
    assert_eq!(judged(20), Cause::Going);
    assert_eq!(judged(60), Cause::SecureBoot("snponly.efi".to_owned()));
    let kernel = loader
        .got(Carrier::Http, "kernel")
        .got(Carrier::Http, "initrd");
    let judged = |seconds| {
        kernel
            .judged(seconds, &network(), &Machine::default())
            .cause
    };
    assert_eq!(judged(100), Cause::Going);
    assert_eq!(judged(200), Cause::AgentSilent);
    // A refusal is a refusal at once.
    let missing = uefi().refused(Carrier::Tftp, "snponly.efi", "missing");
    let found = missing.judged(0, &network(), &Machine::default());
    assert_eq!(found.cause, Cause::MissingFile("snponly.efi".to_owned()));
}

#[test]
fn what_the_agent_found_out_before_counts() {
    let story = uefi().got(Carrier::Tftp, "snponly.efi");
    let off = Machine {
        secure_boot: Some(false),
        ..Machine::default()
    };
    let found = story.judged(60, &network(), &off);
    let not_started = Cause::LoaderDidNotStart("snponly.efi".to_owned());
    assert_eq!(found.cause, not_started);
    let on = Machine {
        secure_boot: Some(true),
        ..Machine::default()
    };
    let found = story.judged(60, &network(), &on);
    assert!(found.evidence.contains(&Evidence::SecureBootOn));
    // Its system talks to the network, its firmware never did.
    let system = Machine {
        system_heard: true,
        ..Machine::default()
    };
    let found = Story::new().judged(0, &network(), &system);
    assert_eq!(found.cause, Cause::NetworkStackOff);
}

#[test]
fn a_boot_disk_that_ends_in_silence_is_judged_by_what_its_firmware_trusts() {
    let refused = || Cause::ThirdPartyCa("boot.img".to_owned());
    let not_started = || Cause::LoaderDidNotStart("boot.img".to_owned());
    let machine = |secure_boot, trusts_shim| Machine {
        secure_boot,
        trusts_shim,
        system_heard: false,
    };
    // (Secure Boot, its loader is trusted, the firmware went on to its next entry, cause)
    let table = [
        (Some(true), Some(false), true, refused()),
        (Some(true), Some(false), false, refused()),
        (Some(true), Some(true), true, not_started()),
        (Some(true), Some(true), false, Cause::AgentSilent),
        (Some(false), None, true, not_started()),
        (Some(false), None, false, Cause::AgentSilent),
        (None, None, true, refused()),
        (None, None, false, Cause::AgentSilent),
    ];
    for (secure_boot, trusts_shim, next_entry, cause) in table {
        let mut story = Story::new()
            .asks(Program::UefiHttp, 0)
            .offered(Some("http://10.77.0.2:8067/b/525400123456/boot.img"))
            .got(Carrier::Http, "boot.img");
        if next_entry {
            story = story.asks(Program::Uefi, 0);
        }
        let found = story.judged(160, &network(), &machine(secure_boot, trusts_shim));
        assert_eq!(
            found.cause, cause,
            "{secure_boot:?} {trusts_shim:?} {next_entry}"
        );
        let told = found.evidence.contains(&Evidence::SecureBootOn);
        assert_eq!(told, secure_boot == Some(true));
    }
}

#[test]
fn a_late_port_is_named_beside_another_cause() {
    let story = Story::new()
        .asks(Program::Uefi, 30)
        .offered(None)
        .takes(Program::Uefi, "10.77.0.1");
    let found = story.judged(60, &network(), &Machine::default());
    assert_eq!(found.cause, Cause::Port4011);
    assert!(found.also.contains(&Cause::PortFast), "{found:?}");
    assert!(found.evidence.contains(&Evidence::FirstSecs(30)));
}
