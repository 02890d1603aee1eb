//! DHCP: tells machines that boot from the network where their loader is, beside the DHCP server
//! that gives them their address, or as that server (`lease`). `request` reads, `relay` reads what a relay added, `decide`
//! chooses (all pure), `reply` writes and says where to, `server` and `socket` hold the sockets; `stray`: what no
//! machine should send, for the journal.

pub(crate) mod decide;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod lease;
#[cfg(test)]
pub(crate) mod packets;
pub(crate) mod relay;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod server;
mod socket;
pub(crate) mod stray;

/// The two ports a boot server listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// 67, where machines broadcast.
    Bootps,
    /// 4011, where UEFI firmware asks again, alone.
    Pxe,
}

impl Port {
    pub(crate) fn number(self) -> u16 {
        match self {
            Port::Bootps => 67,
            Port::Pxe => 4011,
        }
    }
}
