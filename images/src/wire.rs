//! Everything that travels between the agent and the appliance, as JSON. Agent and appliance are
//! the same binary, but an agent image may be one release older: new fields get `default`.
//!
//! Whoever reads these must treat every string as hostile: they come from a machine nobody approved.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What the agent found in the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    pub system: System,
    pub cpu: Cpu,
    pub memory_bytes: u64,
    pub disks: Vec<Disk>,
    pub nics: Vec<Nic>,
    pub firmware: Firmware,
    /// `None` where the firmware does not say (every BIOS).
    pub secure_boot: Option<bool>,
    /// Whose programs the firmware starts under Secure Boot: the common names of the certificates in
    /// its `db`, less those that its `dbx` revokes. Empty when it does not say.
    pub trusted: Vec<String>,
}

/// SMBIOS, cleaned: the vendors' place-holders ("To be filled by O.E.M.") are empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct System {
    pub manufacturer: String,
    pub product: String,
    pub serial: String,
    pub uuid: String,
    pub bios_vendor: String,
    pub bios_version: String,
    pub bios_date: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cpu {
    pub model: String,
    /// Logical processors the kernel brought up.
    pub cores: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Disk {
    /// Kernel name: `sda`, `nvme0n1`.
    pub name: String,
    /// Device file: `/dev/sda`.
    pub path: String,
    /// Empty when neither the disk nor its bus gives one.
    pub serial: String,
    pub model: String,
    pub size_bytes: u64,
    /// Logical sector.
    pub sector_bytes: u32,
    pub rotational: bool,
    pub removable: bool,
    pub read_only: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Nic {
    pub name: String,
    /// Lower case, colons.
    pub mac: String,
    /// Megabits per second, when the link is up and the driver says.
    pub speed_mbits: Option<u32>,
    pub link: bool,
    /// The address it has now, if any.
    pub address: Option<String>,
    /// It is in a dock or an adapter that other machines may have tomorrow. `None`: the agent did
    /// not look.
    pub external: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    #[default]
    Bios,
    Uefi,
}

impl Firmware {
    pub fn as_str(self) -> &'static str {
        match self {
            Firmware::Bios => "bios",
            Firmware::Uefi => "uefi",
        }
    }
}

/// `POST /agent/hello`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The MAC the machine booted from, as in its boot script.
    pub mac: String,
    /// 256 random bits as 64 hex digits, made at this boot. It is also the bearer token of every
    /// later request; the pairing code is its digest.
    pub agent_key: String,
    pub inventory: Inventory,
    /// The agent's version.
    pub version: String,
}

impl fmt::Debug for Hello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hello")
            .field("mac", &self.mac)
            .field("agent_key", &"(secret)")
            .field("inventory", &self.inventory)
            .field("version", &self.version)
            .finish()
    }
}

/// The answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// Id to name in later requests.
    pub host: String,
    /// The name the console shows.
    pub name: String,
    /// The server's view; the agent shows its own and says so when they differ.
    pub pairing_code: String,
}

/// `GET /agent/next?host=ID`: what the machine does now. The server may hold the request for 20 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Next {
    /// Nothing yet. Ask again after `seconds` (0 = at once).
    Wait {
        seconds: u32,
    },
    /// Leave the machine to its own disk.
    LocalDisk {
        why: String,
    },
    Deploy(DeployOrder),
    /// Erase the disk of the order, whose image has no name and is as large as the disk.
    Wipe(DeployOrder),
    /// Read the disk of the order, all of it, into the image that it names.
    Capture(DeployOrder),
}

/// What a session does with its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// An image is written onto it.
    #[default]
    Deploy,
    /// It is erased.
    Wipe,
    /// It is read into a new image, and stays as it is.
    Capture,
}

impl Task {
    pub fn as_str(self) -> &'static str {
        match self {
            Task::Deploy => "deploy",
            Task::Wipe => "wipe",
            Task::Capture => "capture",
        }
    }

    /// What [`Task::as_str`] wrote.
    pub fn from_word(word: &str) -> Option<Task> {
        [Task::Deploy, Task::Wipe, Task::Capture]
            .into_iter()
            .find(|task| task.as_str() == word)
    }
}

/// One image onto one disk, as an operator confirmed it. The agent compares every `disk_*` field
/// with its own inventory and refuses on any difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployOrder {
    pub session: String,
    /// The host's name, for the screen.
    pub host: String,
    /// The image's name, for the screen.
    pub image: String,
    pub image_size_bytes: u64,
    pub disk_path: String,
    pub disk_serial: String,
    pub disk_model: String,
    pub disk_size_bytes: u64,
    /// One sentence, in the appliance's language: what will be lost.
    pub lost: String,
}

