use super::super::records::{insert, waits};
use super::*;
use state::Db;

fn registry(text: &str) -> Registry {
    let written = format!("{}\n{text}", config::example());
    let config = config::parse(&written, std::path::Path::new("/etc/reprise/reprise.toml"));
    config.unwrap_or_else(|wrong| panic!("{wrong}")).registry
}

const COMPTA: &str = "[[profile]]\nname = \"compta\"\nnaming = \"COMPTA-PC{n:02}\"\n\
     [[profile]]\nname = \"bare\"\n\
     [[profile]]\nname = \"port\"\nnaming = \"{site}-{port}\"\n\
     [[site]]\nname = \"agen\"\nsubnets = [\"10.0.0.0/8\"]\n";

fn host(number: u8, name: &str, state: HostState) -> Host {
    Host {
        id: HostId(format!("id{number}")),
        name: name.into(),
        state,
        macs: vec![Mac([2, 0, 0, 0, 0, number])],
        serial: format!("SERIAL{number:04}"),
        uuid: String::new(),
        product: String::new(),
        pairing_code: (state != HostState::Seen).then(|| format!("CODE-{number:04}")),
        inventory: None,
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

fn names(hosts: &[Host]) -> HashMap<String, HostId> {
    let of = |host: &Host| (host.name.to_lowercase(), host.id.clone());
    hosts.iter().map(of).collect()
}

fn decided(registry: &Registry, all: &[Host], profile: &str, purpose: Purpose) -> Vec<String> {
    let asks: Vec<(Host, Option<String>)> = all.iter().map(|h| (h.clone(), None)).collect();
    let profile = Some(profile).filter(|profile| !profile.is_empty());
    decide(registry, &asks, profile, names(all), purpose)
        .into_iter()
        .map(|given| match given {
            Ok(given) => given.name,
            Err(error) => format!("failed to {error}"),
        })
        .collect()
}

#[test]
fn a_batch_gets_names_in_its_order_and_a_chosen_name_stays() {
    use HostState::*;
    let registry = registry(COMPTA);
    let mut chosen = host(3, "COMPTABLE", Waiting);
    chosen.details.named = NamedBy::Person;
    let mut imported = host(6, "PC-AL0006", Waiting);
    imported.details.named = NamedBy::Person;
    let all = [
        host(1, "PC-AL0001", Waiting),
        host(2, "PC-AL0002", Waiting),
        chosen,
        // Renamed before this was written down.
        host(4, "compta-pc02", Waiting),
        host(5, "PC-AL0005", Approved),
        imported,
        host(7, "PC-000007", Waiting),
        host(8, "PC-AL0008-2", Waiting),
        host(9, "PC-AL0009", Seen),
    ];
    let got = decided(&registry, &all, "compta", Purpose::Approval);
    let refused = got.last().unwrap();
    assert!(refused.contains("PC-AL0009") && refused.contains("not reported"));
    assert_eq!(
        got[..8],
        [
            "COMPTA-PC01",
            "COMPTA-PC03",
            "COMPTABLE",
            "compta-pc02",
            "PC-AL0005",
            "PC-AL0006",
            "COMPTA-PC04",
            "COMPTA-PC05",
        ]
    );
    let same: Vec<&str> = all.iter().map(|h| h.name.as_str()).take(8).collect();
    assert_eq!(
        decided(&registry, &all[..8], "bare", Purpose::Approval),
        same
    );
    assert_eq!(decided(&registry, &all[..8], "", Purpose::Approval), same);
    // Who asks for the rule's name gets it, whoever named it before.
    let asked = decided(&registry, &all[2..3], "compta", Purpose::Naming);
    assert_eq!(asked, ["COMPTA-PC01"]);
    let none = decided(&registry, &all[2..3], "bare", Purpose::Naming);
    assert!(none[0].contains("there is no rule"), "{none:?}");
    // The profile that somebody noted counts, where none is chosen now.
    let mut noted = host(10, "PC-AL0010", Waiting);
    noted.details.profile = "compta".into();
    assert_eq!(
        decided(&registry, &[noted], "", Purpose::Approval),
        ["COMPTA-PC01"]
    );
}

#[test]
fn a_name_may_say_where_the_host_stands() {
    let registry = registry(COMPTA);
    let mut there = host(1, "PC-AL0001", HostState::Waiting);
    let nowhere = there.clone();
    there.place = Some(super::super::place::Place {
        network: Some([10, 1, 2, 3].into()),
        port: "Gi1/0/12".into(),
    });
    assert_eq!(
        decided(&registry, &[there], "port", Purpose::Approval),
        ["agen-Gi1-0-12"]
    );
    let why = decided(&registry, &[nowhere], "port", Purpose::Approval);
    assert!(why[0].contains("[[site]]"), "{why:?}");
}

#[test]
fn a_code_that_changed_stops_all_of_them() {
    let registry = registry(COMPTA);
    let hosts = [
        (
            host(1, "PC-AL0001", HostState::Waiting),
            Some("CODE-0001".to_owned()),
        ),
        (
            host(2, "PC-AL0002", HostState::Waiting),
            Some("CODE-9999".to_owned()),
        ),
    ];
    let decided = decide(&registry, &hosts, None, HashMap::new(), Purpose::Approval);
    let why = all(decided).unwrap_err().to_string();
    assert!(
        why.contains("PC-AL0002") && why.contains("CODE-0002"),
        "{why}"
    );
    assert!(why.contains("nothing was changed"), "{why}");
}

struct Fresh {
    db: Db,
    folder: std::path::PathBuf,
}

impl Fresh {
    async fn new() -> Fresh {
        let folder = std::env::temp_dir().join(format!("reprise-approval-{}", state::id::new()));
        std::fs::create_dir_all(&folder).unwrap();
        let db = Db::open_file(&folder.join("state.db")).await.unwrap();
        crate::migrate(&db).await.unwrap();
        Fresh { db, folder }
    }

    /// A machine whose agent reported.
    async fn waiting(&self, number: u8) -> HostId {
        let write = self.db.write(move |conn| {
            Box::pin(async move {
                let mac = Mac([2, 0, 0, 0, 1, number]);
                let id = insert(conn, mac, None, Timestamp(i64::from(number))).await?;
                waits(conn, &id, "CODE").await?;
                Ok(id)
            })
        });
        write.await.unwrap()
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn approvals_at_the_same_instant_never_give_one_name_twice() {
    let fresh = Fresh::new().await;
    let registry = registry(COMPTA);
    let mut approvals = tokio::task::JoinSet::new();
    for number in 0..24u8 {
        let id = fresh.waiting(number).await;
        let (db, registry) = (fresh.db.clone(), registry.clone());
        approvals.spawn(async move {
            let ask = Ask {
                host: id,
                code: Some("CODE".into()),
            };
            let now = Timestamp(1000);
            let given = approve_all(&db, &registry, vec![ask], Some("Compta"), "admin", now).await;
            given.unwrap().remove(0).name
        });
    }
    let mut given = approvals.join_all().await;
    given.sort();
    let want: Vec<String> = (1..=24).map(|n| format!("COMPTA-PC{n:02}")).collect();
    assert_eq!(given, want);
    let hosts = super::super::list(&fresh.db).await.unwrap();
    assert!(
        hosts
            .iter()
            .all(|h| h.details.named == NamedBy::Rule && h.details.profile == "compta")
    );
    // The one that goes leaves a gap, which the next one fills.
    let gone = hosts.iter().find(|h| h.name == "COMPTA-PC07").unwrap();
    super::super::forget(&fresh.db, &gone.id, "admin", Timestamp(2000))
        .await
        .unwrap();
    let id = fresh.waiting(99).await;
    let ask = vec![Ask {
        host: id.clone(),
        code: None,
    }];
    let (db, now) = (&fresh.db, Timestamp(3000));
    let seen = preview(db, &registry, &ask, Some("compta"), Purpose::Approval)
        .await
        .unwrap();
    assert_eq!(seen[0].as_ref().unwrap().name, "COMPTA-PC07");
    assert_eq!(
        super::super::get(db, &id).await.unwrap().state,
        HostState::Waiting
    );
    let none = approve_all(db, &registry, ask.clone(), Some("x"), "admin", now).await;
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("there is compta, bare")
    );
    let given = approve_all(db, &registry, ask, Some("compta"), "admin", now)
        .await
        .unwrap();
    assert_eq!(given[0].name, "COMPTA-PC07");
    // What it is called now is a person's word; the rule leaves it alone until it is asked.
    super::super::rename(db, &id, "ACCUEIL", "admin", now)
        .await
        .unwrap();
    let again = vec![Ask {
        host: id.clone(),
        code: None,
    }];
    let kept = approve_all(db, &registry, again, None, "admin", now)
        .await
        .unwrap();
    assert_eq!(kept[0].name, "ACCUEIL");
    let named = name_by_rule(db, &registry, &id, None, "admin", now)
        .await
        .unwrap();
    assert_eq!(
        (named.before.as_str(), named.name.as_str()),
        ("ACCUEIL", "COMPTA-PC07")
    );
    let taken = super::super::rename(db, &id, "compta-pc01", "admin", now).await;
    assert!(taken.unwrap_err().to_string().contains("another one"));
}

#[tokio::test]
async fn one_that_cannot_be_approved_leaves_the_others_waiting() {
    let fresh = Fresh::new().await;
    let registry = registry(COMPTA);
    let (one, other) = (fresh.waiting(1).await, fresh.waiting(2).await);
    let ask = |host: &HostId, code: &str| Ask {
        host: host.clone(),
        code: Some(code.into()),
    };
    let asks = vec![ask(&one, "CODE"), ask(&other, "OTHER")];
    let now = Timestamp(1000);
    let refused = approve_all(&fresh.db, &registry, asks, Some("compta"), "admin", now).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("nothing was changed")
    );
    for host in super::super::list(&fresh.db).await.unwrap() {
        assert_eq!(host.state, HostState::Waiting);
        assert!(host.name.starts_with("PC-"), "{}", host.name);
    }
}
