//! Restores a snapshot, or parts of it, into a folder of another machine.
//!
//! What will be written is the same plan as for this machine's disks (`vault::restore`), asked of the server. Writing:
//!
//! ```text
//! walk (one thread: folders made, links and names looked at) ─► queue ─► crew (some threads: one file each) ─► the server
//! ```
//!
//! Version 3 of SFTP has no "below this folder, following no link": names are paths that the server resolves. So every
//! folder on the way is one this restore made, closed to others until it is finished, or one whose real path was asked
//! and found to be what it should be; files are made under a name that must be free, and are given their own by a
//! renaming, which follows no link. What is left to somebody who may write into the destination meanwhile: the moment
//! between the asking and the writing.
//!
//! | file | noun |
//! |---|---|
//! | `server.rs` | the machine: what is there, real paths, many requests at once, again after a cut |
//! | `walk.rs` | the walk over the saved tree |
//! | `crew.rs` | the threads, their counters, when they stop |
//! | `upload.rs` | one file, link or hard link, whole or not at all |
//! | `carry.rs` | what SFTP can carry of an entry; pure |

mod carry;
mod crew;
mod server;
mod upload;
mod walk;

pub use server::Server;
