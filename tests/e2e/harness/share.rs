//! A mounted share on which somebody else has files open.

use super::{Temp, eventually};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const SERVER: &str = include_str!("share.py");

/// Unmounted when the test ends.
pub(crate) struct Share {
    server: Child,
    /// What it holds.
    pub(crate) behind: PathBuf,
    pub(crate) mounted: PathBuf,
}

impl Share {
    /// Mounted as `name` in `folder`; what it holds lies beside.
    pub(crate) fn start(folder: &Temp, name: &str) -> Share {
        let (behind, mounted) = (folder.join(&format!("{name}-server")), folder.join(name));
        std::fs::create_dir_all(&behind).expect("a folder");
        std::fs::create_dir_all(&mounted).expect("a folder");
        std::fs::write(behind.with_extension("locked"), "").expect("a list");
        let server = Command::new("/usr/bin/python3")
            .args(["-c", SERVER])
            .args([&behind, &mounted])
            .stdin(Stdio::null())
            .spawn()
            .expect("start python3; ./test installs python3-fusepy");
        let mut share = Share {
            server,
            behind,
            mounted,
        };
        eventually("the share is mounted", || {
            if let Ok(Some(status)) = share.server.try_wait() {
                panic!("the share's server ended with {status}");
            }
            let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
            let place = format!(" {} fuse", share.mounted.display());
            mounts.contains(&place).then_some(())
        });
        share
    }

    /// Somebody has these open, and nothing else.
    pub(crate) fn locked(&self, names: &[&str]) {
        std::fs::write(self.behind.with_extension("locked"), names.join("\n")).expect("a list");
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.mounted, rustix::mount::UnmountFlags::DETACH);
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
