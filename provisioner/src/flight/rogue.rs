//! Servers that should not be there, or not like that: pure, from what was heard of them.

use super::frame::Reply;
use crate::Mac;
use crate::boot::path;
use state::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;

/// Servers remembered per interface, and answers compared with each other.
const MOST_SERVERS: usize = 16;
const MOST_ANSWERS: usize = 64;
/// A server that was not heard for this long is gone: PCs ask every day.
const GONE: Duration = Duration::from_secs(24 * 3600);

/// What was heard of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Server {
    last: Timestamp,
    /// It gave an address, last.
    gives: Option<Timestamp>,
    /// It called itself a boot server and named neither a file nor what to do, and gave an address.
    empty_boots: Option<Timestamp>,
    /// It answers as a boot server without giving addresses.
    proxy: Option<Timestamp>,
    reprise: Option<Timestamp>,
    /// Another server answered the same question, last.
    rival: Option<(Ipv4Addr, Timestamp)>,
}

/// The servers of one interface besides us.
#[derive(Debug, Default)]
pub(super) struct Servers {
    heard: BTreeMap<Ipv4Addr, Server>,
    answers: VecDeque<(Mac, u32, Ipv4Addr)>,
}

/// Something to tell the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Both answered one machine's one question: not the two halves of a pair that share the work.
    TwoServers(Ipv4Addr, Ipv4Addr),
    /// It gives addresses where we do.
    GivesToo(Ipv4Addr),
    Option60(Ipv4Addr),
    ForeignProxy(Ipv4Addr),
    AnotherReprise(Ipv4Addr),
}

impl Servers {
    pub(super) fn heard(&mut self, reply: &Reply, now: Timestamp) {
        // OFFER and ACK.
        if !matches!(reply.message, 2 | 5) {
            return;
        }
        if !self.heard.contains_key(&reply.server) && self.heard.len() >= MOST_SERVERS {
            let oldest = self.heard.iter().min_by_key(|(_, server)| server.last);
            let oldest = oldest.map(|(address, _)| *address);
            if let Some(oldest) = oldest {
                self.heard.remove(&oldest);
            }
        }
        let gives = !reply.address.is_unspecified();
        let server = self.heard.entry(reply.server).or_default();
        server.last = now;
        if gives {
            server.gives = Some(now);
        }
        let names_ours = reply.file.as_deref().is_some_and(is_ours);
        if names_ours {
            server.reprise = Some(now);
        } else if reply.boots && !gives {
            server.proxy = Some(now);
        } else if reply.boots && reply.file.is_none() && !reply.menu {
            server.empty_boots = Some(now);
        }
        if !gives || reply.message != 2 {
            return;
        }
        let question = (reply.mac, reply.xid);
        let rival = self.answers.iter().find_map(|(mac, xid, other)| {
            ((*mac, *xid) == question && *other != reply.server).then_some(*other)
        });
        if let Some(rival) = rival {
            server.rival = Some((rival, now));
        }
        self.answers.push_back((reply.mac, reply.xid, reply.server));
        if self.answers.len() > MOST_ANSWERS {
            self.answers.pop_front();
        }
    }

    /// What is wrong now; the first is the worst. `we_give`: we are the DHCP server there.
    pub(super) fn findings(&self, we_give: bool, now: Timestamp) -> Vec<Finding> {
        let lately = |at: &Option<Timestamp>| at.is_some_and(|at| now.since(at) < GONE);
        let mut found = Vec::new();
        let rivals = self.heard.iter().find_map(|(address, server)| {
            let (rival, at) = server.rival?;
            (now.since(at) < GONE).then_some((*address, rival))
        });
        if let Some((one, other)) = rivals {
            found.push(Finding::TwoServers(one.min(other), one.max(other)));
        }
        let too = self.heard.iter().find(|(_, server)| lately(&server.gives));
        if let Some((address, _)) = too.filter(|_| we_give) {
            found.insert(0, Finding::GivesToo(*address));
        }
        for (address, server) in &self.heard {
            if lately(&server.reprise) {
                found.push(Finding::AnotherReprise(*address));
            } else if lately(&server.empty_boots) {
                found.push(Finding::Option60(*address));
            } else if lately(&server.proxy) {
                found.push(Finding::ForeignProxy(*address));
            }
        }
        found
    }
}

