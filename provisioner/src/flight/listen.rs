//! Hears what goes by on an interface: other servers' answers, and packets of machines that never
//! come to our own sockets. Now and then it asks who gives addresses (`scout`).

use super::ether::Task;
use super::rogue::Finding;
use super::scout;
use super::wire::Step;
use crate::Mac;
use crate::interface::{EVERY, Served};
use crate::trouble::Trouble;
use config::DhcpRole;
use if_addrs::IfAddr;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use state::Timestamp;
use std::collections::{HashSet, VecDeque};
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// Longer frames are cut: no boot message is.
const LONGEST: usize = 2048;
/// How long our server may take to get a packet that came to the card.
const EXPECTED_WITHIN: Duration = Duration::from_secs(1);
const MOST_EXPECTED: usize = 256;
/// So many frames that came together are a crowd, after which it is waited for more.
const CROWD: u32 = 4;
const PAUSE: Duration = Duration::from_millis(10);
const MOST_IN_A_ROW: u32 = 1024;
const TICK: Duration = Duration::from_millis(500);
/// How often it is looked whether other servers are in the way.
const JUDGED_EVERY: u32 = 10;

/// Where we do not answer DHCP, other boot servers are none of our business.
pub(crate) async fn listen(served: Served, role: DhcpRole, stop: CancellationToken) {
    let (boots, gives) = (role != DhcpRole::Off, role == DhcpRole::Server);
    let interface = served.interface.clone();
    let recorder = served.boot.recorder.clone();
    let (db, clock) = (&served.boot.db, &served.boot.clock);
    let mut deaf = Trouble::of(db, clock, format!("listening on {interface}")).await;
    let mut others = Others {
        addresses: Trouble::of(db, clock, format!("addresses on {interface}")).await,
        boots: Trouble::of(db, clock, format!("boot servers on {interface}")).await,
        we_boot: boots,
    };
    loop {
        match open(&interface, served.address) {
            Ok(socket) => {
                deaf.over().await;
                let (prefix, ours) = addresses(served.address);
                recorder.ether().ours(ours);
                recorder
                    .ether()
                    .opened(&interface, served.address, prefix, gives);
                tokio::select! {
                    () = stop.cancelled() => {}
                    error = hear(&served, &socket, &mut others) => {
                        tracing::warn!(interface, %error, "listening broke off; it is begun again");
                    }
                }
                recorder.ether().closed(&interface);
            }
            Err(error) => {
                deaf.begins(&format!(
                    "other servers on {interface} cannot be heard ({error}); give reprise the capability CAP_NET_RAW, until then the causes of failed boots are guessed with less"
                ))
                .await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The prefix of one address of this box, and all of them.
fn addresses(of: Ipv4Addr) -> (u8, HashSet<Ipv4Addr>) {
    let found = if_addrs::get_if_addrs().unwrap_or_default();
    let four = found.iter().filter_map(|interface| match &interface.addr {
        IfAddr::V4(v4) => Some((v4.ip, v4.prefixlen)),
        IfAddr::V6(_) => None,
    });
    let prefix = four.clone().find(|(ip, _)| *ip == of);
    let prefix = prefix.map_or(24, |(_, prefix)| prefix);
    (prefix, four.map(|(ip, _)| ip).chain([of]).collect())
}

/// Sees every frame of the machine (there is no safe call that binds it to one interface), of which
/// the kernel's filter passes the few that matter.
///
/// tokio has no safe wrapper for a packet socket; one of datagrams it reads with the same call.
fn open(interface: &str, address: Ipv4Addr) -> io::Result<UdpSocket> {
    let probe = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    let index = rustix::net::netdevice::name_to_index(probe, interface)?;
    let all = i32::from(u16::to_be(0x0003));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(all)))?;
    socket.attach_filter(&filter(index, address))?;
    socket.set_recv_buffer_size(1 << 20)?;
    socket.set_nonblocking(true)?;
    // What arrived before the filter stood is of any kind, from any interface.
    let mut buffer = [0; 64];
    for _ in 0..10_000 {
        if (&socket).read(&mut buffer).is_err() {
            break;
        }
    }
    UdpSocket::from_std(socket.into())
}

async fn hear(served: &Served, socket: &UdpSocket, others: &mut Others) -> io::Error {
    let recorder = &served.boot.recorder;
    let clock = &served.boot.clock;
    let mut expected: VecDeque<(Mac, u16, Timestamp)> = VecDeque::new();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut ticks = 0u32;
    let began = tokio::time::Instant::now() + scout::FIRST;
    let mut scouting = tokio::time::interval_at(began, scout::EVERY);
    scouting.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut buffer = vec![0; LONGEST];
    loop {
        let len = tokio::select! {
            read = socket.recv(&mut buffer) => match read {
                Ok(len) => len,
                Err(error) => return error,
            },
            _ = scouting.tick(), if others.we_boot => {
                let xid = u32::try_from(clock.now().0 & 0x7fff_ffff).unwrap_or_default();
                if let Err(error) = scout::ask(&served.interface, served.address, xid) {
                    tracing::debug!(interface = served.interface, %error, "failed to ask for other DHCP servers");
                }
                continue;
            }
            _ = tick.tick() => {
                overdue(served, &mut expected);
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(JUDGED_EVERY) {
                    let (_, ours) = addresses(served.address);
                    recorder.ether().ours(ours);
                    let found = recorder.ether().findings(&served.interface, clock.now());
                    others.are(&served.interface, &found).await;
                }
                continue;
            }
        };
        let mut len = len;
        let mut in_a_row = 0;
        loop {
            let now = clock.now();
            let task = recorder
                .ether()
                .take(&served.interface, &buffer[..len], now);
            match task {
                Task::Nothing => {}
                Task::Note(mac, step) => recorder.note_at(mac, now, step),
                Task::Expect(mac, port) => {
                    if expected.len() < MOST_EXPECTED {
                        expected.push_back((mac, port, now));
                    }
                }
            }
            in_a_row += 1;
            if in_a_row == MOST_IN_A_ROW {
                break;
            }
            match socket.try_recv(&mut buffer) {
                Ok(more) => len = more,
                Err(_) => break,
            }
        }
        // A crowd is heard in one go: waking up for each of its frames takes time from who answers.
        if in_a_row >= CROWD {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Packets that our open ports should have got by now.
fn overdue(served: &Served, expected: &mut VecDeque<(Mac, u16, Timestamp)>) {
    let now = served.boot.clock.now();
    let ports = served.open_ports();
    while let Some((mac, port, at)) = expected.front().copied() {
        if now.since(at) < EXPECTED_WITHIN {
            return;
        }
        expected.pop_front();
        let open = match port {
            67 => ports.dhcp.is_some(),
            4011 => ports.pxe.is_some(),
            _ => ports.tftp.is_some(),
        };
        let recorder = &served.boot.recorder;
        if open && !recorder.got(mac, port, at) {
            recorder.note_at(mac, now, Step::Stopped { port });
        }
    }
}

/// One trouble when another server gets in the way, one fact when it is gone.
struct Others {
    addresses: Trouble,
    boots: Trouble,
    we_boot: bool,
}

impl Others {
    async fn are(&mut self, interface: &str, found: &[Finding]) {
        let (addresses, boots): (Vec<_>, Vec<_>) = found
            .iter()
            .partition(|finding| matches!(finding, Finding::TwoServers(..) | Finding::GivesToo(_)));
        match addresses.first() {
            Some(finding) => self.addresses.begins(&finding.sentence(interface)).await,
            None => self.addresses.over().await,
        }
        match boots.first().filter(|_| self.we_boot) {
            Some(finding) => self.boots.begins(&finding.sentence(interface)).await,
            None => self.boots.over().await,
        }
    }
}

/// A jump's way.
#[derive(Clone, Copy)]
enum To {
    Next,
    Label(&'static str),
}

use To::{Label, Next};

/// The kernel's filter (classic BPF): IPv4 and IPv6 of the boot protocols, ARP for our address,
/// 802.1X and spanning tree, of one interface. With names for the places it jumps to.
fn filter(index: u32, address: Ipv4Addr) -> Vec<SockFilter> {
    const LOAD_WORD: u16 = 0x20;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF_X: u16 = 0x48;
    const X_IS_HEADER: u16 = 0xb1;
    const EQUAL: u16 = 0x15;
    const AT_LEAST: u16 = 0x35;
    const ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    /// SKF_AD_OFF + SKF_AD_IFINDEX: the number of the interface.
    const IFINDEX: u32 = 0xffff_f000 + 8;
    /// SKF_AD_OFF + SKF_AD_VLAN_TAG: the 802.1Q tag that the card or the kernel took off.
    const VLAN_TAG: u32 = 0xffff_f000 + 44;
    const VLAN_NUMBER: u32 = 0x0fff;

    let mut program: Vec<(Option<&str>, u16, u32, To, To)> = Vec::new();
    let mut add = |label, code, k, yes, no| program.push((label, code, k, yes, no));
    let (yes, no) = (Label("yes"), Label("no"));
    add(None, LOAD_WORD, IFINDEX, Next, Next);
    add(None, EQUAL, index, Next, no);
    // The frames of eth0.10 come by on eth0 too, tagged: they are of another network. A tag with
    // number 0 only says how urgent a frame is.
    add(None, LOAD_WORD, VLAN_TAG, Next, Next);
    add(None, ANY_BIT, VLAN_NUMBER, no, Next);
    add(None, LOAD_HALF, 12, Next, Next);
    add(None, EQUAL, 0x0800, Label("ipv4"), Next);
    add(None, EQUAL, 0x86dd, Label("ipv6"), Next);
    add(None, EQUAL, 0x0806, Label("arp"), Next);
    add(None, EQUAL, 0x888e, yes, Next);
    // A length, not a type: IEEE 802.3.
    add(None, AT_LEAST, 0x0600, no, Next);
    add(None, LOAD_HALF, 14, Next, Next);
    add(None, EQUAL, 0x4242, yes, no);
    add(Some("arp"), LOAD_WORD, 38, Next, Next);
    add(None, EQUAL, address.to_bits(), yes, no);
    add(Some("ipv4"), LOAD_BYTE, 23, Next, Next);
    add(None, EQUAL, 17, Next, no);
    add(None, LOAD_HALF, 20, Next, Next);
    add(None, ANY_BIT, 0x1fff, no, Next);
    add(None, X_IS_HEADER, 14, Next, Next);
    for at in [14, 16] {
        add(None, LOAD_HALF_X, at, Next, Next);
        for port in [67, 68, 69] {
            add(None, EQUAL, port, yes, Next);
        }
        let last = if at == 16 { no } else { Next };
        add(None, EQUAL, 4011, yes, last);
    }
    add(Some("ipv6"), LOAD_BYTE, 20, Next, Next);
    add(None, EQUAL, 17, Next, no);
    for at in [54, 56] {
        add(None, LOAD_HALF, at, Next, Next);
        for port in [546, 547, 69] {
            add(None, EQUAL, port, yes, Next);
        }
        let last = if at == 56 { no } else { Next };
        add(None, EQUAL, 4011, yes, last);
    }
    add(Some("yes"), RETURN, 0xffff, Next, Next);
    add(Some("no"), RETURN, 0, Next, Next);

    let place = |label: &str| program.iter().position(|line| line.0 == Some(label));
    let jump = |from: usize, to: To| match to {
        Next => 0,
        // All labels lie ahead and near; one that does not would be refused by the kernel.
        Label(label) => place(label)
            .and_then(|at| u8::try_from(at.saturating_sub(from + 1)).ok())
            .unwrap_or(u8::MAX),
    };
    program
        .iter()
        .enumerate()
        .map(|(at, (_, code, k, yes, no))| {
            SockFilter::new(*code, jump(at, *yes), jump(at, *no), *k)
        })
        .collect()
}
