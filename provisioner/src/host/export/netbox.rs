//! Tables for NetBox's bulk import. Pure.

use crate::Mac;
use crate::host::csv::{Style, write};
use crate::host::{Host, HostState};
use config::Registry;
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};

/// What NetBox must be told, and no machine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetBox {
    /// The name of a device role that is there.
    pub role: String,
    /// The site of hosts that are in no `[[site]]`; `None` = those are left out.
    pub site: Option<String>,
}

/// A table of NetBox's bulk import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    Manufacturers,
    DeviceTypes,
    Devices,
    Interfaces,
    /// Objects of their own since NetBox 4.2.
    MacAddresses,
}

impl Table {
    /// In the order in which NetBox can take them.
    pub const ALL: [Table; 5] = [
        Table::Manufacturers,
        Table::DeviceTypes,
        Table::Devices,
        Table::Interfaces,
        Table::MacAddresses,
    ];

    /// As in NetBox's addresses: `/dcim/devices/import/`.
    pub fn name(self) -> &'static str {
        match self {
            Table::Manufacturers => "manufacturers",
            Table::DeviceTypes => "device-types",
            Table::Devices => "devices",
            Table::Interfaces => "interfaces",
            Table::MacAddresses => "mac-addresses",
        }
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Table::Manufacturers => &["name", "slug"],
            Table::DeviceTypes => &["manufacturer", "model", "slug", "u_height"],
            Table::Devices => &[
                "name",
                "role",
                "manufacturer",
                "device_type",
                "serial",
                "asset_tag",
                "status",
                "site",
                "comments",
            ],
            Table::Interfaces => &["device", "name", "type", "enabled"],
            Table::MacAddresses => &["mac_address", "device", "interface", "is_primary"],
        }
    }
}

/// A host that NetBox cannot take as it is, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub name: String,
    pub why: &'static str,
}

/// Approved hosts for NetBox's bulk import (the columns of `netbox/dcim/forms/bulk_import.py`, 4.2 and later;
/// relations by name, device types by model): every table in the order of [`Table::ALL`], and who is left out.
pub fn netbox(
    hosts: &[Host],
    registry: &Registry,
    told: &NetBox,
) -> (Vec<(Table, String)>, Vec<LeftOut>) {
    let approved = hosts
        .iter()
        .filter(|host| host.state == HostState::Approved);
    let mut taken = Vec::new();
    let mut left_out = Vec::new();
    // NetBox refuses a whole file for one asset tag that stands there twice.
    let mut tags = HashSet::new();
    for host in approved {
        match device(host, registry, told) {
            Ok(mut device) => {
                if !device.asset_tag.is_empty() && !tags.insert(device.asset_tag.clone()) {
                    device.asset_tag.clear();
                }
                taken.push(device);
            }
            Err(why) => left_out.push(LeftOut {
                name: host.name.clone(),
                why,
            }),
        }
    }
    one_spelling(&mut taken);
    let tables = Table::ALL.map(|table| (table, written(table, &taken)));
    (tables.into(), left_out)
}

/// Firmware of one maker writes it now so, now so: what gives one slug gets the first spelling, for NetBox keeps slugs
/// unique and finds by name.
fn one_spelling(devices: &mut [Device<'_>]) {
    let (mut vendors, mut models) = (HashMap::new(), HashMap::new());
    for device in devices {
        let vendor = vendors
            .entry(slug(&device.vendor))
            .or_insert_with(|| device.vendor.clone());
        device.vendor.clone_from(vendor);
        let model = models
            .entry(slug(&format!("{} {}", device.vendor, device.model)))
            .or_insert_with(|| device.model.clone());
        device.model.clone_from(model);
    }
}

/// What a row needs.
struct Device<'a> {
    host: &'a Host,
    vendor: String,
    model: String,
    site: String,
    role: &'a str,
    asset_tag: String,
}

fn device<'a>(
    host: &'a Host,
    registry: &Registry,
    told: &'a NetBox,
) -> Result<Device<'a>, &'static str> {
    let system = host.inventory.as_ref().map(|inventory| &inventory.system);
    let vendor = cut(system.map_or("", |system| &system.manufacturer), 100);
    let model = cut(&host.product, 100);
    if vendor.is_empty() || model.is_empty() {
        return Err("its firmware names no manufacturer or no model");
    }
    let Some(site) = super::site(host, registry).or_else(|| told.site.clone()) else {
        return Err("it is in no [[site]]; add one, or say --site");
    };
    Ok(Device {
        host,
        vendor,
        model,
        site,
        role: &told.role,
        asset_tag: cut(&host.details.asset_tag, 50),
    })
}

