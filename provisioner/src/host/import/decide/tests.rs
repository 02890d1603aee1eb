use super::*;
use crate::host::HostState;
use crate::host::details::Change;
use state::Timestamp;

const UUID_A: &str = "33221100-5544-7766-8899-aabbccddeeff";
const UUID_B: &str = "43221100-5544-7766-8899-aabbccddeeff";

fn mac(number: u8) -> Mac {
    Mac([2, 0, 0, 0, 0, number])
}

/// Seen, with one card of its number.
fn host(number: u8, name: &str, serial: &str, uuid: &str) -> Host {
    Host {
        id: HostId(format!("id{number}")),
        name: name.into(),
        state: HostState::Seen,
        macs: vec![mac(number)],
        serial: serial.into(),
        uuid: uuid.into(),
        product: String::new(),
        pairing_code: None,
        inventory: None,
        agent_version: None,
        first_seen: Timestamp(0),
        last_seen: Timestamp(0),
        reported: None,
        approved: None,
        approved_by: None,
        details: Details::default(),
        place: None,
    }
}

fn row(line: usize, name: &str, serial: &str, uuid: &str, macs: &[u8]) -> Listed {
    Listed {
        line,
        name: name.into(),
        macs: macs.iter().map(|number| mac(*number)).collect(),
        serial: serial.into(),
        uuid: uuid.into(),
        change: Change::default(),
    }
}

/// Each step in a word: `new`, `same`, or the host and the name it gets.
fn told(listed: &[Listed], hosts: &[Host]) -> Vec<String> {
    match decide(listed, hosts, &Registry::default(), &Grounds::default()) {
        Ok(steps) => steps
            .iter()
            .map(|step| match step {
                Step::Add(_) => "new".to_owned(),
                Step::Same => "same".to_owned(),
                Step::Change(changed) => format!("{} {}", changed.id, changed.name),
            })
            .collect(),
        Err(wrong) => wrong
            .iter()
            .map(|wrong| format!("line {}: {}", wrong.line, wrong.what))
            .collect(),
    }
}

#[test]
fn a_host_is_found_by_its_serial_number_then_its_name_then_a_card() {
    let hosts = || {
        let mut named = host(4, "CHOSEN", "", "");
        named.details.named = NamedBy::Person;
        vec![
            host(1, "PC-A", "SER-A", UUID_A),
            host(2, "PC-B", "SER-B", ""),
            host(3, "PC-C", "", ""),
            named,
        ]
    };
    for (what, row, want) in [
        (
            "serial number",
            row(2, "COMPTA-1", "ser-a", "", &[]),
            "id1 COMPTA-1",
        ),
        ("UUID", row(2, "COMPTA-1", "", UUID_A, &[]), "id1 COMPTA-1"),
        (
            "serial number before card",
            row(2, "COMPTA-1", "SER-B", "", &[1]),
            "id2 COMPTA-1",
        ),
        ("name", row(2, "pc-b", "", "", &[]), "id2 pc-b"),
        ("card", row(2, "COMPTA-1", "", "", &[3]), "id3 COMPTA-1"),
        (
            "card, of one that somebody named",
            row(2, "COMPTA-1", "", "", &[4]),
            "same",
        ),
        (
            "a dock's card",
            row(2, "COMPTA-1", "SER-Z", "", &[1]),
            "new",
        ),
        ("nothing", row(2, "COMPTA-1", "SER-Z", "", &[9]), "new"),
        (
            "another machine of that name",
            row(2, "PC-A", "SER-Z", "", &[]),
            "line 2: PC-A has the serial number \"SER-A\"",
        ),
        (
            "the name of another",
            row(2, "PC-B", "SER-A", "", &[]),
            "line 2: PC-B is the name of another host",
        ),
    ] {
        let found = told(&[row], &hosts());
        assert!(
            found.len() == 1 && found[0].starts_with(want),
            "{what}: {found:?}"
        );
    }
}

#[test]
fn a_batch_with_one_serial_number_is_told_apart() {
    let hosts = [
        host(1, "PC-A", "BATCH", UUID_A),
        host(2, "PC-B", "BATCH", UUID_B),
    ];
    assert_eq!(
        told(&[row(2, "X", "BATCH", UUID_B, &[])], &hosts),
        ["id2 X"]
    );
    let found = told(&[row(2, "X", "BATCH", "", &[])], &hosts);
    assert!(found[0].contains("add the column `uuid`"), "{found:?}");
    let found = told(&[row(2, "PC-B", "BATCH", "", &[])], &hosts);
    assert!(found[0].starts_with("id2 "), "{found:?}");
    // Two lines for one machine.
    let twice = [row(2, "X", "", UUID_A, &[]), row(3, "PC-A", "", "", &[])];
    let found = told(&twice, &hosts);
    assert!(
        found[0].starts_with("line 3: it is PC-A of the registry, as line 2 is"),
        "{found:?}"
    );
}

