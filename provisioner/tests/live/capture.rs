//! A machine's disk that becomes an image: the appliance's side, chunk by chunk, and everything that is refused.

use crate::agent::{Agent, DISK_BYTES, Heard};
use crate::rig::{Folder, boot, manual_clock, until};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use images::import::CHUNK_BYTES;
use images::wire::{self, Manifest, Next, Step, Wanted};
use provisioner::host::{self, HostId};
use provisioner::session::{self, SessionId, SessionState, Task, capture};
use provisioner::{Boot, agent_router};
use state::journal;
use state::wire::Fact;
use std::io::Read;

const CHUNK: usize = CHUNK_BYTES as usize;
const CHUNKS: usize = DISK_BYTES as usize / CHUNK;

/// Noise, zeros and text.
fn disk() -> Vec<u8> {
    let mut disk = crate::agent::disk();
    disk[5 * CHUNK..6 * CHUNK].fill(b'r');
    disk.resize(CHUNKS * CHUNK, 0);
    disk
}

/// An approved machine whose disk is to become the image `office`.
async fn opened(boot: &Boot, agent: &Agent) -> (HostId, SessionId) {
    let host = HostId(agent.hello().await.host);
    let now = boot.clock.now();
    host::approve(&boot.db, &host, None, "admin", now)
        .await
        .unwrap();
    let session = capture::open(boot, &host, "office", None, "admin")
        .await
        .unwrap();
    assert_eq!(session.task, Task::Capture);
    let next = agent.next(&host.0).await;
    let Next::Capture(order) = next else {
        panic!("{next:?}");
    };
    assert_eq!(
        (order.session.as_str(), order.image.as_str()),
        (session.id.as_str(), "office")
    );
    assert_eq!(order.disk_size_bytes, DISK_BYTES);
    let reading = agent.progress(&order.session, Step::Read, 0).await;
    assert_eq!(reading.status, StatusCode::OK, "{}", reading.text());
    (host, session.id)
}

/// Chunk `index` as an agent packs it; `CHUNKS` is the end.
async fn give(agent: &Agent, session: &SessionId, index: usize, disk: &[u8]) -> Heard {
    let path = format!("/agent/session/{session}/disk/{index}");
    let plain = disk.chunks(CHUNK).nth(index).unwrap_or_default();
    let packed = zstd::bulk::compress(plain, 1).unwrap();
    let (encoding, body) = if plain.iter().all(|byte| *byte == 0) {
        (wire::ENCODING_ZERO, Vec::new())
    } else if packed.len() < plain.len() {
        (wire::ENCODING_ZSTD, packed)
    } else {
        (wire::ENCODING_RAW, plain.to_vec())
    };
    agent
        .send_encoded(Method::POST, &path, encoding, Body::from(body))
        .await
}

async fn wanted(agent: &Agent, session: &SessionId, index: usize, disk: &[u8]) -> Wanted {
    give(agent, session, index, disk).await.json()
}

#[tokio::test]
async fn a_disk_becomes_an_image_that_is_deployed_again_byte_for_byte() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let (_, id) = opened(&boot, &agent).await;
    let disk = disk();

    for index in 0..CHUNKS {
        let next = index + 1;
        let taken = Wanted {
            next,
            stored: false,
        };
        assert_eq!(wanted(&agent, &id, index, &disk).await, taken);
        // Its answer was lost: it is told where it is, and nothing is stored twice.
        assert_eq!(wanted(&agent, &id, index, &disk).await, taken);
    }
    // Nobody may say that it is done before it is in the vault.
    assert_eq!(
        agent
            .progress(id.as_str(), Step::Verify, DISK_BYTES)
            .await
            .status,
        200
    );
    let early = agent.finished(id.as_str(), true).await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST, "{}", early.text());
    let stored = Wanted {
        next: CHUNKS,
        stored: true,
    };
    assert_eq!(wanted(&agent, &id, CHUNKS, &disk).await, stored);
    assert_eq!(wanted(&agent, &id, CHUNKS, &disk).await, stored, "again");

    let manifest: Manifest = agent
        .get(&format!("/agent/session/{id}/manifest"))
        .await
        .json();
    for (index, plain) in disk.chunks(CHUNK).enumerate() {
        assert_eq!(
            &manifest.chunks[index].plain,
            blake3::hash(plain).as_bytes()
        );
    }
    assert_eq!(agent.finished(id.as_str(), true).await.status, 200);
    let session = session::get(&boot.db, &id).await.unwrap();
    assert!(matches!(session.state, SessionState::Done { .. }));
    let image = images::catalogue::find(&vault, "office").unwrap();
    assert_eq!(
        (image.id.as_str(), image.size_bytes),
        (session.image.as_str(), DISK_BYTES)
    );
    let snapshot = vault.snapshot(&image.id).unwrap();
    let node = vault.node(&snapshot, b"disk.raw").unwrap();
    let mut kept = Vec::new();
    vault
        .open_file(&node)
        .unwrap()
        .read_to_end(&mut kept)
        .unwrap();
    assert!(kept == disk, "the image differs from the disk");
    let facts = journal::latest(&boot.db, 50).await.unwrap();
    let says = |fact: &Fact| matches!(fact, Fact::CaptureOpened { image, by, .. } if image == "office" && by == "admin");
    assert!(facts.iter().any(|entry| says(&entry.fact)));
}