fn cut(text: &str, most: usize) -> String {
    text.trim()
        .chars()
        .take(most)
        .collect::<String>()
        .trim()
        .to_owned()
}

fn written(table: Table, devices: &[Device<'_>]) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for device in devices {
        rows.extend(match table {
            Table::Manufacturers => vec![vec![device.vendor.clone(), slug(&device.vendor)]],
            Table::DeviceTypes => vec![vec![
                device.vendor.clone(),
                device.model.clone(),
                slug(&format!("{} {}", device.vendor, device.model)),
                "0".into(),
            ]],
            Table::Devices => vec![device_row(device)],
            Table::Interfaces => interfaces(device.host)
                .into_iter()
                .map(|(name, kind, _)| {
                    vec![device.host.name.clone(), name, kind.into(), "true".into()]
                })
                .collect(),
            Table::MacAddresses => interfaces(device.host)
                .into_iter()
                .map(|(name, _, mac)| {
                    let mac = mac.to_ascii_uppercase();
                    vec![mac, device.host.name.clone(), name, "true".into()]
                })
                .collect(),
        });
    }
    // Slugs are unique in NetBox, and so are MAC addresses of an interface.
    let key = match table {
        Table::Manufacturers => Some(1),
        Table::DeviceTypes => Some(2),
        Table::MacAddresses => Some(0),
        Table::Devices | Table::Interfaces => None,
    };
    let mut seen = HashSet::new();
    rows.retain(|row| key.is_none_or(|key| seen.insert(row.get(key).cloned())));
    write(Style::PLAIN, table.columns(), &rows)
}

fn device_row(device: &Device<'_>) -> Vec<String> {
    let host = device.host;
    vec![
        host.name.clone(),
        device.role.to_owned(),
        device.vendor.clone(),
        device.model.clone(),
        cut(&host.serial, 50),
        device.asset_tag.clone(),
        "active".into(),
        device.site.clone(),
        comments(host),
    ]
}

/// Letters, digits, `-`; NetBox takes 100.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        match c.is_ascii_alphanumeric() {
            true => slug.push(c),
            false if slug.ends_with('-') => {}
            false => slug.push('-'),
        }
    }
    let slug = slug.trim_matches('-').chars().take(100).collect::<String>();
    let slug = slug.trim_end_matches('-').to_owned();
    match slug.is_empty() {
        true => "unnamed".to_owned(),
        false => slug,
    }
}

fn comments(host: &Host) -> String {
    let details = &host.details;
    let day = |date: &Option<Date>| date.map(|d| d.to_string()).unwrap_or_default();
    [
        ("profile", details.profile.clone()),
        ("user", details.user.clone()),
        ("supplier", details.supplier.clone()),
        ("bought", day(&details.bought)),
        ("warranty end", day(&details.warranty_end)),
        ("uuid", host.uuid.clone()),
    ]
    .iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(what, value)| format!("{what}: {value}"))
    .collect::<Vec<_>>()
    .join(" · ")
}

