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
        if open.values().sum::<usize>() >= MOST_CONNECTIONS {
            return None;
        }
        let mine = open.entry(from).or_default();
        if *mine >= MOST_PER_MACHINE {
            return None;
        }
        *mine += 1;
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
