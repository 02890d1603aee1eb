//! What a kernel module says about itself: the `.modinfo` section, `key=value` strings ended by NUL.
//!
//! Debian's kernel package has no `modules.dep` (depmod runs when it is installed, and we never install it),
//! so the same facts are read where depmod reads them.

use super::elf;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ModInfo {
    /// Modules it cannot be loaded without, by name.
    pub depends: Vec<String>,
    /// Modules it wants loaded first, by name or by what they provide (`crc32c`).
    pub wants: Vec<String>,
    /// Patterns of the hardware (or protocol) that it serves.
    pub aliases: Vec<String>,
}

pub(super) fn parse(file: &[u8]) -> Result<ModInfo, &'static str> {
    let section = elf::section(file, ".modinfo")?.ok_or("it has no .modinfo section")?;
    let mut info = ModInfo::default();
    for field in section.split(|b| *b == 0) {
        let Ok(field) = std::str::from_utf8(field) else {
            continue;
        };
        match field.split_once('=') {
            Some(("depends", names)) => {
                info.depends
                    .extend(names.split(',').filter(|n| !n.is_empty()).map(name_of));
            }
            Some(("softdep", text)) => {
                let mut before = false;
                for word in text.split_whitespace() {
                    match word {
                        "pre:" => before = true,
                        "post:" => before = false,
                        name if before => info.wants.push(name_of(name)),
                        _ => {}
                    }
                }
            }
            Some(("alias", pattern)) => info.aliases.push(pattern.to_owned()),
            _ => {}
        }
    }
    Ok(info)
}

/// Module names are written with `-` or `_`; the kernel takes both for the same.
pub(super) fn name_of(text: &str) -> String {
    text.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::elf::tests::module;

    #[test]
    fn needs_wants_and_hardware_are_read() {
        let file = module(
            b"firmware=x.fw\0alias=pci:v00008086d*\0alias=pci:v00001af4d*\0depends=libphy,mdio-devres\0\
              softdep=pre: realtek crc-32 post: late\0softdep=pre: other\0license=GPL\0",
        );
        assert_eq!(
            parse(&file).unwrap(),
            ModInfo {
                depends: vec!["libphy".into(), "mdio_devres".into()],
                wants: vec!["realtek".into(), "crc_32".into(), "other".into()],
                aliases: vec!["pci:v00008086d*".into(), "pci:v00001af4d*".into()],
            }
        );
        assert_eq!(parse(&module(b"depends=\0")).unwrap(), ModInfo::default());
    }

    #[test]
    fn what_is_no_module_is_said() {
        assert_eq!(parse(b"hello"), Err("it is not an ELF file"));
    }
}