/// Our own boot paths name the machine, as path and as URL.
pub(super) fn is_ours(file: &str) -> bool {
    let path = match file.strip_prefix("http://") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => file,
    };
    path::parse(path).is_some()
}

impl Finding {
    /// What is wrong and what to do.
    pub(super) fn sentence(&self, interface: &str) -> String {
        match self {
            Finding::TwoServers(one, other) => format!(
                "two DHCP servers answer the same PC on {interface}: {one} and {other}; switch one of them off, a PC takes whichever is faster"
            ),
            Finding::GivesToo(server) => format!(
                "another DHCP server, {server}, gives addresses on {interface} too; switch it off, or set `dhcp = \"proxy\"` for {interface} here if it is the one that is meant to"
            ),
            Finding::Option60(server) => format!(
                "the DHCP server {server} on {interface} says it boots PCs (option 60 \"PXEClient\") and names no boot file; remove option 60 from its configuration, UEFI PCs ask it instead of this appliance"
            ),
            Finding::ForeignProxy(server) => format!(
                "another boot server, {server}, answers PCs on {interface} (WDS, FOG, SCCM …); switch its PXE answers off, or set `dhcp = \"off\"` for {interface} here"
            ),
            Finding::AnotherReprise(server) => format!(
                "another Reprise, {server}, answers PCs on {interface}; set `dhcp = \"off\"` for that network on one of the two"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, last)
    }

    fn offer(server: u8, xid: u32, gives: bool) -> Reply {
        Reply {
            mac: Mac([2, 0, 0, 0, 0, 1]),
            xid,
            message: 2,
            server: ip(server),
            relay: Ipv4Addr::UNSPECIFIED,
            address: if gives { ip(50) } else { Ipv4Addr::UNSPECIFIED },
            boots: false,
            file: None,
            menu: false,
        }
    }

    #[test]
    fn servers_that_get_in_each_other_s_way_are_told() {
        use Finding::*;
        let table: Vec<(&str, Vec<Reply>, Vec<Finding>)> = vec![
            (
                "one server",
                vec![offer(1, 1, true), offer(1, 2, true)],
                vec![],
            ),
            (
                "two that share the work",
                vec![offer(1, 1, true), offer(9, 2, true)],
                vec![],
            ),
            (
                "two that answer one question",
                vec![offer(9, 1, true), offer(1, 1, true)],
                vec![TwoServers(ip(1), ip(9))],
            ),
            (
                "option 60 and nothing behind it",
                vec![Reply {
                    boots: true,
                    ..offer(1, 1, true)
                }],
                vec![Option60(ip(1))],
            ),
            (
                "a server that gives addresses and boots",
                vec![Reply {
                    boots: true,
                    file: Some("pxelinux.0".to_owned()),
                    ..offer(1, 1, true)
                }],
                vec![],
            ),
            (
                "WDS",
                vec![
                    offer(1, 1, true),
                    Reply {
                        boots: true,
                        ..offer(7, 1, false)
                    },
                ],
                vec![ForeignProxy(ip(7))],
            ),
            (
                "another Reprise",
                vec![Reply {
                    boots: true,
                    file: Some("http://10.77.0.7:8067/b/020000000001/boot.ipxe".to_owned()),
                    ..offer(7, 1, false)
                }],
                vec![AnotherReprise(ip(7))],
            ),
        ];
        for (name, replies, expected) in table {
            let mut servers = Servers::default();
            for reply in &replies {
                servers.heard(reply, Timestamp(1000));
            }
            assert_eq!(servers.findings(false, Timestamp(2000)), expected, "{name}");
            let gives = replies.iter().any(|reply| !reply.address.is_unspecified());
            let too = servers.findings(true, Timestamp(2000));
            let told = matches!(too.first(), Some(GivesToo(_)));
            assert_eq!(told, gives, "{name}: where we give addresses");
            let later = Timestamp(1000) + GONE;
            assert_eq!(servers.findings(false, later), [], "{name}: a day later");
        }
    }

    #[test]
    fn invented_servers_take_no_room() {
        let mut servers = Servers::default();
        for number in 0..=255 {
            for xid in 0..20 {
                servers.heard(&offer(number, xid, true), Timestamp(i64::from(xid)));
            }
        }
        assert_eq!(servers.heard.len(), MOST_SERVERS);
        assert_eq!(servers.answers.len(), MOST_ANSWERS);
    }
}