#[test]
fn what_a_machine_said_of_itself_stays_and_what_is_noted_changes() {
    let mut reported = host(1, "PC-A", "SER-A", "");
    reported.inventory = Some(Default::default());
    reported.details.user = "jean".into();
    let mut listed = row(2, "PC-A", "SER-A", UUID_A, &[1, 7]);
    listed.change.supplier = Some("LDLC".into());
    let steps = decide(
        &[listed.clone()],
        &[reported.clone()],
        &Registry::default(),
        &Grounds::default(),
    )
    .unwrap();
    let [Step::Change(changed)] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert_eq!(
        (changed.serial.as_str(), changed.uuid.as_str()),
        ("SER-A", "")
    );
    assert_eq!(changed.macs, [mac(7)]);
    let details = &changed.details;
    assert_eq!(
        (details.user.as_str(), details.supplier.as_str()),
        ("jean", "LDLC")
    );
    assert_eq!(details.named, NamedBy::Person);
    // After that the list brings nothing.
    let mut after = reported;
    after.macs.push(mac(7));
    after.details = details.clone();
    assert_eq!(told(&[listed.clone()], &[after]), ["same"]);
    // One that is only in a list gets what a later list says.
    let steps = decide(
        &[listed],
        &[host(1, "PC-A", "", "")],
        &Registry::default(),
        &Grounds::default(),
    )
    .unwrap();
    let [Step::Change(changed)] = &steps[..] else {
        panic!("{steps:?}");
    };
    assert_eq!(
        (changed.serial.as_str(), changed.uuid.as_str()),
        ("SER-A", UUID_A)
    );
}

#[test]
fn what_does_not_fit_the_host_is_named_by_its_line() {
    let mut known = host(1, "PC-A", "SER-A", "");
    known.details.bought = Some("2024-05-01".parse().unwrap());
    let mut early = row(2, "PC-A", "", "", &[]);
    early.change.warranty_end = Some("2023-01-01".into());
    let mut profile = row(3, "PC-B", "", "", &[]);
    profile.change.profile = Some("nowhere".into());
    let found = told(&[early, profile], &[known]);
    assert!(
        found[0].contains("line 2: ") && found[0].contains("before the purchase"),
        "{found:?}"
    );
    assert!(
        found[1].contains("line 3: ") && found[1].contains("nowhere"),
        "{found:?}"
    );
}

#[test]
fn addresses_are_whose_the_list_says_and_of_one_host_only() {
    let dhcp = config::Dhcp {
        subnets: vec![config::Subnet {
            network: [10, 0, 0, 0].into(),
            prefix: 24,
            ranges: Vec::new(),
            exclude: Vec::new(),
            lease: std::time::Duration::from_secs(3600),
            told: config::Told::default(),
            authoritative: true,
        }],
        ..config::Dhcp::default()
    };
    let grounds = Grounds::here(&dhcp);
    let has = |number: u8, name: &str, address: Option<[u8; 4]>| {
        let mut host = host(number, name, "", "");
        host.details.address = address.map(Into::into);
        host
    };
    let hosts = vec![
        has(1, "PC-A", Some([10, 0, 0, 7])),
        has(2, "PC-B", Some([10, 0, 0, 8])),
        has(3, "PC-C", Some([192, 168, 9, 9])),
        has(4, "PC-D", None),
    ];
    let rows = |rows: &[(&str, &str)]| -> Vec<Listed> {
        let rows = rows.iter().enumerate().map(|(rank, (name, address))| {
            let mut listed = row(rank + 2, name, "", "", &[]);
            listed.change.address = Some((*address).to_owned()).filter(|a| !a.is_empty());
            listed
        });
        rows.collect()
    };
    let wrong = |listed: &[Listed]| match decide(listed, &hosts, &Registry::default(), &grounds) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong
            .into_iter()
            .map(|w| format!("{}: {}", w.line, w.what))
            .collect(),
    };
    // Two change places; what was right once is not asked again.
    for fits in [
        &[("PC-A", "10.0.0.8"), ("PC-B", "10.0.0.7")][..],
        &[("PC-A", "10.0.0.9"), ("PC-D", "10.0.0.7")],
        &[("PC-C", "192.168.9.9"), ("NEW", "10.0.0.20")],
        &[("PC-A", ""), ("PC-B", "10.0.0.8")],
    ] {
        assert_eq!(wrong(&rows(fits)), Vec::<String>::new());
    }
    for (listed, line, says) in [
        (&[("PC-D", "10.0.0.7")][..], "2", "kept for PC-A"),
        (&[("PC-A", ""), ("PC-D", "10.0.0.7")], "3", "kept for PC-A"),
        (
            &[("NEW", "10.0.0.20"), ("NEW2", "10.0.0.20")],
            "3",
            "kept for NEW",
        ),
        (&[("PC-D", "10.0.1.7")], "2", "of no [[dhcp_subnet]]"),
        (&[("PC-D", "192.168.9.9")], "2", "of no [[dhcp_subnet]]"),
    ] {
        let found: Vec<String> = wrong(&rows(listed));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with(line) && found[0].contains(says),
            "{found:?}"
        );
    }
}
