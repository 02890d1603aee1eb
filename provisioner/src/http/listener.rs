//! The TCP listener of one interface, and the limits of each connection.

use super::connection;
use crate::interface::{EVERY, Served};
use crate::socket;
use crate::trouble::Trouble;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A classroom is thirty machines with two connections each.
const MOST_CONNECTIONS: usize = 512;
const MOST_PER_MACHINE: usize = 16;
/// What is left to each when half of all places are taken: firmware and iPXE need two.
const FEW_PER_MACHINE: usize = 4;
/// The slowest download that is worth waiting for: 64 MiB in half an hour.
const LONGEST_CONNECTION: Duration = Duration::from_secs(1800);

pub(crate) async fn serve(served: Served, stop: CancellationToken) {
    let (interface, port) = (served.interface.clone(), served.http_port);
    let boot = served.boot.clone();
    let object = served.port_name("TCP", port);
    let mut trouble = Trouble::of(&boot.db, &boot.clock, object).await;
    loop {
        let opened = socket::tcp(&interface, served.at(), port)
            .and_then(|socket| TcpListener::from_std(socket.into()));
        match opened {
            Ok(listener) => {
                trouble.over().await;
                let port = listener.local_addr().map_or(port, |address| address.port());
                mark(&served, Some(port));
                tracing::info!(interface, address = %served.at(), port, "HTTP boot server listens");
                accept(&listener, &served, &stop).await;
                mark(&served, None);
                return;
            }
            Err(error) => {
                let sentence = socket::sentence("TCP", port, &interface, &error);
                trouble.begins(&sentence).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

fn mark(served: &Served, port: Option<u16>) {
    let ports = &served.boot.ports;
    ports.change(&served.interface, |ports| match served.six {
        None => ports.http = port,
        Some(_) => ports.http6 = port,
    });
}

/// Open connections per machine; its place is given back when a connection ends.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

struct Taken(Places, IpAddr);

impl Places {
    fn take(&self, from: IpAddr) -> Option<Taken> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = open.values().sum::<usize>();
        let most = match all {
            MOST_CONNECTIONS.. => 0,
            all if all >= MOST_CONNECTIONS / 2 => FEW_PER_MACHINE,
            _ => MOST_PER_MACHINE,
        };
        if open.get(&from).copied().unwrap_or_default() >= most {
            return None;
        }
        *open.entry(from).or_default() += 1;
        Some(Taken(self.clone(), from))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut open = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = open.get_mut(&self.1) {
            *mine -= 1;
            if *mine == 0 {
                open.remove(&self.1);
            }
        }
    }
}

async fn accept(listener: &TcpListener, served: &Served, stop: &CancellationToken) {
    let places = Places::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            // Reaped as they end, so that the set does not grow.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => {
                    let Some(place) = places.take(from.ip()) else {
                        tracing::warn!(%from, "too many connections; this one is closed");
                        continue;
                    };
                    connections.spawn(connection(stream, served.clone(), place));
                }
                // Out of file descriptors: the others go on, and this passes.
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
    // Downloads in progress end with the appliance: the PC says so and tries again.
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, served: Served, _place: Taken) {
    match tokio::time::timeout(LONGEST_CONNECTION, connection::serve(stream, &served)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a boot connection ended early"),
        Err(_) => tracing::warn!("a boot connection was too slow and was closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_machines_cannot_take_all_places() {
        let places = Places::default();
        let address = |number: u32| IpAddr::from(std::net::Ipv4Addr::from_bits(number));
        let take = |number: u32| -> Vec<Taken> {
            std::iter::from_fn(|| places.take(address(number))).collect()
        };
        let mut held: Vec<Vec<Taken>> = (0..16).map(take).collect();
        assert!(held.iter().all(|taken| taken.len() == MOST_PER_MACHINE));
        held.extend((16..48).map(take));
        let greedy: usize = held.iter().map(Vec::len).sum();
        assert!(greedy < MOST_CONNECTIONS, "{greedy} places by 48 machines");
        assert_eq!(take(100).len(), FEW_PER_MACHINE, "one more is served");
        let all: Vec<_> = (200..1000).map(take).collect();
        let total = greedy + all.iter().map(Vec::len).sum::<usize>();
        assert_eq!(total, MOST_CONNECTIONS);
        drop((held, all));
        assert_eq!(take(100).len(), MOST_PER_MACHINE, "given back");
    }
}