/// Name, NetBox's type and MAC of each card that stays in the machine.
fn interfaces(host: &Host) -> Vec<(String, &'static str, String)> {
    let nics = host.inventory.iter().flat_map(|i| &i.nics);
    let inside = nics.filter(|nic| nic.external != Some(true));
    let mut found: Vec<(String, &'static str, String)> = Vec::new();
    for nic in inside {
        let name: String = nic.name.trim().chars().take(64).collect();
        if name.is_empty()
            || nic.mac.parse::<Mac>().is_err()
            || found.iter().any(|(known, _, _)| *known == name)
        {
            continue;
        }
        let kind = match nic.speed_mbits {
            _ if name.starts_with("wl") => "other-wireless",
            Some(100) => "100base-tx",
            Some(1000) => "1000base-t",
            Some(2500) => "2.5gbase-t",
            Some(5000) => "5gbase-t",
            Some(10_000) => "10gbase-t",
            _ => "other",
        };
        found.push((name, kind, nic.mac.clone()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::HostId;
    use images::wire::{Inventory, Nic, System};
    use state::Timestamp;

    fn host(number: u8, vendor: &str, model: &str) -> Host {
        let nic = |name: &str, mac: &str, speed_mbits: Option<u32>, external: Option<bool>| Nic {
            name: name.into(),
            mac: mac.into(),
            speed_mbits,
            external,
            ..Nic::default()
        };
        Host {
            id: HostId(format!("id{number}")),
            name: format!("PC-{number}"),
            state: HostState::Approved,
            macs: Vec::new(),
            serial: format!("SER-{number}"),
            uuid: String::new(),
            product: model.into(),
            pairing_code: None,
            inventory: Some(Inventory {
                system: System {
                    manufacturer: vendor.into(),
                    ..System::default()
                },
                nics: vec![
                    nic(
                        "eth0",
                        &format!("02:00:00:00:00:0{number}"),
                        Some(1000),
                        None,
                    ),
                    nic("eth1", "02:00:00:00:00:aa", None, Some(true)),
                    nic(
                        "wlan0",
                        &format!("02:00:00:00:01:0{number}"),
                        None,
                        Some(false),
                    ),
                ],
                ..Inventory::default()
            }),
            agent_version: None,
            first_seen: Timestamp(0),
            last_seen: Timestamp(0),
            reported: None,
            approved: None,
            approved_by: None,
            details: Default::default(),
            place: None,
        }
    }

    #[test]
    fn netbox_gets_its_tables_in_the_order_in_which_it_can_take_them() {
        let mut first = host(1, "Dell Inc.", "Latitude 5520");
        first.details.asset_tag = "I-7".into();
        first.details.user = "=jean".into();
        let mut second = host(2, "DELL INC", "Latitude 5520");
        second.details.asset_tag = "I-7".into();
        let mut waiting = host(3, "Dell Inc.", "Latitude 5520");
        waiting.state = HostState::Waiting;
        let bare = host(4, "", "Latitude 5520");
        let told = NetBox {
            role: "Poste".into(),
            site: Some("Agen, nord".into()),
        };
        let all = [first, second, waiting, bare];
        let (tables, left_out) = netbox(&all, &Registry::default(), &told);
        let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
        assert_eq!(
            names,
            [
                "manufacturers",
                "device-types",
                "devices",
                "interfaces",
                "mac-addresses"
            ]
        );
        let text: Vec<&str> = tables.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(text[0], "name,slug\r\nDell Inc.,dell-inc\r\n");
        assert_eq!(
            text[1],
            "manufacturer,model,slug,u_height\r\nDell Inc.,Latitude 5520,dell-inc-latitude-5520,0\r\n"
        );
        assert_eq!(
            text[2],
            "name,role,manufacturer,device_type,serial,asset_tag,status,site,comments\r\n\
             PC-1,Poste,Dell Inc.,Latitude 5520,SER-1,I-7,active,\"Agen, nord\",user: =jean\r\n\
             PC-2,Poste,Dell Inc.,Latitude 5520,SER-2,,active,\"Agen, nord\",\r\n"
        );
        assert_eq!(
            text[3],
            "device,name,type,enabled\r\nPC-1,eth0,1000base-t,true\r\nPC-1,wlan0,other-wireless,true\r\n\
             PC-2,eth0,1000base-t,true\r\nPC-2,wlan0,other-wireless,true\r\n"
        );
        assert_eq!(
            text[4].lines().nth(1),
            Some("02:00:00:00:00:01,PC-1,eth0,true")
        );
        assert_eq!(text[4].lines().count(), 5);
        assert_eq!(left_out.len(), 1);
        assert_eq!(left_out[0].name, "PC-4");
        // Nobody said where they are.
        let (_, left_out) = netbox(&all, &Registry::default(), &NetBox { site: None, ..told });
        assert_eq!(left_out.len(), 3);
        assert!(left_out[0].why.contains("--site"));
    }

    #[test]
    fn slugs_are_as_netbox_wants_them() {
        for (text, want) in [
            ("Dell Inc.", "dell-inc"),
            ("HP EliteBook 840 G8 / é", "hp-elitebook-840-g8"),
            ("日本", "unnamed"),
            (&"ab ".repeat(60), &"ab-".repeat(60)[..98]),
        ] {
            let slug = slug(text);
            assert!(slug.len() <= 100 && !slug.ends_with('-'), "{slug}");
            if text.len() < 100 {
                assert_eq!(slug, want);
            }
        }
    }
}
