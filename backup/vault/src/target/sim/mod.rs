//! A NAS in memory with the quirks that real ones have, for tests: the very protocol that writes to disks runs on it.
//!
//! Every call on files is counted and may fail, lie or be the last before the power goes. What was not synced is lost
//! with the power: the bytes of a file without an fsync of the file, its name without an fsync of the folder. There is
//! no clock to jump: the calls a vault makes neither set nor ask a time.

mod client;
mod fault;
mod server;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use fault::{Done, Fault, Lie, Loss, Quirks};

use super::LocalTarget;
use client::Client;
use server::Server;

/// Cheap to clone: all clones are the same NAS.
#[derive(Clone, Debug, Default)]
pub struct SimNas {
    server: Arc<Mutex<Server>>,
}

impl SimNas {
    pub fn new(quirks: Quirks) -> SimNas {
        let nas = SimNas::default();
        nas.server().quirks = quirks;
        nas
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one machine sees of it; each number is a machine of its own.
    pub fn target(&self, machine: u32) -> LocalTarget {
        let files = Client {
            nas: self.clone(),
            machine,
        };
        let number = self.server().opened();
        LocalTarget::over(
            Box::new(files),
            "simulated NAS".to_owned(),
            None,
            format!("{number:016x}"),
        )
    }

    /// Another NAS with the same content, nothing lost and no fault waiting.
    pub fn copy(&self, quirks: Quirks) -> SimNas {
        let mut server = self.server().clone();
        server.quirks = quirks;
        server.reset();
        SimNas {
            server: Arc::new(Mutex::new(server)),
        }
    }

    /// Replaces the fault that waits. Calls are counted from 1 from here on.
    pub fn fail(&self, fault: Option<Fault>) {
        self.server().arm(fault);
    }

    /// Before that call somebody removes everything in `tmp/`.
    pub fn sweep_strays_before(&self, at: u64) {
        self.server().sweep_at = Some(at);
    }

    pub fn quirks(&self) -> Quirks {
        self.server().quirks
    }

    /// Calls since `fail` was last set.
    pub fn calls(&self) -> u64 {
        self.server().calls
    }

    /// The call that the fault struck, as text.
    pub fn struck(&self) -> Option<String> {
        self.server().struck.clone()
    }

    /// The power goes and comes back: no fault waits any more.
    pub fn cut(&self, loss: Loss) {
        self.server().cut(loss);
    }

    /// Everything there survives the next power cut.
    pub fn settle(&self) {
        self.server().settle();
    }

    /// `folder/name` of every file, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.server().paths()
    }

    pub fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.server().read(path)
    }
}
