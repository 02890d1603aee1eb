//! What lies on the simulated NAS, and what of it survives its power.

use std::collections::{BTreeMap, BTreeSet};

use super::fault::{Done, Fault, Lie, Loss, Quirks};

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) bytes: Vec<u8>,
    synced: Option<Vec<u8>>,
}

pub(super) type Names = BTreeMap<String, usize>;

/// A change of a name that other machines may not list yet.
#[derive(Clone, Debug)]
struct Change {
    folder: String,
    name: String,
    machine: u32,
    at: u64,
    made: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) quirks: Quirks,
    pub(super) inodes: Vec<Inode>,
    pub(super) folders: BTreeMap<String, Names>,
    synced: BTreeMap<String, Names>,
    changes: Vec<Change>,
    now: u64,
    opened: u64,
    pub(super) calls: u64,
    fault: Option<Fault>,
    pub(super) sweep_at: Option<u64>,
    pub(super) struck: Option<String>,
}

/// What is to become of a call.
pub(super) enum Verdict {
    Do,
    Fail(Lie, Done),
}

impl Server {
    pub(super) fn opened(&mut self) -> u64 {
        self.opened += 1;
        self.opened
    }

    pub(super) fn arm(&mut self, fault: Option<Fault>) {
        (self.calls, self.fault, self.struck) = (0, fault, None);
    }

    pub(super) fn reset(&mut self) {
        self.arm(None);
        self.settle();
    }

    pub(super) fn next(&mut self, what: &str, changes_names: bool) -> Verdict {
        self.now += 1;
        self.calls += 1;
        if self.sweep_at == Some(self.calls) {
            self.folders.insert("tmp".to_owned(), Names::new());
        }
        let Some(fault) = self.fault else {
            return Verdict::Do;
        };
        if self.calls == fault.at && fault.lie.fits(changes_names, fault.done) {
            self.struck = Some(what.to_owned());
            return Verdict::Fail(fault.lie, fault.done);
        }
        match fault.lie {
            Lie::Down if self.calls > fault.at => Verdict::Fail(Lie::Down, Done::No),
            _ => Verdict::Do,
        }
    }

    pub(super) fn used(&self) -> u64 {
        let named: BTreeSet<usize> = self
            .folders
            .values()
            .flat_map(|names| names.values().copied())
            .collect();
        named
            .into_iter()
            .map(|inode| self.inodes[inode].bytes.len() as u64)
            .sum()
    }

    pub(super) fn name(&mut self, machine: u32, folder: &str, name: &str, inode: usize) {
        if let Some(names) = self.folders.get_mut(folder) {
            names.insert(name.to_owned(), inode);
            self.changed(machine, folder, name, true);
        }
    }

    pub(super) fn unname(&mut self, machine: u32, folder: &str, name: &str) -> Option<usize> {
        let inode = self.folders.get_mut(folder)?.remove(name)?;
        self.changed(machine, folder, name, false);
        Some(inode)
    }

    fn changed(&mut self, machine: u32, folder: &str, name: &str, made: bool) {
        let (now, delay) = (self.now, self.quirks.listing_delay);
        self.changes.retain(|change| change.at + delay > now);
        if delay > 0 {
            self.changes.push(Change {
                folder: folder.to_owned(),
                name: name.to_owned(),
                machine,
                at: now,
                made,
            });
        }
    }

    /// As that machine lists it now.
    pub(super) fn list(&self, machine: u32, folder: &str) -> Option<Vec<String>> {
        let mut names: BTreeSet<String> = self.folders.get(folder)?.keys().cloned().collect();
        let (now, delay) = (self.now, self.quirks.listing_delay);
        let unseen = |change: &&Change| {
            change.folder == folder && change.machine != machine && change.at + delay > now
        };
        // Newest first: what an old listing showed is what was there before the oldest change not seen.
        for change in self.changes.iter().rev().filter(unseen) {
            match change.made {
                true => names.remove(&change.name),
                false => names.insert(change.name.clone()),
            };
        }
        Some(names.into_iter().collect())
    }

    pub(super) fn sync_file(&mut self, inode: usize) {
        if !self.quirks.ignores_sync {
            let inode = &mut self.inodes[inode];
            inode.synced = Some(inode.bytes.clone());
        }
    }

    /// Of the vault's folder itself: the folders in it.
    pub(super) fn sync_folder(&mut self, folder: &str) {
        if self.quirks.ignores_sync {
            return;
        }
        if folder.is_empty() {
            for folder in self.folders.keys() {
                self.synced.entry(folder.clone()).or_default();
            }
        } else if let Some(names) = self.folders.get(folder) {
            self.synced.insert(folder.to_owned(), names.clone());
        }
    }

    pub(super) fn settle(&mut self) {
        for inode in &mut self.inodes {
            inode.synced = Some(inode.bytes.clone());
        }
        self.synced = self.folders.clone();
        self.changes.clear();
    }

    pub(super) fn cut(&mut self, loss: Loss) {
        let mut chance = match loss {
            Loss::Chance(seed) => Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            _ => Chance(1),
        };
        match loss {
            Loss::Nothing => {}
            Loss::Unsynced => {
                self.folders = self.synced.clone();
                for inode in &mut self.inodes {
                    inode.bytes = inode.synced.clone().unwrap_or_default();
                }
            }
            Loss::Torn => {
                for inode in &mut self.inodes {
                    if inode.synced.as_ref() != Some(&inode.bytes) {
                        inode.bytes.truncate(inode.bytes.len() / 2);
                    }
                }
            }
            Loss::Chance(_) => {
                self.lose_names(&mut chance);
                for inode in &mut self.inodes {
                    lose_bytes(inode, &mut chance);
                }
            }
        }
        self.reset();
    }

    fn lose_names(&mut self, chance: &mut Chance) {
        let folders: BTreeSet<String> = self
            .folders
            .keys()
            .chain(self.synced.keys())
            .cloned()
            .collect();
        for folder in folders {
            let (live, synced) = (self.folders.get(&folder), self.synced.get(&folder));
            if synced.is_none() && chance.coin() {
                self.folders.remove(&folder);
                continue;
            }
            let (live, synced) = (
                live.cloned().unwrap_or_default(),
                synced.cloned().unwrap_or_default(),
            );
            let names: BTreeSet<&String> = live.keys().chain(synced.keys()).collect();
            let kept = names.into_iter().filter_map(|name| {
                let (new, old) = (live.get(name), synced.get(name));
                let inode = if new == old || chance.coin() {
                    new
                } else {
                    old
                };
                inode.map(|inode| (name.clone(), *inode))
            });
            let kept: Names = kept.collect();
            self.folders.insert(folder, kept);
        }
    }

    pub(super) fn paths(&self) -> Vec<String> {
        let folders = self.folders.iter();
        folders
            .flat_map(|(folder, names)| names.keys().map(move |name| format!("{folder}/{name}")))
            .collect()
    }

    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let (folder, name) = path.split_once('/')?;
        let inode = *self.folders.get(folder)?.get(name)?;
        Some(self.inodes[inode].bytes.clone())
    }
}

fn lose_bytes(inode: &mut Inode, chance: &mut Chance) {
    if inode.synced.as_ref() == Some(&inode.bytes) {
        return;
    }
    let len = inode.bytes.len();
    match chance.next() % 4 {
        0 => {}
        1 => inode.bytes.truncate(len / 2),
        2 => inode.bytes[len / 2..].fill(0),
        _ => inode.bytes = inode.synced.clone().unwrap_or_default(),
    }
}

struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 20
    }

    fn coin(&mut self) -> bool {
        self.next().is_multiple_of(2)
    }
}
