//! The boot flight recorder: what each machine did at every power-on, what we answered and why we
//! were silent.
//!
//! - `wire`: the steps, in the shape in which they are kept
//! - `step`: how packets and requests become steps
//! - [`Recorder`]: the bounded handle that everything which talks to a machine notes its steps with
//! - `timeline`: where one flight (one power-on) ends and the next begins; pure

mod recorder;
mod step;
mod timeline;
pub mod wire;

pub use recorder::Recorder;
pub(crate) use recorder::Sending;
pub(crate) use step::{answered, asked, policy_code, silent};
pub use timeline::Flight;
pub use wire::{Carrier, Message, Step, Timed};
