//! A machine as GLPI's inventory format describes it (`inventory.schema.json` of glpi-project/inventory_format).
//! Pure. Only what is known is said: GLPI leaves alone what an inventory does not name, such as the software that an
//! agent of its own found on the same PC.

use crate::Mac;
use crate::host::Host;
use images::wire::{Disk, Firmware, Inventory, Nic, System};
use serde_json::{Map, Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Of a text that a machine says.
const LONGEST: usize = 250;
/// Disks, and network cards.
const MOST: usize = 64;

/// What is sent for a machine whose agent reported; `None` before.
pub(crate) fn document(host: &Host, tag: Option<&str>) -> Option<Value> {
    let inventory = host.inventory.as_ref()?;
    let mut content = Map::new();
    content.insert(
        "versionclient".into(),
        json!(concat!("Reprise_v", env!("CARGO_PKG_VERSION"))),
    );
    content.insert("bios".into(), bios(host, inventory));
    content.insert("hardware".into(), hardware(host, inventory));
    if !inventory.cpu.model.trim().is_empty() {
        content.insert("cpus".into(), json!([processor(inventory)]));
    }
    // What is plugged in today, such as a boot stick or a dock, is no part of the PC.
    let disks = inventory.disks.iter().filter(|disk| !disk.removable);
    let disks: Vec<Value> = disks.take(MOST).map(storage).collect();
    let nics = inventory
        .nics
        .iter()
        .filter(|nic| nic.external != Some(true));
    let nics: Vec<Value> = nics.take(MOST).filter_map(network).collect();
    for (name, list) in [("storages", disks), ("networks", nics)] {
        if !list.is_empty() {
            content.insert(name.into(), list.into());
        }
    }
    if let Some(user) = user(&host.details.user) {
        content.insert("users".into(), json!([user]));
    }
    let mut document = json!({
        "action": "inventory",
        "deviceid": device_id(host),
        "itemtype": "Computer",
        "content": content,
    });
    if let Some(tag) = tag {
        document["tag"] = json!(tag);
    }
    Some(document)
}

/// By which GLPI knows who sends: the same for ever, whatever the PC is called.
fn device_id(host: &Host) -> String {
    format!("reprise-{}", host.id)
}

/// The id of the agent of a machine, which the protocol wants to be a UUID (RFC 9562, version 8).
pub(crate) fn agent_id(host: &Host) -> String {
    let hash = blake3::derive_key(
        "reprise 2026 agent id for GLPI",
        host.id.as_str().as_bytes(),
    );
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// Texts that are not empty, by their names.
fn texts<const N: usize>(pairs: [(&str, &str); N]) -> Map<String, Value> {
    pairs
        .iter()
        .filter_map(|(name, text)| Some(((*name).to_owned(), json!(said(text)?))))
        .collect()
}

/// One line, cut.
fn said(text: &str) -> Option<String> {
    let text: String = text
        .trim()
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    (!text.trim().is_empty()).then_some(text)
}

fn bios(host: &Host, inventory: &Inventory) -> Value {
    let system = &inventory.system;
    let mut bios = texts([
        ("smanufacturer", &system.manufacturer),
        ("smodel", &host.product),
        ("ssn", &host.serial),
        ("bmanufacturer", &system.bios_vendor),
        ("bversion", &system.bios_version),
        ("assettag", &host.details.asset_tag),
    ]);
    if let Some(date) = bios_date(&system.bios_date) {
        bios.insert("bdate".into(), json!(date));
    }
    let secure_boot = match (inventory.secure_boot, inventory.firmware) {
        (Some(true), _) => Some("enabled"),
        (Some(false), _) => Some("disabled"),
        (None, Firmware::Bios) => Some("unsupported"),
        (None, Firmware::Uefi) => None,
    };
    if let Some(secure_boot) = secure_boot {
        bios.insert("secure_boot".into(), json!(secure_boot));
    }
    bios.into()
}

/// SMBIOS writes `05/17/2024`, older firmware `05/17/98`; the schema wants `2024-05-17`.
fn bios_date(text: &str) -> Option<String> {
    let parts: Vec<i16> = text
        .trim()
        .split('/')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let [month, day, year] = parts[..] else {
        return None;
    };
    let year = match year {
        0..80 => year + 2000,
        80..100 => year + 1900,
        year => year,
    };
    let date = jiff::civil::Date::new(year, month.try_into().ok()?, day.try_into().ok()?).ok()?;
    (1980..=9999)
        .contains(&date.year())
        .then(|| date.to_string())
}

fn hardware(host: &Host, inventory: &Inventory) -> Value {
    let mut hardware = texts([
        ("name", &host.name),
        ("uuid", &host.uuid),
        ("vmsystem", machine_kind(&inventory.system)),
    ]);
    let memory_mb = inventory.memory_bytes >> 20;
    if memory_mb > 0 && i64::try_from(memory_mb).is_ok() {
        hardware.insert("memory".into(), json!(memory_mb));
    }
    hardware.into()
}

/// The words of GLPI's own agent.
fn machine_kind(system: &System) -> &'static str {
    let (vendor, model) = (system.manufacturer.as_str(), system.product.as_str());
    match () {
        () if vendor.contains("QEMU") || model.contains("KVM") => "QEMU",
        () if vendor.starts_with("VMware") => "VMware",
        () if model == "VirtualBox" => "VirtualBox",
        () if vendor.starts_with("Xen") => "Xen",
        () if vendor.starts_with("Microsoft") && model == "Virtual Machine" => "Hyper-V",
        () => "Physical",
    }
}

fn processor(inventory: &Inventory) -> Value {
    let cpu = &inventory.cpu;
    let maker = ["Intel", "AMD"]
        .into_iter()
        .find(|maker| cpu.model.contains(maker));
    let mut processor = texts([
        ("name", &cpu.model),
        ("manufacturer", maker.unwrap_or_default()),
    ]);
    // How many of them share a core is not known, so they are no `core` and no `thread`.
    if cpu.cores > 0 {
        let count = format!("{} logical processors", cpu.cores);
        processor.insert("description".into(), json!(count));
    }
    processor.into()
}

fn storage(disk: &Disk) -> Value {
    let bus = match disk.name.as_str() {
        name if name.starts_with("nvme") => "NVME",
        name if name.starts_with("mmcblk") => "MMC",
        _ => "",
    };
    let mut storage = texts([
        ("name", &disk.name),
        ("model", &disk.model),
        ("serial", &disk.serial),
        ("interface", bus),
        ("type", "disk"),
    ]);
    let size_mb = disk.size_bytes / 1_000_000;
    if size_mb > 0 && i64::try_from(size_mb).is_ok() {
        storage.insert("disksize".into(), json!(size_mb));
    }
    storage.into()
}

fn network(nic: &Nic) -> Option<Value> {
    let mac: Mac = nic.mac.parse().ok()?;
    let name = said(&nic.name)?;
    let kind = match name.starts_with("wl") || name.starts_with("ww") {
        true => "wifi",
        false => "ethernet",
    };
    let status = if nic.link { "up" } else { "down" };
    let mut network = texts([
        ("description", &name),
        ("mac", &mac.to_string()),
        ("type", kind),
        ("status", status),
    ]);
    network.insert("virtualdev".into(), json!(false));
    if let Some(speed) = nic.speed_mbits {
        network.insert("speed".into(), json!(speed.to_string()));
    }
    let address = nic.address.as_deref().unwrap_or_default();
    let address = address.split('/').next().unwrap_or_default();
    if let Ok(four) = address.parse::<Ipv4Addr>() {
        network.insert("ipaddress".into(), json!(four.to_string()));
    } else if let Ok(six) = address.parse::<Ipv6Addr>() {
        network.insert("ipaddress6".into(), json!(six.to_string()));
    }
    Some(network.into())
}

/// `DOMAINE\jean` is the log-in `jean` of a domain.
fn user(text: &str) -> Option<Value> {
    let text = said(text)?;
    Some(match text.split_once('\\') {
        Some((domain, login)) if !domain.is_empty() && !login.is_empty() => {
            json!({"login": login, "domain": domain})
        }
        _ => json!({"login": text}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{HostId, HostState};
    use images::wire::Cpu;
    use state::Timestamp;

    fn host(inventory: Option<Inventory>) -> Host {
        Host {
            id: HostId("0123456789abcdef".into()),
            name: "COMPTA-PC01".into(),
            state: HostState::Approved,
            macs: Vec::new(),
            serial: "PF-1".into(),
            uuid: "33221100-5544-7766-8899-aabbccddeeff".into(),
            product: "20XW0010FR".into(),
            pairing_code: None,
            inventory,
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

    fn inventory() -> Inventory {
        Inventory {
            system: System {
                manufacturer: "LENOVO".into(),
                bios_vendor: "LENOVO".into(),
                bios_version: "N32ET75W".into(),
                bios_date: "05/17/2024".into(),
                ..System::default()
            },
            cpu: Cpu {
                model: "11th Gen Intel(R) Core(TM) i5".into(),
                cores: 8,
            },
            memory_bytes: 16 << 30,
            disks: vec![
                Disk {
                    name: "nvme0n1".into(),
                    serial: "S4".into(),
                    size_bytes: 512_110_190_592,
                    ..Disk::default()
                },
                Disk {
                    name: "sda".into(),
                    removable: true,
                    ..Disk::default()
                },
            ],
            nics: vec![
                Nic {
                    name: "eth0".into(),
                    mac: "52:54:00:12:34:56".into(),
                    speed_mbits: Some(1000),
                    link: true,
                    address: Some("192.168.1.20/24".into()),
                    external: Some(false),
                },
                Nic {
                    name: "eth1".into(),
                    mac: "52:54:00:12:34:57".into(),
                    external: Some(true),
                    ..Nic::default()
                },
                Nic {
                    name: "wlan0".into(),
                    mac: "nonsense".into(),
                    ..Nic::default()
                },
            ],
            firmware: Firmware::Uefi,
            secure_boot: Some(true),
            trusted: Vec::new(),
        }
    }

    #[test]
    fn a_machine_is_told_as_glpi_wants_it() {
        let mut host = host(Some(inventory()));
        host.details.user = "DOMAINE\\jean".into();
        host.details.asset_tag = "INV-7".into();
        let told = document(&host, Some("agen")).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        let want = json!({
            "action": "inventory",
            "deviceid": "reprise-0123456789abcdef",
            "itemtype": "Computer",
            "tag": "agen",
            "content": {
                "versionclient": format!("Reprise_v{version}"),
                "bios": {
                    "smanufacturer": "LENOVO", "smodel": "20XW0010FR", "ssn": "PF-1",
                    "bmanufacturer": "LENOVO", "bversion": "N32ET75W", "bdate": "2024-05-17",
                    "assettag": "INV-7", "secure_boot": "enabled",
                },
                "hardware": {
                    "name": "COMPTA-PC01", "uuid": "33221100-5544-7766-8899-aabbccddeeff",
                    "memory": 16384, "vmsystem": "Physical",
                },
                "cpus": [{
                    "name": "11th Gen Intel(R) Core(TM) i5", "manufacturer": "Intel",
                    "description": "8 logical processors",
                }],
                "storages": [{
                    "name": "nvme0n1", "serial": "S4", "interface": "NVME", "type": "disk",
                    "disksize": 512110,
                }],
                "networks": [{
                    "description": "eth0", "mac": "52:54:00:12:34:56", "type": "ethernet",
                    "status": "up", "virtualdev": false, "speed": "1000",
                    "ipaddress": "192.168.1.20",
                }],
                "users": [{"login": "jean", "domain": "DOMAINE"}],
            },
        });
        assert_eq!(told, want);
        host.name = "AUTRE".into();
        let renamed = document(&host, None).unwrap();
        assert_eq!(renamed["deviceid"], told["deviceid"]);
        assert_eq!(renamed.get("tag"), None);
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        assert_eq!(document(&host(None), None), None);
        let bare = document(&host(Some(Inventory::default())), None).unwrap();
        let content = bare["content"].as_object().unwrap();
        let names: Vec<&str> = content.keys().map(String::as_str).collect();
        assert_eq!(names, ["bios", "hardware", "versionclient"]);
        assert_eq!(content["bios"]["secure_boot"], "unsupported");
        assert_eq!(content["hardware"].get("memory"), None);
    }

    #[test]
    fn dates_of_firmware_are_read() {
        for (text, want) in [
            ("05/17/2024", Some("2024-05-17")),
            ("1/2/2019", Some("2019-01-02")),
            ("12/31/98", Some("1998-12-31")),
            ("06/30/07", Some("2007-06-30")),
            ("31/12/2024", None),
            ("2024-05-17", None),
            ("05/17/-2024", None),
            ("99999/1/2024", None),
            ("", None),
        ] {
            assert_eq!(bios_date(text).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn an_agent_keeps_its_id() {
        let host = host(None);
        let id = agent_id(&host);
        assert_eq!(
            id,
            agent_id(&Host {
                name: "AUTRE".into(),
                ..host.clone()
            })
        );
        let other = Host {
            id: HostId("another".into()),
            ..host
        };
        assert_ne!(id, agent_id(&other));
        let groups: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert!(id[14..].starts_with('8'), "{id}");
    }
}
