//! Which `[[boot_rule]]` fits a machine: the first that does. Pure.

use crate::Mac;
use crate::host::uuid::Uuid;
use config::BootRule;
use std::net::Ipv4Addr;

/// What is known of a machine. What nobody knows fits no rule that asks for it: a card that several
/// machines have brings no serial number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traits {
    pub(crate) serial: String,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) mac: Option<Mac>,
    pub(crate) vendor: String,
    pub(crate) model: String,
    /// An address of the network it is in.
    pub(crate) network: Option<Ipv4Addr>,
    /// Option 82, sub-option 1, as a switch wrote it.
    pub(crate) circuit: Vec<u8>,
}

/// The rank of the first rule that fits.
pub(crate) fn first(rules: &[BootRule], traits: &Traits) -> Option<usize> {
    rules.iter().position(|rule| fits(rule, traits))
}

fn fits(rule: &BootRule, traits: &Traits) -> bool {
    let text = |pattern: &Option<String>, known: &str| {
        pattern
            .as_ref()
            .is_none_or(|pattern| !known.is_empty() && is_like(pattern, known))
    };
    let mac = traits.mac.map(|mac| mac.to_string()).unwrap_or_default();
    let uuid = rule.uuid.as_ref().is_none_or(|wanted| {
        traits.uuid.is_some_and(|uuid| match Uuid::of_text(wanted) {
            Some(wanted) => wanted == uuid,
            None => uuid.spellings().iter().any(|known| is_like(wanted, known)),
        })
    });
    let subnet = rule
        .subnet
        .is_none_or(|(base, length)| traits.network.is_some_and(|ip| is_in(ip, base, length)));
    uuid && subnet
        && text(&rule.serial, &traits.serial)
        && text(&rule.mac.as_ref().map(|mac| mac.replace('-', ":")), &mac)
        && text(&rule.vendor, &traits.vendor)
        && text(&rule.model, &traits.model)
        && text(&rule.relay_port, &readable(&traits.circuit))
}

/// A switch writes words there, or bytes: those as hex digits.
pub(crate) fn readable(circuit: &[u8]) -> String {
    match std::str::from_utf8(circuit) {
        Ok(text) if text.chars().all(|c| !c.is_control()) => text.to_owned(),
        _ => circuit.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn is_in(address: Ipv4Addr, base: Ipv4Addr, length: u8) -> bool {
    let mask = u32::MAX
        .checked_shl(32 - u32::from(length.min(32)))
        .unwrap_or(0);
    u32::from(address) & mask == u32::from(base) & mask
}

/// `*` stands for anything. Both are bounded by what reads them; the time is their product.
pub(crate) fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::BootGive;

    fn traits() -> Traits {
        Traits {
            serial: "5CG1234XYZ".into(),
            uuid: Uuid::of_text("33221100-5544-7766-8899-aabbccddeeff"),
            mac: "52:54:00:12:34:56".parse().ok(),
            vendor: "Dell Inc.".into(),
            model: "OptiPlex 7090".into(),
            network: Some(Ipv4Addr::new(192, 168, 20, 1)),
            circuit: b"Gi1/0/12".to_vec(),
        }
    }

    fn rule() -> BootRule {
        BootRule::default()
    }

    #[test]
    fn every_key_must_fit() {
        let some = |text: &str| Some(text.to_owned());
        let net = |text: &str, length| Some((text.parse().unwrap(), length));
        let table = [
            (
                "serial",
                BootRule {
                    serial: some("5cg1234xyz"),
                    ..rule()
                },
                true,
            ),
            (
                "part of a serial",
                BootRule {
                    serial: some("5CG1234"),
                    ..rule()
                },
                false,
            ),
            (
                "serials of a batch",
                BootRule {
                    serial: some("5CG*"),
                    ..rule()
                },
                true,
            ),
            (
                "uuid",
                BootRule {
                    uuid: some("33221100-5544-7766-8899-AABBCCDDEEFF"),
                    ..rule()
                },
                true,
            ),
            (
                "uuid, turned",
                BootRule {
                    uuid: some("00112233-4455-6677-8899-aabbccddeeff"),
                    ..rule()
                },
                true,
            ),
            (
                "another uuid",
                BootRule {
                    uuid: some("43221100-5544-7766-8899-aabbccddeeff"),
                    ..rule()
                },
                false,
            ),
            (
                "mac",
                BootRule {
                    mac: some("52-54-00-12-34-56"),
                    ..rule()
                },
                true,
            ),
            (
                "a maker's macs",
                BootRule {
                    mac: some("52:54:00:*"),
                    ..rule()
                },
                true,
            ),
            (
                "every machine",
                BootRule {
                    mac: some("*"),
                    ..rule()
                },
                true,
            ),
            (
                "vendor and model",
                BootRule {
                    vendor: some("dell*"),
                    model: some("*7090"),
                    ..rule()
                },
                true,
            ),
            (
                "vendor, another model",
                BootRule {
                    vendor: some("dell*"),
                    model: some("Latitude*"),
                    ..rule()
                },
                false,
            ),
            (
                "model in the middle",
                BootRule {
                    model: some("*plex*70*"),
                    ..rule()
                },
                true,
            ),
            (
                "subnet",
                BootRule {
                    subnet: net("192.168.20.0", 24),
                    ..rule()
                },
                true,
            ),
            (
                "half of it",
                BootRule {
                    subnet: net("192.168.20.128", 25),
                    ..rule()
                },
                false,
            ),
            (
                "all networks",
                BootRule {
                    subnet: net("0.0.0.0", 0),
                    ..rule()
                },
                true,
            ),
            (
                "one address",
                BootRule {
                    subnet: net("192.168.20.1", 32),
                    ..rule()
                },
                true,
            ),
            (
                "switch port",
                BootRule {
                    relay_port: some("gi1/0/12"),
                    ..rule()
                },
                true,
            ),
            (
                "port and another subnet",
                BootRule {
                    relay_port: some("*"),
                    subnet: net("10.0.0.0", 8),
                    ..rule()
                },
                false,
            ),
        ];
        for (name, rule, expected) in table {
            assert_eq!(fits(&rule, &traits()), expected, "{name}");
            let asks_more = rule.mac.is_none();
            assert!(
                !(asks_more
                    && fits(
                        &rule,
                        &Traits {
                            mac: traits().mac,
                            ..Traits::default()
                        }
                    )),
                "{name}: unknown"
            );
        }
    }

    #[test]
    fn the_first_that_fits_decides() {
        let except = BootRule {
            serial: Some("5CG1234XYZ".into()),
            ..rule()
        };
        let all = BootRule {
            mac: Some("*".into()),
            give: BootGive::Silence,
            ..rule()
        };
        assert_eq!(first(&[except.clone(), all.clone()], &traits()), Some(0));
        assert_eq!(first(&[all, except.clone()], &traits()), Some(0));
        assert_eq!(first(&[except], &Traits::default()), None);
        assert_eq!(first(&[], &traits()), None);
    }

    #[test]
    fn stars_stand_for_anything_and_bytes_are_hex() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*b*a*", "xxaxxbxx", false),
            ("É*", "éa", true),
            ("", "x", false),
        ] {
            assert_eq!(is_like(pattern, text), expected, "{pattern} {text}");
        }
        assert_eq!(readable(&[0, 4, 0, 1]), "00040001");
        assert_eq!(readable(b"ge-0/0/1"), "ge-0/0/1");
    }
}
