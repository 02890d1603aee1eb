//! For which machines an agent speaks right now. In memory: what it tells apart is two machines
//! that run at the same time, and after a restart of the appliance both speak again.

use crate::host::HostId;
use state::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// An agent that waits asks again every 20 s at the latest.
const SPEAKS_FOR: Duration = Duration::from_secs(45);
/// More machines than a company has at once; the oldest word makes room.
const MOST: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Alive(Mutex<HashMap<HostId, Timestamp>>);

impl Alive {
    pub(super) fn spoke(&self, host: &HostId, now: Timestamp) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= MOST && !hosts.contains_key(host) {
            hosts.retain(|_, at| now.since(*at) < SPEAKS_FOR);
            if hosts.len() >= MOST {
                return;
            }
        }
        hosts.insert(host.clone(), now);
    }

    pub(super) fn now(&self, now: Timestamp) -> HashSet<HostId> {
        let hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let speak = hosts.iter().filter(|(_, at)| now.since(**at) < SPEAKS_FOR);
        speak.map(|(host, _)| host.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_speaks_for_its_machine_as_long_as_it_asks() {
        let alive = Alive::default();
        let host = HostId("h".into());
        alive.spoke(&host, Timestamp(0));
        assert!(alive.now(Timestamp(44_000)).contains(&host));
        assert!(alive.now(Timestamp(45_000)).is_empty());
        for number in 0..5000 {
            alive.spoke(&HostId(format!("h{number}")), Timestamp(50_000));
        }
        assert_eq!(alive.now(Timestamp(50_000)).len(), MOST);
    }
}
