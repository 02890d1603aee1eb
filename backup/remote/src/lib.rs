//! Vaults on other machines, behind the vault's synchronous calls.
//!
//! ```text
//! vault (publishing, reading) ─► sftp ─► link ─► session ─► packet ─► the NAS
//!                                         └ patience: when to try again
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `place.rs` | where (`config::SftpUrl`), who, with which key or password, and which host key is the right one |
//! | `sftp.rs` | the calls on files that a vault is made of |
//! | `link.rs` `patience.rs` | the connection that is made again after a cut, without hammering |
//! | `session.rs` `login.rs` `host.rs` | one connection: reached, the host recognised, logged in |
//! | `packet.rs` `reply.rs` | SFTP version 3 on the wire |
//! | `restore/` | files of a snapshot → a folder of another machine |
//! | `first.rs` | the first meeting: which host key it shows, a key of our own |
//! | `trouble.rs` | why it is not reached, and what to do |

mod first;
mod host;
mod link;
mod login;
mod packet;
mod patience;
mod place;
mod reply;
pub mod restore;
mod session;
mod sftp;
mod trouble;

/// As the configuration reads it: it is the first to say what is wrong with one.
pub use config::{BadUrl, SftpUrl};
pub use first::{KeyPair, key_pair};
pub use patience::Patience;
pub use place::{Login, Place};
pub use trouble::Trouble;
