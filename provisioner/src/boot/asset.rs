//! The files that boot a machine, as `reprise boot assets build` left them, or the admin's own in their place.

use super::own::OwnFiles;
use super::path::BootFile;
use std::path::{Path, PathBuf};

/// `dir` is the folder of built files.
pub(crate) async fn path(dir: &Path, own: &OwnFiles, file: BootFile) -> PathBuf {
    let (own, assets) = (own.clone(), dir.to_owned());
    // A file that was touched is read whole.
    let found = tokio::task::spawn_blocking(move || own.path(&assets, file.name())).await;
    found
        .ok()
        .flatten()
        .unwrap_or_else(|| dir.join(file.name()))
}

/// Are all files there? Otherwise a sentence for the operator: answering a machine that then finds
/// no kernel would hold it up for minutes.
pub(crate) fn check(dir: &Path) -> Result<(), String> {
    for file in [
        BootFile::Kernel,
        BootFile::Initrd,
        BootFile::SnpOnly,
        BootFile::UndiOnly,
        BootFile::BootDisk,
    ] {
        let path = dir.join(file.name());
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() && found.len() > 0 => {}
            Ok(_) => {
                return Err(format!(
                    "{} is empty or not a file; run `reprise boot assets build` again",
                    path.display()
                ));
            }
            Err(error) => {
                return Err(format!(
                    "{} cannot be read ({error}); run `reprise boot assets build`, until then no machine is answered",
                    path.display()
                ));
            }
        }
    }
    Ok(())
}