/// `GET /agent/session/ID/manifest`: the disk, chunk by chunk. Every chunk is `chunk_bytes` long,
/// the last one may be shorter. Hashes are plain blake3 of the plain bytes: the vault's chunk ids
/// are keyed, and their key never leaves the appliance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub size_bytes: u64,
    pub chunk_bytes: u32,
    pub chunks: Vec<ManifestChunk>,
}

/// On the wire one string: 64 hex digits, then `z` when all bytes are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManifestChunk {
    pub plain: [u8; 32],
    pub zero: bool,
}

impl Manifest {
    /// Length of chunk `index`; `None` past the end.
    pub fn chunk_len(&self, index: usize) -> Option<usize> {
        if index >= self.chunks.len() {
            return None;
        }
        let offset = self.chunk_offset(index);
        let left = self.size_bytes.checked_sub(offset)?;
        usize::try_from(left.min(u64::from(self.chunk_bytes))).ok()
    }

    /// Where chunk `index` starts on the disk.
    pub fn chunk_offset(&self, index: usize) -> u64 {
        (index as u64).saturating_mul(u64::from(self.chunk_bytes))
    }

    /// Does the number of chunks agree with the size? To be asked before anything is written.
    pub fn is_coherent(&self) -> bool {
        self.chunk_bytes > 0
            && self.size_bytes.div_ceil(u64::from(self.chunk_bytes)) == self.chunks.len() as u64
    }
}

impl Serialize for ManifestChunk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = crate::hex::encode(&self.plain);
        if self.zero {
            text.push('z');
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for ManifestChunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let (digits, zero) = split_zero(&text);
        let plain = crate::hex::decode(digits)
            .ok_or_else(|| serde::de::Error::custom("a chunk is 64 hex digits and maybe a z"))?;
        Ok(ManifestChunk { plain, zero })
    }
}

/// `image.json` in an image's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageCard {
    pub name: String,
    pub size_bytes: u64,
    pub sector_bytes: u32,
}

/// `manifest.json` in an image's snapshot: [`Manifest`] with the vault's own chunk ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredManifest {
    pub size_bytes: u64,
    pub chunk_bytes: u32,
    pub chunks: Vec<StoredChunk>,
}

/// One string: the chunk's id in the vault, then what [`ManifestChunk`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredChunk {
    pub id: [u8; 32],
    pub plain: [u8; 32],
    pub zero: bool,
}

impl Serialize for StoredChunk {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = crate::hex::encode(&self.id);
        text.push_str(&crate::hex::encode(&self.plain));
        if self.zero {
            text.push('z');
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for StoredChunk {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let parsed = text.split_at_checked(64).and_then(|(id, rest)| {
            let (plain, zero) = split_zero(rest);
            Some(StoredChunk {
                id: crate::hex::decode(id)?,
                plain: crate::hex::decode(plain)?,
                zero,
            })
        });
        parsed.ok_or_else(|| {
            serde::de::Error::custom("a stored chunk is 128 hex digits and maybe a z")
        })
    }
}

fn split_zero(text: &str) -> (&str, bool) {
    match text.strip_suffix('z') {
        Some(digits) => (digits, true),
        None => (text, false),
    }
}

/// What the agent is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The last delay in which a key press cancels.
    Confirm,
    /// Of a disk that becomes an image.
    Read,
    Write,
    Verify,
}

impl Step {
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Confirm => "confirm",
            Step::Read => "read",
            Step::Write => "write",
            Step::Verify => "verify",
        }
    }
}

/// `POST /agent/progress`, about once a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressReport {
    pub session: String,
    pub step: Step,
    /// Bytes of the disk, zeros included.
    pub done_bytes: u64,
    pub total_bytes: u64,
    /// Bytes that crossed the network so far.
    #[serde(default)]
    pub fetched_bytes: u64,
}

/// `POST /agent/finished`, once; repeated until it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finished {
    pub session: String,
    pub ok: bool,
    /// Empty when all is well; otherwise why not, and what to do.
    pub detail: String,
    pub written_bytes: u64,
    #[serde(default)]
    pub fetched_bytes: u64,
    pub took_ms: u64,
    /// Of a disk that was erased.
    #[serde(default)]
    pub wiped: Option<Wiped>,
}

