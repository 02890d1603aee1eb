//! Vaults on other machines, behind the vault's synchronous calls.
//!
//! ```text
//! vault (publishing, reading) ─► sftp ─► link ─► session ─► packet ─► the NAS
//!                                         └ patience: when to try again
//! ```
//!
//! | file | noun |
//! |---|---|
//! | `url.rs` | where: `sftp://user@host:port/path` |
//! | `place.rs` | who, with which key or password, and which host key is the right one |
//! | `sftp.rs` | the calls on files that a vault is made of |
//! | `link.rs` `patience.rs` | the connection that is made again after a cut, without hammering |
//! | `session.rs` `login.rs` `host.rs` | one connection: reached, the host recognised, logged in |
//! | `packet.rs` `reply.rs` | SFTP version 3 on the wire |
//! | `trouble.rs` | why it is not reached, and what to do |

mod host;
mod link;
mod login;
mod packet;
mod patience;
mod place;
mod reply;
mod session;
mod sftp;
mod trouble;
mod url;

pub use patience::Patience;
pub use place::{Login, Place};
pub use trouble::Trouble;
pub use url::{BadUrl, SftpUrl};
