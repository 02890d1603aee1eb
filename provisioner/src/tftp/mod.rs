//! TFTP, read-only: RFC 1350 with the options of 2347, 2348, 2349 and 7440.
//!
//! - `packet`: bytes in and out; `options`: what is granted of what was asked – both pure
//! - `transfer`: one file to one machine, without socket or clock; `rtt`: how long to wait
//! - `peers`: how much an address may have at once, and before it ever answered
//! - `engine`: the requests of one interface, in a thread; `courier`: one transfer, in a thread;
//!   `line`: its socket; `mailbox`: what they tell each other
//! - [`serve`](serve()): the engine beside the asynchronous rest, which finds the files ([`Files`])
//! - `files`: the files of this appliance, by the boot policy; `loaded`: their bytes, once for all
//!
//! Public for its bench and its fuzz target; nobody else uses it from outside.

mod courier;
mod engine;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod line;
mod loaded;
mod mailbox;
mod options;
mod packet;
mod peers;
mod rtt;
mod server;
mod transfer;

pub(crate) use files::serve as serve_interface;
pub(crate) use loaded::Loaded;
pub use packet::Refusal;
pub use server::{Content, Ended, Files, Opening, Place, serve};
pub use transfer::End;