/// How a disk was erased: overwritten once with zeros, all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wiped {
    /// Its cells were freed too (an SSD that takes it).
    pub freed: bool,
    /// Read back past every cache, and zero.
    pub checked_bytes: u64,
}

/// The answer to `POST /agent/session/ID/disk/INDEX`, by which the disk of a capture arrives: chunk after chunk of
/// [`CHUNK_BYTES`](crate::import::CHUNK_BYTES), the last one shorter, then one more without a body, which says that
/// this was all. The server holds the request while it cannot take more, 20 s at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The chunk that is wanted now: the one after this, or this one again where the vault was busy, or the first
    /// where the server was started anew.
    pub next: usize,
    /// All of it is in the vault.
    #[serde(default)]
    pub stored: bool,
}

/// Headers of `GET /agent/session/ID/chunk/INDEX`; the body is the chunk as the vault keeps it,
/// decrypted but still compressed. The same on the way there.
pub const ENCODING_HEADER: &str = "x-reprise-encoding";
pub const ENCODING_ZSTD: &str = "zstd";
pub const ENCODING_RAW: &str = "raw";
/// Nothing but zeros, without a body. On the way there only: a manifest says so itself.
pub const ENCODING_ZERO: &str = "zero";
/// Plain length in bytes.
pub const LENGTH_HEADER: &str = "x-reprise-length";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_keeps_its_hashes_and_its_zeros() {
        let manifest = Manifest {
            size_bytes: 2500,
            chunk_bytes: 1000,
            chunks: vec![
                ManifestChunk {
                    plain: [0xab; 32],
                    zero: false,
                },
                ManifestChunk {
                    plain: [0x01; 32],
                    zero: true,
                },
                ManifestChunk {
                    plain: [0xff; 32],
                    zero: false,
                },
            ],
        };
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
        assert!(manifest.is_coherent());
        assert_eq!(manifest.chunk_len(1), Some(1000));
        assert_eq!(manifest.chunk_len(2), Some(500));
        assert_eq!(manifest.chunk_len(3), None);
        assert_eq!(manifest.chunk_offset(2), 2000);
        for size_bytes in [2000, 3001] {
            let wrong = Manifest {
                size_bytes,
                ..manifest.clone()
            };
            assert!(!wrong.is_coherent(), "{size_bytes}");
        }
    }

    #[test]
    fn a_manifest_with_a_bad_hash_is_refused() {
        for chunk in [
            "",
            "zz",
            "ab",
            &"g".repeat(64),
            &"é".repeat(32),
            &"a".repeat(66),
        ] {
            let text = format!(r#"{{"size_bytes":1,"chunk_bytes":1,"chunks":["{chunk}"]}}"#);
            assert!(serde_json::from_str::<Manifest>(&text).is_err(), "{chunk}");
        }
    }

    #[test]
    fn a_stored_manifest_keeps_the_ids_too() {
        let stored = StoredManifest {
            size_bytes: 2,
            chunk_bytes: 1,
            chunks: vec![
                StoredChunk {
                    id: [1; 32],
                    plain: [2; 32],
                    zero: true,
                },
                StoredChunk {
                    id: [3; 32],
                    plain: [4; 32],
                    zero: false,
                },
            ],
        };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(
            serde_json::from_str::<StoredManifest>(&text).unwrap(),
            stored
        );
        for chunk in ["", &"a".repeat(64), &"a".repeat(127), &"é".repeat(64)] {
            let text = format!(r#"{{"size_bytes":1,"chunk_bytes":1,"chunks":["{chunk}"]}}"#);
            assert!(
                serde_json::from_str::<StoredManifest>(&text).is_err(),
                "{chunk}"
            );
        }
    }

    #[test]
    fn orders_are_tagged_by_what_to_do() {
        let wait = serde_json::to_string(&Next::Wait { seconds: 3 }).unwrap();
        assert_eq!(wait, r#"{"do":"wait","seconds":3}"#);
        let local: Next = serde_json::from_str(r#"{"do":"local_disk","why":"done"}"#).unwrap();
        assert_eq!(local, Next::LocalDisk { why: "done".into() });
    }

    #[test]
    fn the_agent_key_is_not_printed() {
        let hello = Hello {
            mac: "52:54:00:00:00:01".into(),
            agent_key: "5ec2e7".into(),
            inventory: Inventory::default(),
            version: "1".into(),
        };
        assert!(!format!("{hello:?}").contains("5ec2e7"));
    }
}
