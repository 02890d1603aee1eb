//! Images in the vault that the configuration names for them: listed, and stored in the turn that every writer of a
//! vault waits for: disks that this appliance can read, and those of PCs that arrive over the network.

use crate::blocking::Crashed;
use crate::handle::Continuity;
use crate::work::Line;
use crate::{blocking, vaults};
use images::catalogue::{self, Image};
use provisioner::session::Arriving;
use state::journal;
use state::wire::Fact;
use std::io::Read;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;
use vault::Problem;

/// What is read into an image.
type Source = Box<dyn Read + Send>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("find the vault of images: the configuration has no target; add a [[target]]")]
    NoTarget,
    #[error("read {}: {source}; name a raw disk that this appliance can read", path.display())]
    Source {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("read {}: it is not a file nor a disk; name a raw disk", path.display())]
    NotADisk { path: PathBuf },
    #[error(transparent)]
    Images(#[from] images::Error),
    #[error(transparent)]
    Vaults(#[from] vaults::Error),
    #[error(transparent)]
    Db(#[from] state::db::Error),
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

impl Continuity {
    fn image_target(&self) -> Result<String, Error> {
        let target = self.config.image_target().ok_or(Error::NoTarget)?;
        Ok(target.name.clone())
    }

    /// Every image, oldest first, and those that cannot be read.
    pub async fn images(&self) -> Result<(Vec<Image>, Vec<Problem>), Error> {
        let vault = self.vaults.open(&self.image_target()?).await?;
        Ok(blocking(move || catalogue::list(&vault)).await??)
    }

    /// Puts the raw disk `path` into the vault as image `name`; returns once it is committed.
    ///
    /// Goes on when the caller goes away.
    pub async fn import_image(&self, name: &str, path: PathBuf) -> Result<Image, Error> {
        let open = move |_| {
            let (file, size) = open(&path)?;
            Ok((Box::new(file) as Source, size))
        };
        self.store(name, open).await
    }

    /// The same with the disk of a PC, of `size` bytes, that arrives over the network.
    pub async fn import_arriving(
        &self,
        name: &str,
        disk: Arriving,
        size: u64,
    ) -> Result<Image, Error> {
        let open = move |stop| Ok((Box::new(disk.until(stop)) as Source, size));
        self.store(name, open).await
    }

    async fn store<O>(&self, name: &str, open: O) -> Result<Image, Error>
    where
        O: FnOnce(CancellationToken) -> Result<(Source, u64), Error> + Send + 'static,
    {
        let (continuity, name) = (self.clone(), name.to_owned());
        let done = tokio::spawn(async move { continuity.store_in_turn(&name, open).await });
        done.await.map_err(|error| {
            tracing::error!(%error, "the import of an image stopped on a fault");
            Crashed
        })?
    }

    async fn store_in_turn<O>(&self, name: &str, open: O) -> Result<Image, Error>
    where
        O: FnOnce(CancellationToken) -> Result<(Source, u64), Error> + Send + 'static,
    {
        let target = self.image_target()?;
        let ticket = self
            .work
            .begin(&format!("import-{}", state::id::new()), "import");
        let turn = self.vaults.turn(&target)?;
        let _turn = turn.lock().await;
        let vault = self.vaults.open(&target).await?;
        let line = Line {
            board: &self.board,
            clock: &self.clock,
            key: ticket.key(),
            kind: "import",
            subject: name,
        };
        let (clock, named, stop) = (self.clock.clone(), name.to_owned(), ticket.cancel.clone());
        let (image, bytes) = line
            .follow("store", &ticket.cancel, move |watch| {
                let (mut source, size) = open(stop)?;
                let now = || clock.now().0;
                let image =
                    images::import::import(&vault, &named, &mut *source, Some(size), &now, watch)?;
                Ok::<_, Error>((image, size))
            })
            .await??;
        let fact = Fact::ImageImported {
            image: image.id.clone(),
            name: image.name.clone(),
            bytes,
        };
        journal::record(&self.db, self.clock.now(), fact).await?;
        Ok(image)
    }
}

/// A file or a whole disk, and its size.
fn open(path: &Path) -> Result<(std::fs::File, u64), Error> {
    use std::io::{Seek, SeekFrom};
    let failed = |source| Error::Source {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    let kind = metadata.file_type();
    if !kind.is_file() && !std::os::unix::fs::FileTypeExt::is_block_device(&kind) {
        return Err(Error::NotADisk {
            path: path.to_owned(),
        });
    }
    let mut file = std::fs::File::open(path).map_err(failed)?;
    // A disk's metadata says 0; its end says the size.
    let size = file.seek(SeekFrom::End(0)).map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok((file, size))
}
