//! What a machine would get now and why, in words: `reprise boot explain`.

use super::gate;
use super::policy::{BootStep, Given};
use super::who::Who;
use crate::Mac;
use crate::host::Host;
use crate::serve::Boot;

/// The answer for one of a machine's network cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub mac: Mac,
    /// agent | silence | menu | the name of an entry
    pub gets: String,
    pub why: String,
    /// The rule that fits, counted from 1 in the order of the configuration.
    pub rule: Option<usize>,
}

/// For every card that the machine was seen with.
pub async fn explain(boot: &Boot, host: &Host) -> Result<Vec<Explanation>, crate::host::Error> {
    let mut explanations = Vec::new();
    for mac in &host.macs {
        let (step, found) = gate::look(boot, *mac).await?;
        let rule = found.rule.map(|rank| rank + 1);
        let other = found.host.as_ref() != Some(&host.id);
        let behind = match found.who {
            Who::Nobody => "nothing is known behind this card; ",
            Who::OneOfSeveral => {
                "several hosts use this card, and it gets no more than the agent until one says who it is; "
            }
            Who::Stranger => "the last to boot by this card was a machine never seen; ",
            Who::One(_) if other => "the last to boot by this card was another host; ",
            Who::One(_) => "",
        };
        explanations.push(Explanation {
            mac: *mac,
            gets: gets(boot, step),
            why: format!("{behind}{}", why(step, rule)),
            rule,
        });
    }
    Ok(explanations)
}

fn gets(boot: &Boot, step: BootStep) -> String {
    match step {
        BootStep::Agent => "agent".to_owned(),
        BootStep::Ignore(_) => "silence".to_owned(),
        BootStep::Give(Given::Menu | Given::MenuByRule) => crate::host::next::MENU.to_owned(),
        BootStep::Give(Given::Memtest) => crate::host::next::MEMTEST.to_owned(),
        BootStep::Give(Given::Rescue) => crate::host::next::RESCUE.to_owned(),
        BootStep::Give(Given::Entry(rank)) => boot
            .choices
            .entries
            .get(rank)
            .map_or_else(String::new, |entry| entry.name.clone()),
    }
}

fn why(step: BootStep, rule: Option<usize>) -> String {
    match (step, rule) {
        (BootStep::Ignore(why), _) => why.text().to_owned(),
        (BootStep::Agent, Some(rule)) => format!(
            "it is to report, a session waits for it, or its last boot request said no UUID; rule {rule} of the configuration fits it, and gives more to an approved host whose boot request says its UUID"
        ),
        (BootStep::Agent, None) => {
            "it is to report, a session waits for it, or its last boot request said no UUID"
                .to_owned()
        }
        (BootStep::Give(_), Some(rule)) => {
            format!("an operator asked for it, once, or rule {rule} of the configuration gives it")
        }
        (BootStep::Give(_), None) => "an operator asked for it, once".to_owned(),
    }
}
