//! A stream saved as the only file of a snapshot: what a program writes, without a copy on disk.

use std::io::Read;
use std::sync::atomic::Ordering;

use crate::backup::Request;
use crate::content::{Content, Failed, Stored};
use crate::format::tree;
use crate::given::node;
use crate::keys::random;
use crate::node::NodeKind;
use crate::session::Session;
use crate::writer::Chunking;
use crate::writers::Purpose;
use crate::{ChunkId, Error, Snapshot, SnapshotId, Vault, Watch};

/// Saves what `from` gives as the file `name` (a plain name, no `/`); the request names no roots. Fails, without a
/// snapshot, when reading fails: a reader that knows that what it gave is not whole says so by an error at the end.
pub fn stream(
    vault: &Vault,
    request: &Request<'_>,
    name: &[u8],
    from: &mut dyn Read,
    watch: &Watch,
) -> Result<Snapshot, Error> {
    let shown = || crate::problem::show(name);
    let wrong = |what: &str| Error::BadRoot {
        path: shown(),
        what: what.to_owned(),
    };
    if !tree::is_plain(name) {
        return Err(wrong("it is not a plain file name"));
    }
    if !request.roots.is_empty() {
        return Err(wrong("folders and a stream are not saved together"));
    }
    let inner = &vault.inner;
    let purpose = Purpose {
        what: request.plan.clone(),
        sweeps: false,
        now_ms: request.now_ms,
    };
    let mut session = Session::begin(inner, &purpose)?;
    let mut content = Content::new(&inner.keys);
    let mut stored = Stored::default();
    let each =
        |session: &mut Session, id: ChunkId, plain: &[u8]| stored.chunk(session, id, plain, watch);
    content
        .store(&mut session, from, Chunking::Cdc, watch, each)
        .map_err(|failed| match failed {
            Failed::Read(source) => Error::Source {
                what: shown(),
                source,
            },
            Failed::Vault(error) => error,
        })?;
    let size = stored.size;
    let mut node = node(name, name, NodeKind::File, request.now_ms);
    node.size = size;
    (node.segments, node.content_hash) = stored.finish(&mut session, watch)?;
    let list = tree::encode(&[node], |node| &node.name);
    let tree = content.store_tree(&mut session, &list, watch)?;
    watch.files_done.fetch_add(1, Ordering::Relaxed);
    // The stream may have ended because of what cancels us.
    if watch.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let finished = session.finish(watch)?;
    let snapshot = Snapshot {
        id: SnapshotId::from_bytes(random()?),
        seq: 0,
        parents: Vec::new(),
        session: [0; 16],
        tombs: Vec::new(),
        kind: request.kind,
        plan: request.plan.clone(),
        host: request.host.clone(),
        started_ms: request.now_ms,
        finished_ms: (request.end_ms)(),
        roots: Vec::new(),
        files: 1,
        bytes: size,
        stored_bytes: finished.stored_bytes,
        problems: Vec::new(),
        tree,
    };
    inner.commit(snapshot, finished)
}
