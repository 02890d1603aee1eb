//! The registry as a table that `import` reads again (`list`), and as those that NetBox imports (`netbox`). Pure.

mod netbox;

pub use netbox::{LeftOut, NetBox, Table, netbox};

use super::Host;
use super::csv::{Style, write};
use config::Registry;

/// `product`, and all from `state` on, are for people: `import` passes over them.
const TITLES: [&str; 18] = [
    "name",
    "mac",
    "serial",
    "uuid",
    "product",
    "profile",
    "user",
    "asset_tag",
    "supplier",
    "bought",
    "warranty_end",
    "address",
    "state",
    "site",
    "network",
    "port",
    "first_seen",
    "last_seen",
];

pub fn list(hosts: &[Host], registry: &Registry, style: Style) -> String {
    let rows: Vec<Vec<String>> = hosts
        .iter()
        .map(|host| {
            let details = &host.details;
            let place = host.place.as_ref();
            let day = |date: &Option<jiff::civil::Date>| date.map(|d| d.to_string());
            vec![
                host.name.clone(),
                macs(host).join(" "),
                host.serial.clone(),
                host.uuid.clone(),
                host.product.clone(),
                details.profile.clone(),
                details.user.clone(),
                details.asset_tag.clone(),
                details.supplier.clone(),
                day(&details.bought).unwrap_or_default(),
                day(&details.warranty_end).unwrap_or_default(),
                details.address.map(|a| a.to_string()).unwrap_or_default(),
                host.state.as_str().to_owned(),
                site(host, registry).unwrap_or_default(),
                place
                    .and_then(|p| p.network.map(|ip| ip.to_string()))
                    .unwrap_or_default(),
                place.map(|p| p.port.clone()).unwrap_or_default(),
                moment(host.first_seen),
                moment(host.last_seen),
            ]
        })
        .collect();
    write(style, &TITLES, &rows)
}

fn macs(host: &Host) -> Vec<String> {
    host.macs.iter().map(ToString::to_string).collect()
}

fn site(host: &Host, registry: &Registry) -> Option<String> {
    let network = host.place.as_ref()?.network?;
    registry.site_of(network).map(|(site, _)| site.name.clone())
}

/// RFC 3339, in UTC.
fn moment(at: state::Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::import;
    use crate::host::place::Place;
    use crate::host::{HostId, HostState};
    use state::Timestamp;

    #[test]
    fn a_list_is_read_again_as_it_was() {
        let mut host = Host {
            id: HostId("id".into()),
            name: "COMPTA-PC01".into(),
            state: HostState::Approved,
            macs: vec![
                crate::Mac([2, 0, 0, 0, 0, 1]),
                crate::Mac([2, 0, 0, 0, 0, 2]),
            ],
            serial: "PF-12345".into(),
            uuid: "33221100-5544-7766-8899-aabbccddeeff".into(),
            product: "=cmd()".into(),
            pairing_code: None,
            inventory: None,
            agent_version: None,
            first_seen: Timestamp(0),
            last_seen: Timestamp(1_800_000_000_000),
            reported: None,
            approved: None,
            approved_by: None,
            details: Default::default(),
            place: Some(Place {
                network: Some([10, 1, 0, 9].into()),
                port: "Gi1/0/12".into(),
            }),
        };
        host.details.user = "-jean; \"le bon\"".into();
        host.details.supplier = "LDLC, Lyon".into();
        host.details.asset_tag = "@7".into();
        host.details.address = Some([10, 1, 0, 20].into());
        host.details.bought = Some("2024-05-17".parse().unwrap());
        for style in [Style::PLAIN, Style::EXCEL] {
            let text = list(std::slice::from_ref(&host), &Registry::default(), style);
            let read = import::parse(&text).unwrap();
            let [row] = &read[..] else {
                panic!("{read:?}");
            };
            assert_eq!(row.macs, host.macs);
            assert_eq!(
                (&row.name, &row.serial, &row.uuid),
                (&host.name, &host.serial, &host.uuid)
            );
            let details = row.change.apply(&Default::default()).unwrap();
            assert_eq!(details, host.details);
            assert!(
                text.contains("'=cmd()") && text.contains("2027-01-15T08:00:00Z"),
                "{text}"
            );
        }
    }
}
