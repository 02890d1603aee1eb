//! Why the boot assets could not be built or loaded.

use std::path::PathBuf;

/// Every message fits "failed to build (or load) the boot assets: …".
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{} is not a static program for this machine ({why}): the boot environment has no dynamic loader; \
         use the binary built for x86_64-unknown-linux-musl",
        path.display()
    )]
    NotStatic { path: PathBuf, why: &'static str },
    #[error(
        "{tool} cannot be started ({source}): the boot assets are made from Debian packages; on Debian or a \
         derivative install it with `apt-get install {package}`, elsewhere give already unpacked folders"
    )]
    Tool {
        tool: &'static str,
        package: &'static str,
        source: std::io::Error,
    },
    #[error(
        "the package {package} cannot be downloaded: {detail}; run `apt-get update`, check the network and try again"
    )]
    Download { package: String, detail: String },
    #[error("the package {package} cannot be unpacked: {detail}; delete {} and try again", work.display())]
    Unpack {
        package: String,
        detail: String,
        work: PathBuf,
    },
    #[error("{} holds no {what}: give the folder into which the Debian package was unpacked", folder.display())]
    Missing { folder: PathBuf, what: String },
    #[error("the kernel module {module} of {} is damaged ({why}): unpack the kernel package again", folder.display())]
    Module {
        module: String,
        folder: PathBuf,
        why: &'static str,
    },
    #[error(
        "the boot disk cannot be made: {why}; leave out firmware packages that no machine here needs"
    )]
    BootDisk { why: String },
    #[error("{} holds other files: name a folder that does not exist, is empty, or holds boot assets", path.display())]
    Foreign { path: PathBuf },
    #[error("{action} {}: {source}; check that the folder exists, is writable and has room", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} has no boot assets: build them with `reprise boot assets build`", dir.display())]
    NotBuilt { dir: PathBuf },
    #[error("{} is damaged ({why}): build the boot assets again with `reprise boot assets build`", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} is not taken as {name}: {why}", path.display())]
    Refused {
        path: PathBuf,
        name: String,
        why: String,
    },
    #[error("{} is not served: {why}; add it again with `reprise boot assets add`", path.display())]
    Changed { path: PathBuf, why: String },
}

impl Error {
    pub(super) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io {
            action,
            path,
            source,
        }
    }
}
