//! The calls of one machine on the simulated NAS.

use std::io;

use rustix::io::Errno;

use super::SimNas;
use super::fault::{Done, Lie};
use super::server::{Inode, Names, Server, Verdict};
use crate::target::Error;
use crate::target::files::{Files, OpenFile, Seen};

#[derive(Clone)]
pub(super) struct Client {
    pub(super) nas: SimNas,
    pub(super) machine: u32,
}

struct Handle {
    client: Client,
    path: String,
    inode: usize,
}

impl Client {
    fn call<T>(
        &self,
        what: &str,
        changes_names: bool,
        act: impl FnOnce(&mut Server) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut server = self.nas.server();
        match server.next(what, changes_names) {
            Verdict::Do => act(&mut server),
            Verdict::Fail(lie, Done::Yes) => {
                act(&mut server)?;
                Err(lie.error())
            }
            Verdict::Fail(lie, _) => Err(lie.error()),
        }
    }

    fn handle(&self, path: &str, inode: usize) -> Box<dyn OpenFile> {
        Box::new(Handle {
            client: self.clone(),
            path: path.to_owned(),
            inode,
        })
    }
}

fn split(path: &str) -> io::Result<(&str, &str)> {
    path.split_once('/').ok_or_else(|| Errno::ISDIR.into())
}

fn names<'a>(server: &'a Server, folder: &str) -> io::Result<&'a Names> {
    Ok(server.folders.get(folder).ok_or(Errno::NOENT)?)
}

fn find(server: &Server, path: &str) -> io::Result<usize> {
    let (folder, name) = split(path)?;
    Ok(*names(server, folder)?.get(name).ok_or(Errno::NOENT)?)
}

fn free(server: &Server, path: &str) -> io::Result<()> {
    match find(server, path) {
        Ok(_) => Err(Errno::EXIST.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            names(server, split(path)?.0).map(|_| ())
        }
        Err(error) => Err(error),
    }
}

impl Files for Client {
    fn usable(&self) -> Result<(), Error> {
        Ok(())
    }

    fn free_bytes(&self) -> u64 {
        let server = self.nas.server();
        server
            .quirks
            .capacity
            .map_or(u64::MAX, |capacity| capacity.saturating_sub(server.used()))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let inode = self.call(&format!("create {path}"), true, |server| {
            free(server, path)?;
            let (folder, name) = split(path)?;
            server.inodes.push(Inode::default());
            let inode = server.inodes.len() - 1;
            server.name(self.machine, folder, name, inode);
            Ok(inode)
        })?;
        Ok(self.handle(path, inode))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        let inode = self.call(&format!("open {path}"), false, |server| find(server, path))?;
        Ok(self.handle(path, inode))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(&format!("link {from} {to}"), true, |server| {
            if server.quirks.no_links {
                return Err(Errno::OPNOTSUPP.into());
            }
            let inode = find(server, from)?;
            free(server, to)?;
            let (folder, name) = split(to)?;
            server.name(self.machine, folder, name, inode);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        self.call(&format!("rename {from} {to}"), true, |server| {
            if !replace && server.quirks.no_careful_rename {
                return Err(Errno::INVAL.into());
            }
            let inode = find(server, from)?;
            if !replace {
                free(server, to)?;
            }
            let ((old_folder, old), (folder, name)) = (split(from)?, split(to)?);
            names(server, folder)?;
            server.unname(self.machine, old_folder, old);
            server.name(self.machine, folder, name, inode);
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.call(&format!("remove {path}"), true, |server| {
            let (folder, name) = split(path)?;
            let gone = server.unname(self.machine, folder, name);
            gone.map(|_| ()).ok_or_else(|| Errno::NOENT.into())
        })
    }

    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.call(&format!("mkdir {path}"), true, |server| {
            match server.folders.contains_key(path) {
                true => Err(Errno::EXIST.into()),
                false => {
                    server.folders.insert(path.to_owned(), Names::new());
                    Ok(())
                }
            }
        })
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.call(&format!("sync folder {path}"), false, |server| {
            server.sync_folder(path);
            Ok(())
        })
    }

    fn names(&self, path: &str) -> io::Result<Vec<String>> {
        self.call(&format!("list {path}"), false, |server| match path {
            "" => Ok(server.folders.keys().cloned().collect()),
            _ => Ok(server.list(self.machine, path).ok_or(Errno::NOENT)?),
        })
    }

    fn look(&self, path: &str) -> io::Result<Seen> {
        self.call(&format!("look {path}"), false, |server| {
            if path.is_empty() || server.folders.contains_key(path) {
                return Ok(Seen {
                    len: 0,
                    is_file: false,
                });
            }
            let inode = find(server, path)?;
            Ok(Seen {
                len: server.inodes[inode].bytes.len() as u64,
                is_file: true,
            })
        })
    }
}

impl OpenFile for Handle {
    fn size(&self) -> io::Result<u64> {
        self.client
            .call(&format!("fstat {}", self.path), false, |server| {
                Ok(server.inodes[self.inode].bytes.len() as u64)
            })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut server = self.client.nas.server();
        let what = format!("write {} bytes to {}", bytes.len(), self.path);
        let (wanted, lie) = match server.next(&what, false) {
            Verdict::Do => (bytes.len(), None),
            Verdict::Fail(lie, Done::No) => return Err(lie.error()),
            Verdict::Fail(lie, Done::Half) => (bytes.len() / 2, Some(lie)),
            Verdict::Fail(lie, Done::Yes) => (bytes.len(), Some(lie)),
        };
        let room = server.quirks.capacity.map_or(usize::MAX, |capacity| {
            usize::try_from(capacity.saturating_sub(server.used())).unwrap_or(usize::MAX)
        });
        if room == 0 && wanted > 0 {
            return Err(Errno::NOSPC.into());
        }
        let longest = server.quirks.longest_write.unwrap_or(usize::MAX);
        let len = wanted.min(room).min(longest);
        server.inodes[self.inode]
            .bytes
            .extend_from_slice(&bytes[..len]);
        lie.map_or(Ok(len), |lie: Lie| Err(lie.error()))
    }

    fn sync(&self) -> io::Result<()> {
        self.client
            .call(&format!("sync {}", self.path), false, |server| {
                server.sync_file(self.inode);
                Ok(())
            })
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        self.client
            .call(&format!("read {}", self.path), false, |server| {
                let bytes = &server.inodes[self.inode].bytes;
                let from = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(from..).unwrap_or_default();
                let len = rest.len().min(into.len());
                into[..len].copy_from_slice(&rest[..len]);
                Ok(len)
            })
    }
}