#[tokio::test]
async fn what_stops_in_the_middle_becomes_no_image_and_begins_again() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let (host, id) = opened(&boot, &agent).await;
    let disk = disk();
    for index in 0..3 {
        wanted(&agent, &id, index, &disk).await;
    }
    // The appliance is started anew: what it had not finished is lost, and it says where to begin.
    let anew = agent_router(boot.clone());
    let agent = Agent::new(&anew, 1);
    let again = Wanted {
        next: 0,
        stored: false,
    };
    assert_eq!(wanted(&agent, &id, 3, &disk).await, again);
    for index in 0..2 {
        assert_eq!(wanted(&agent, &id, index, &disk).await.next, index + 1);
    }
    session::cancel(&boot, &id, "admin").await.unwrap();
    let refused = give(&agent, &id, 2, &disk).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text());

    // The next session of the machine is another capture, which takes it all.
    let second = capture::open(&boot, &host, "office", Some("sda"), "admin")
        .await
        .unwrap();
    agent.next(&host.0).await;
    agent.progress(second.id.as_str(), Step::Read, 0).await;
    for index in 0..CHUNKS {
        assert_eq!(
            wanted(&agent, &second.id, index, &disk).await.next,
            index + 1
        );
    }
    assert!(
        images::catalogue::find(&vault, "office").is_err(),
        "before its end is said"
    );
    assert!(wanted(&agent, &second.id, CHUNKS, &disk).await.stored);
    let (images, _) = images::catalogue::list(&vault).unwrap();
    assert_eq!(images.len(), 1, "{images:?}");
}

#[tokio::test]
async fn a_chunk_of_another_length_or_nobody_s_session_is_refused() {
    let folder = Folder::new();
    let (boot, vault) = boot(&folder, manual_clock()).await;
    let router = agent_router(boot.clone());
    let agent = Agent::new(&router, 1);
    let (_, id) = opened(&boot, &agent).await;
    let disk = disk();
    let path = format!("/agent/session/{id}/disk/0");
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 1).unwrap();
    let short = vec![1; CHUNK - 1];
    let long = vec![1; CHUNK + 1];
    for (what, encoding, body, status) in [
        ("short", wire::ENCODING_RAW, short, StatusCode::BAD_REQUEST),
        (
            "long",
            wire::ENCODING_RAW,
            long,
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
        ("a bomb", wire::ENCODING_ZSTD, bomb, StatusCode::BAD_REQUEST),
        (
            "noise",
            wire::ENCODING_ZSTD,
            disk[..999].to_vec(),
            StatusCode::BAD_REQUEST,
        ),
        (
            "unknown",
            "lzma",
            disk[..999].to_vec(),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let heard = agent
            .send_encoded(Method::POST, &path, encoding, Body::from(body))
            .await;
        assert_eq!(heard.status, status, "{what}: {}", heard.text());
    }
    let other = Agent::new(&router, 2);
    other.hello().await;
    let heard = give(&other, &id, 0, &disk).await;
    assert_eq!(heard.status, StatusCode::FORBIDDEN);
    assert_eq!(wanted(&agent, &id, 0, &disk).await.next, 1, "it goes on");
    let beyond = give(&agent, &id, usize::MAX, &disk).await;
    assert_eq!(beyond.json::<Wanted>().next, 1);
    assert!(images::catalogue::list(&vault).unwrap().0.is_empty());
}

#[tokio::test]
async fn a_name_that_no_image_may_have_and_a_disk_that_is_not_there_open_nothing() {
    let folder = Folder::new();
    let (boot, _vault) = boot(&folder, manual_clock()).await;
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let host = HostId(agent.hello().await.host);
    let refused = async |name: &str, disk: Option<&str>| {
        let opened = capture::open(&boot, &host, name, disk, "admin").await;
        opened.unwrap_err().to_string()
    };
    assert!(refused("a b", None).await.contains("choose another"));
    assert!(
        refused("office", Some("sdz"))
            .await
            .contains("find disk sdz")
    );
    assert!(refused("office", None).await.contains("not approved"));
    assert!(session::list(&boot.db, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_vault_that_refuses_says_why_at_the_machine() {
    let folder = Folder::new();
    let (mut boot, _vault) = boot(&folder, manual_clock()).await;
    boot.store = std::sync::Arc::new(|_, _, _| {
        Box::pin(async { Err("write to the NAS: it is full; free some room".to_owned()) })
    });
    let agent = Agent::new(&agent_router(boot.clone()), 1);
    let (_, id) = opened(&boot, &agent).await;
    let disk = disk();
    let heard = until("it is refused", async || {
        let heard = give(&agent, &id, 0, &disk).await;
        (heard.status != StatusCode::OK).then_some(heard)
    })
    .await;
    assert_eq!(heard.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        heard.text().contains("the NAS: it is full"),
        "{}",
        heard.text()
    );
    assert_eq!(agent.finished(id.as_str(), false).await.status, 200);
    let session = session::get(&boot.db, &id).await.unwrap();
    assert!(matches!(session.state, SessionState::Failed { .. }));
}
