//! From the wanted names to the modules of the initramfs, with the two tables that `modprobe` reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::modinfo::{ModInfo, name_of};

/// The modules to take along.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    /// Module name to its path beneath `lib/modules/VERSION`.
    pub paths: BTreeMap<String, String>,
    pub dep: String,
    pub alias: String,
    /// Wanted names that this kernel does not have as modules (built in, renamed or dropped).
    pub absent: Vec<String>,
}

/// Follows needs and wants until nothing new appears. `paths` knows every module of the kernel package;
/// `info` reads one module, and its error ends the choice.
pub(super) fn choose<E>(
    wanted: impl IntoIterator<Item = &'static str>,
    paths: &BTreeMap<String, String>,
    mut info: impl FnMut(&str, &str) -> Result<ModInfo, E>,
) -> Result<Chosen, E> {
    let mut chosen = Chosen::default();
    let mut infos: BTreeMap<String, ModInfo> = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    for name in wanted.into_iter().map(name_of) {
        if paths.contains_key(&name) {
            open.push(name)
        } else {
            chosen.absent.push(name)
        }
    }
    while let Some(name) = open.pop() {
        let Some(path) = paths.get(&name) else {
            continue;
        };
        if infos.contains_key(&name) {
            continue;
        }
        let mut facts = info(&name, path)?;
        facts.wants = facts
            .wants
            .iter()
            .filter_map(|want| provider(want, paths))
            .collect();
        open.extend(facts.depends.iter().chain(&facts.wants).cloned());
        chosen.paths.insert(name.clone(), path.clone());
        infos.insert(name, facts);
    }
    for (name, path) in &chosen.paths {
        let mut order = Vec::new();
        below(name, &infos, &mut BTreeSet::new(), &mut order);
        order.pop();
        // modprobe loads from right to left.
        let needs: Vec<&str> = order
            .iter()
            .rev()
            .filter_map(|n| chosen.paths.get(n))
            .map(String::as_str)
            .collect();
        let space = if needs.is_empty() { "" } else { " " };
        let _ = writeln!(chosen.dep, "{path}:{space}{}", needs.join(" "));
        for alias in infos.get(name).into_iter().flat_map(|i| &i.aliases) {
            let _ = writeln!(chosen.alias, "alias {alias} {name}");
        }
    }
    Ok(chosen)
}

/// A want names a module or what it provides: `crc32c` is served by `crc32c_generic` on any processor.
fn provider(want: &str, paths: &BTreeMap<String, String>) -> Option<String> {
    [want.to_owned(), format!("{want}_generic")]
        .into_iter()
        .find(|name| paths.contains_key(name))
}

/// Depth first, so that what is needed stands before what needs it; `seen` also ends circles.
fn below(
    name: &str,
    infos: &BTreeMap<String, ModInfo>,
    seen: &mut BTreeSet<String>,
    order: &mut Vec<String>,
) {
    if !seen.insert(name.to_owned()) {
        return;
    }
    if let Some(info) = infos.get(name) {
        for need in info.depends.iter().chain(&info.wants) {
            below(need, infos, seen, order);
        }
    }
    order.push(name.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .map(|n| ((*n).to_owned(), format!("kernel/{n}.ko")))
            .collect()
    }

    fn info(depends: &[&str], wants: &[&str], aliases: &[&str]) -> ModInfo {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        ModInfo {
            depends: own(depends),
            wants: own(wants),
            aliases: own(aliases),
        }
    }

    #[test]
    fn needs_come_along_and_stand_in_loading_order() {
        let all = paths(&[
            "sd_mod",
            "scsi_mod",
            "scsi_common",
            "t10_pi",
            "crc32c_generic",
            "unused",
        ]);
        let chosen = choose(["sd-mod", "usb-nothing"], &all, |name, _| {
            Ok::<_, ()>(match name {
                "sd_mod" => info(&["scsi_mod", "t10_pi"], &[], &["scsi:t-0x00*"]),
                "scsi_mod" => info(&["scsi_common"], &[], &[]),
                "t10_pi" => info(&[], &["crc32c", "not_there"], &[]),
                _ => ModInfo::default(),
            })
        })
        .unwrap();
        assert_eq!(chosen.absent, ["usb_nothing"]);
        assert!(!chosen.paths.contains_key("unused"));
        assert_eq!(
            chosen.dep,
            "kernel/crc32c_generic.ko:\nkernel/scsi_common.ko:\nkernel/scsi_mod.ko: kernel/scsi_common.ko\n\
             kernel/sd_mod.ko: kernel/t10_pi.ko kernel/crc32c_generic.ko kernel/scsi_mod.ko kernel/scsi_common.ko\n\
             kernel/t10_pi.ko: kernel/crc32c_generic.ko\n"
        );
        assert_eq!(chosen.alias, "alias scsi:t-0x00* sd_mod\n");
    }

    #[test]
    fn a_circle_of_wants_ends() {
        let all = paths(&["a", "b"]);
        let other = |name: &str| if name == "a" { "b" } else { "a" };
        let chosen = choose(["a"], &all, |name, _| {
            Ok::<_, ()>(info(&[], &[other(name)], &[]))
        })
        .unwrap();
        assert_eq!(
            chosen.dep,
            "kernel/a.ko: kernel/b.ko\nkernel/b.ko: kernel/a.ko\n"
        );
    }

    #[test]
    fn an_unreadable_module_stops_the_choice() {
        assert_eq!(
            choose(["a"], &paths(&["a"]), |_, _| Err("torn")),
            Err("torn")
        );
    }
}
