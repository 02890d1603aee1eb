//! The files that boot a machine, as `reprise boot assets build` left them.

use super::path::BootFile;
use std::path::{Path, PathBuf};

pub(crate) fn path(dir: &Path, file: BootFile) -> PathBuf {
    dir.join(file.name())
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
        let path = path(dir, file);
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
