//! Why something about an image in a vault failed.

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Vault(#[from] vault::Error),
    #[error("read the disk image: {0}; check the file and the disk it lies on")]
    Source(std::io::Error),
    #[error(
        "import image {name:?}: a name is 1 to 64 letters, digits, dots, hyphens or underscores and begins with a letter or digit; choose another"
    )]
    BadName { name: String },
    #[error("import image {name}: the source is empty; give a raw disk image")]
    Empty { name: String },
    #[error(
        "import image {name}: it looks like {found}, not a raw disk; convert it first ({remedy})"
    )]
    NotRaw {
        name: String,
        found: &'static str,
        remedy: &'static str,
    },
    #[error(
        "import image {name}: its {size_bytes} bytes are not whole sectors of {sector_bytes}; it is not a complete raw disk: copy it again"
    )]
    NotWhole {
        name: String,
        size_bytes: u64,
        sector_bytes: u32,
    },
    #[error(
        "find image {which}: the vault holds none of that name; `reprise image list` shows them"
    )]
    Unknown { which: String },
    #[error("find image {which}: several begin with it; give more of the id")]
    Ambiguous { which: String },
    #[error(
        "read image {image}: its {object} is damaged ({what}); import the image again, and check the vault"
    )]
    Damaged {
        image: String,
        object: &'static str,
        what: String,
    },
    #[error(
        "read chunk {index} of image {image}: it has {chunks}; the agent is of another version, boot it again"
    )]
    NoSuchChunk {
        image: String,
        index: usize,
        chunks: usize,
    },
}
