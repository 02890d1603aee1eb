//! The boot flight recorder: what each machine did at every power-on, what we answered and why we
//! were silent.
//!
//! - `wire`: the steps, in the shape in which they are kept
//! - `step`: how packets and requests become steps
//! - [`Recorder`]: the bounded handle that everything which talks to a machine notes its steps with
//! - `timeline`: where one flight (one power-on) ends and the next begins; pure
//! - `listen`: hears what goes by on an interface (`frame` reads it, `ether` remembers it,
//!   `capture` keeps the packets, `rogue` finds servers that get in the way, `scout` asks for them)
//! - `keep`, `records`: flights survive a restart
//! - [`diagnose`]: why a machine did not boot, from its flight's `digest`; pure

mod capture;
mod cause;
mod diagnosis;
mod digest;
mod ether;
mod frame;
mod keep;
mod listen;
mod recorder;
mod records;
mod rogue;
mod scout;
mod step;
mod timeline;
pub mod wire;

pub use cause::{Cause, Certainty, Evidence};
pub use diagnosis::{Diagnosis, Machine, Network, diagnose};
pub(crate) use keep::keep;
pub use keep::{Trace, packets, trace};
pub(crate) use listen::listen;
pub use recorder::Recorder;
pub(crate) use recorder::Sending;
pub(crate) use scout::is_scout;
pub(crate) use step::{answered, answered_six, asked, asked_six, policy_code, silent};
pub use timeline::Flight;
pub use wire::{Carrier, Message, Step, Timed};
