//! The lines of a plan that would save a thing. Pure.

use super::What;
use std::fmt::Write;

/// TOML to add to the configuration; `None` where no plan of this version can: a machine whose files lie on itself.
pub fn lines(what: &What, targets: &[String]) -> Option<String> {
    let mut text = String::from("[[plan]]\n");
    let named = |name: &str| format!("name = {}\n", quoted(&plan_name(name)));
    match what {
        What::Folder(folder) => {
            let path = folder.to_str()?;
            text.push_str(&named(path));
            writeln!(text, "files = [{}]", quoted(path)).ok()?;
        }
        What::Application { recipe, folder } => {
            text.push_str(&named(recipe));
            writeln!(text, "recipe = {}", quoted(recipe)).ok()?;
            writeln!(text, "folder = {}", quoted(folder.to_str()?)).ok()?;
        }
        What::Database {
            engine,
            name: Some(name),
        } if name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') =>
        {
            let url = format!("{}://reprise@localhost/{name}", engine.scheme());
            let file = format!("/etc/reprise/{name}-password");
            text.push_str(&named(name));
            writeln!(text, "database = {}", quoted(&url)).ok()?;
            writeln!(text, "database_password_file = {}", quoted(&file)).ok()?;
        }
        What::Database { .. } | What::Host { .. } => return None,
    }
    let targets: Vec<String> = targets.iter().map(|target| quoted(target)).collect();
    text.push_str("at = \"02:00\"\n");
    writeln!(text, "targets = [{}]", targets.join(", ")).ok()?;
    Some(text)
}

/// A name that commands take: what people call the thing, without what a name may not have.
fn plan_name(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars().map(|c| c.to_ascii_lowercase()) {
        match character {
            'a'..='z' | '0'..='9' => name.push(character),
            _ if !name.is_empty() && !name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name: String = name.trim_matches('-').chars().take(32).collect();
    match name.trim_end_matches('-') {
        "" | "appliance" => "plan-1".to_owned(),
        name => name.to_owned(),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => {
                // Writing to a String does not fail.
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::Engine;
    use super::*;
    use std::path::{Path, PathBuf};

    #[test]
    fn applications_and_databases_have_plans_of_their_own() {
        let before = "[appliance]\nname = \"agen\"\n[[target]]\nname = \"nas\"\nurl = \"/mnt/nas\"\npassword_file = \"p\"\n";
        let database = |name: Option<&str>| What::Database {
            engine: Engine::MariaDb,
            name: name.map(str::to_owned),
        };
        let erp = What::Application {
            recipe: "dolibarr",
            folder: "/var/www/erp".into(),
        };
        for (what, saves) in [
            (erp, "/var/www/erp (dolibarr)"),
            (database(Some("paie")), "mariadb://reprise@localhost/paie"),
        ] {
            let text = lines(&what, &["nas".to_owned()]).unwrap();
            let text = format!("{before}{text}");
            let config = config::parse(&text, Path::new("/etc/reprise/reprise.toml"))
                .unwrap_or_else(|wrong| panic!("{text}\n{wrong:?}"));
            let plan = &config.plans[0];
            let folder = plan
                .recipe
                .as_ref()
                .map(|r| format!("{} ({})", r.folder.display(), r.name));
            let database = plan.database.as_ref().map(ToString::to_string);
            let found = folder.or(database).unwrap();
            assert!(found.starts_with(saves), "{found}");
        }
        assert_eq!(lines(&database(None), &[]), None);
        assert_eq!(lines(&database(Some("a\"b")), &[]), None);
    }

    #[test]
    fn what_is_proposed_is_a_plan_that_the_configuration_takes() {
        let before = "[appliance]\nname = \"agen\"\n[[target]]\nname = \"nas\"\nurl = \"/mnt/nas\"\npassword_file = \"p\"\n";
        for (folder, name) in [
            ("/srv/partage/compta", "srv-partage-compta"),
            ("/home/Zoé \"la\" reine\\\n", "home-zo-la-reine"),
            ("/é", "plan-1"),
        ] {
            let what = What::Folder(PathBuf::from(folder));
            let text = lines(&what, &["nas".to_owned()]).unwrap();
            let text = format!("{before}{text}");
            let config = config::parse(&text, Path::new("/etc/reprise/reprise.toml"))
                .unwrap_or_else(|wrong| panic!("{text}\n{wrong:?}"));
            let plan = &config.plans[0];
            assert_eq!(
                (plan.name.as_str(), &plan.files),
                (name, &vec![PathBuf::from(folder)])
            );
        }
    }
}
