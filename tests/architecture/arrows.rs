//! Who may import whom: src → web → continuity → provisioner → images → vault; continuity → remote → vault; continuity → databases.

use crate::none;
use crate::tree::{list, metadata, text};

/// Each package of the house, and what it may import of the house.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "reprise",
        &[
            "web",
            "continuity",
            "provisioner",
            "images",
            "remote",
            "databases",
            "vault",
            "state",
            "config",
        ],
    ),
    (
        "web",
        &[
            "continuity",
            "provisioner",
            "images",
            // In tests only: what its errors say must have its French.
            "databases",
            "vault",
            "state",
            "config",
        ],
    ),
    (
        "continuity",
        &[
            "provisioner",
            "images",
            "remote",
            "databases",
            "vault",
            "state",
            "config",
        ],
    ),
    ("remote", &["vault", "config"]),
    ("databases", &["config"]),
    ("provisioner", &["images", "vault", "state", "config"]),
    ("images", &["vault"]),
    ("vault", &[]),
    ("state", &[]),
    ("config", &[]),
];

/// Libraries that are a wall: who may depend on them at all.
const WALLS: &[(&str, &[&str])] = &[
    (
        "tokio",
        &[
            "reprise",
            "web",
            "continuity",
            "provisioner",
            "remote",
            "state",
        ],
    ),
    (
        "tokio-util",
        &["reprise", "web", "continuity", "provisioner", "state"],
    ),
    (
        "sqlx",
        &["reprise", "web", "continuity", "provisioner", "state"],
    ),
    ("axum", &["reprise", "web", "provisioner"]),
    ("dhcproto", &["reprise", "provisioner"]),
    ("russh", &["remote"]),
];

struct Package {
    name: String,
    /// Everything its manifest names, for tests too.
    imports: Vec<String>,
}

fn packages() -> Vec<Package> {
    let metadata = metadata();
    let members: Vec<&str> = list(&metadata, "workspace_members")
        .iter()
        .filter_map(|m| m.as_str())
        .collect();
    list(&metadata, "packages")
        .iter()
        .filter(|p| members.contains(&text(p, "id")))
        .map(|p| Package {
            name: text(p, "name").to_owned(),
            imports: list(p, "dependencies")
                .iter()
                .map(|d| text(d, "name").to_owned())
                .collect(),
        })
        .collect()
}

fn wrong_arrows(packages: &[Package]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!(
                "package {} has no line in ARROWS: say why it is a package, and what it may import",
                package.name
            ));
            continue;
        };
        for import in &package.imports {
            let ours = ARROWS.iter().any(|(name, _)| name == import);
            if ours && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{} must not import {import}", package.name));
            }
        }
        for (library, users) in WALLS {
            if package.imports.iter().any(|i| i == library)
                && !users.contains(&package.name.as_str())
            {
                wrong.push(format!("{} must not depend on {library}", package.name));
            }
        }
    }
    wrong
}

#[test]
fn imports_point_down_only() {
    let packages = packages();
    assert_eq!(packages.len(), ARROWS.len(), "cargo metadata told less");
    none(&wrong_arrows(&packages));
}

#[test]
fn an_import_upward_is_seen() {
    let fake = |name: &str, imports: &[&str]| Package {
        name: name.to_owned(),
        imports: imports.iter().map(|i| (*i).to_owned()).collect(),
    };
    for (package, seen) in [
        (fake("images", &["vault", "blake3"]), 0),
        (fake("images", &["provisioner"]), 1),
        (fake("images", &["state", "config"]), 2),
        (fake("vault", &["tokio"]), 1),
        (fake("config", &["state"]), 1),
        (fake("continuity", &["axum", "web"]), 2),
        (fake("newcomer", &[]), 1),
    ] {
        let name = package.name.clone();
        let wrong = wrong_arrows(&[package]);
        assert_eq!(wrong.len(), seen, "{name}: {wrong:?}");
    }
}
