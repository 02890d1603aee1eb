//! Writes flights to the database behind everybody's back, and says why a flight that ended failed.

use super::cause::Cause;
use super::diagnosis::{Diagnosis, Machine, Network, diagnose};
use super::records::{self, Kept};
use super::timeline::Flight;
use crate::Mac;
use crate::host;
use crate::serve::Boot;
use images::wire::Inventory;
use state::Timestamp;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);
/// Questions to us alone that arrived within this time show that the way is open.
const FOLLOWED_LATELY: Duration = Duration::from_secs(7 * 24 * 3600);
/// Flights of one machine that are shown.
const SHOWN: usize = 5;

/// Until `shutdown`, and once more then.
pub(crate) async fn keep(boot: &Boot, shutdown: &CancellationToken) {
    loop {
        let stop = tokio::select! {
            () = shutdown.cancelled() => true,
            () = tokio::time::sleep(EVERY) => false,
        };
        write_down(boot, stop).await;
        if stop {
            return;
        }
    }
}

async fn write_down(boot: &Boot, all: bool) {
    let now = boot.clock.now();
    let mut flights = Vec::new();
    for (mac, flight, ended) in boot.recorder.unsaved(now, all) {
        let cause = match ended {
            true => judged(boot, mac, &flight, now).await,
            false => None,
        };
        flights.push(Kept { mac, flight, cause });
    }
    if flights.is_empty() {
        return;
    }
    let macs: Vec<Mac> = flights.iter().map(|kept| kept.mac).collect();
    if let Err(error) = records::save(&boot.db, flights, now).await {
        tracing::error!(%error, "failed to write down what machines did at their start; it is tried again");
        boot.recorder.not_saved(&macs, now);
    }
}

/// The code of a failure, nothing when it was none.
async fn judged(boot: &Boot, mac: Mac, flight: &Flight, now: Timestamp) -> Option<String> {
    let macs = [mac];
    let host = host::find(&boot.db, &mac.to_string()).await.ok();
    let machine = Machine::of(host.and_then(|host| host.inventory).as_ref());
    let (network, _) = network(boot, &macs, now).await.ok()?;
    let found = diagnose(Some(flight), &network, &machine, now);
    Some(match found.cause.is_failure() {
        true => found.cause.code().to_owned(),
        false => String::new(),
    })
}

/// The network where these cards were heard last; and whether their system was heard there.
async fn network(
    boot: &Boot,
    macs: &[Mac],
    now: Timestamp,
) -> Result<(Network, super::ether::Seen), sqlx::Error> {
    let seen = boot.recorder.ether().seen(macs, now);
    let since = now - FOLLOWED_LATELY;
    let followed = boot.recorder.others_followed(macs, since)
        || records::others_followed(&boot.db, macs, since).await?;
    let network = Network {
        address: seen.address,
        listens: seen.listens,
        gives: seen.gives,
        heard_somebody: seen.heard_somebody,
        followed,
        spanning_tree: seen.spanning_tree,
        dot1x: seen.dot1x,
    };
    Ok((network, seen))
}

/// What the network saw of a machine.
#[derive(Clone, Debug)]
pub struct Trace {
    /// With the card that flew, newest first.
    pub flights: Vec<(Mac, Flight)>,
    /// Of the newest flight.
    pub diagnosis: Diagnosis,
    /// Where it was heard last, since the appliance started.
    pub interface: Option<String>,
}

impl Trace {
    /// Did the newest power-on get anywhere else than was meant?
    pub fn failed(&self) -> bool {
        self.diagnosis.cause.is_failure() || self.diagnosis.cause == Cause::Unknown
    }
}

/// The flights of a machine with these cards, and why the newest failed if it did. `inventory` is
/// what its agent found, if one ever ran on it.
pub async fn trace(
    boot: &Boot,
    macs: &[Mac],
    inventory: Option<&Inventory>,
) -> Result<Trace, sqlx::Error> {
    let now = boot.clock.now();
    let mut flights = Vec::new();
    for mac in macs.iter().take(32) {
        let latest = boot.recorder.latest(*mac);
        for kept in records::of(&boot.db, *mac).await? {
            // The one in memory knows more.
            if latest
                .as_ref()
                .is_none_or(|latest| latest.started != kept.started)
            {
                flights.push((*mac, kept));
            }
        }
        flights.extend(latest.map(|latest| (*mac, latest)));
    }
    flights.sort_by_key(|(mac, flight)| (std::cmp::Reverse(flight.started), *mac));
    flights.truncate(SHOWN);
    let (network, seen) = network(boot, macs, now).await?;
    let machine = Machine {
        system_heard: seen.system_heard,
        ..Machine::of(inventory)
    };
    let newest = flights.first().map(|(_, flight)| flight);
    let diagnosis = diagnose(newest, &network, &machine, now);
    Ok(Trace {
        flights,
        diagnosis,
        interface: seen.interface,
    })
}

/// The boot packets of a machine with these cards that went by since the appliance started, as a
/// capture file for Wireshark; `None` when there are none.
pub fn packets(boot: &Boot, macs: &[Mac]) -> Option<Vec<u8>> {
    let packets = boot.recorder.ether().packets(macs, Timestamp(0));
    (!packets.is_empty()).then(|| super::capture::pcap(&packets))
}
