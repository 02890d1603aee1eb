//! Disks that come and go, on real loop devices (needs root), and vaults that are not yesterday's.

use crate::bench::{Bench, at, files, make_vault, plan};
use continuity::schedule::Job;
use continuity::target::{self, Standing};
use continuity::{Disk, records};
use state::wire::{Fact, Outcome};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn tool(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {args:?}: {said}");
}

/// A mount point, and the disks that take turns there. Make it after the [`Bench`] it lies in.
struct Slot {
    point: PathBuf,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.point).output();
    }
}

impl Slot {
    fn new(bench: &Bench) -> Slot {
        let point = bench.join("usb");
        std::fs::create_dir_all(&point).unwrap();
        Slot { point }
    }

    /// A disk of this many MiB; with a vault in its folder `reprise`.
    fn disk(&self, bench: &Bench, name: &str, mib: u64) -> PathBuf {
        let image = bench.join(name);
        let file = std::fs::File::create(&image).unwrap();
        file.set_len(mib << 20).unwrap();
        tool("mkfs.ext4", &["-q", "-F", image.to_str().unwrap()]);
        self.plug(&image);
        std::fs::create_dir(self.point.join("reprise")).unwrap();
        make_vault(&self.point.join("reprise"));
        self.unplug();
        image
    }

    fn plug(&self, image: &Path) {
        let (image, point) = (image.to_str().unwrap(), self.point.to_str().unwrap());
        tool("mount", &["-o", "loop", image, point]);
    }

    fn unplug(&self) {
        tool("umount", &[self.point.to_str().unwrap()]);
        assert!(
            std::fs::read_dir(&self.point).unwrap().next().is_none(),
            "nothing was made where nothing is mounted"
        );
    }
}

/// The plan `compta` goes at 02:00 to the NAS and to a disk that is expected each week.
async fn bench() -> Bench {
    Bench::configured(|folder, config| {
        let usb = config.targets.get_mut(1).unwrap();
        usb.name = "usb".into();
        usb.place = config::Place::Folder {
            path: folder.join("usb/reprise"),
            must_be_mounted: true,
        };
        usb.removable = Some(config::Removable {
            expected_every: 7 * DAY,
        });
        let mut compta = at(plan("compta", &folder.join("share")), 2, 0);
        compta.targets = vec!["nas".into(), "usb".into()];
        config.plans = vec![compta];
    })
    .await
}

/// One look at the clock; what was started towards the disk, ended.
async fn beat(bench: &Bench) -> Vec<String> {
    let jobs = bench.continuity.tick().await.unwrap();
    bench.continuity.settle().await;
    let to_usb = jobs.into_iter().filter_map(|job| match job {
        Job::Run { plan, target } if target == "usb" => Some(plan),
        Job::SelfBackup { target } if target == "usb" => Some("appliance".to_owned()),
        _ => None,
    });
    to_usb.collect()
}

async fn usb(bench: &Bench) -> Standing {
    let all = target::standings(&bench.continuity).await.unwrap();
    all.into_iter().find(|s| s.name == "usb").unwrap()
}

async fn troubles(bench: &Bench) -> Vec<(String, String)> {
    let open = records::troubles(bench.db()).await.unwrap();
    open.into_iter().map(|t| (t.object, t.sentence)).collect()
}

async fn newest(bench: &Bench, target: &str) -> continuity::Run {
    let runs = records::runs(bench.db(), 100).await.unwrap();
    let mut ours = runs
        .into_iter()
        .filter(|r| r.plan == "compta" && r.target == target);
    ours.next().unwrap()
}

#[tokio::test]
async fn a_disk_is_saved_to_when_it_is_there_and_two_that_take_turns_are_told_apart() {
    let bench = bench().await;
    let slot = Slot::new(&bench);
    let (a, b) = (
        slot.disk(&bench, "a.img", 64),
        slot.disk(&bench, "b.img", 64),
    );
    let clock = &bench.continuity.clock;
    assert_eq!(beat(&bench).await, [""; 0]);
    clock.advance(DAY);
    // The NAS has its night; away is no incident, and nothing is tried.
    assert_eq!(beat(&bench).await, [""; 0]);
    assert_eq!(newest(&bench, "nas").await.outcome, Some(Outcome::Done));
    assert_eq!(troubles(&bench).await, []);
    assert_eq!(usb(&bench).await.removable.unwrap().1, Disk::Away);

    slot.plug(&a);
    assert_eq!(
        beat(&bench).await,
        ["appliance", "compta"],
        "plugged in: saved"
    );
    let on_a = newest(&bench, "usb").await;
    assert_eq!(on_a.outcome, Some(Outcome::Done), "{on_a:?}");
    assert_eq!(beat(&bench).await, [""; 0], "once");
    slot.unplug();
    clock.advance(DAY);
    assert_eq!(beat(&bench).await, [""; 0]);

    slot.plug(&b);
    assert_eq!(beat(&bench).await, ["appliance", "compta"]);
    let on_b = newest(&bench, "usb").await;
    assert_ne!(on_a.vault, on_b.vault);
    let seen = usb(&bench).await;
    assert_eq!(
        seen.removable.as_ref().unwrap().1,
        Disk::There(on_b.vault.clone().unwrap())
    );
    let dates: Vec<_> = seen.vaults.iter().map(|v| v.last_saved.unwrap()).collect();
    assert_eq!(seen.vaults.len(), 2);
    assert_eq!(
        dates[1].since(dates[0]),
        DAY,
        "each has its own last-saved date"
    );
    assert!(
        seen.vaults.iter().all(|v| v.last_proven.is_some()),
        "{seen:?}"
    );
    slot.unplug();

    // Back again: its own history, nobody misses in it what lies on the other.
    slot.plug(&a);
    assert_eq!(beat(&bench).await, ["appliance", "compta"]);
    assert_eq!(newest(&bench, "usb").await.vault, on_a.vault);
    assert_eq!(troubles(&bench).await, []);
    slot.unplug();
    let late = async || {
        let overview = bench.continuity.overview().await.unwrap();
        let lagging: Vec<_> = overview.services[0]
            .lagging()
            .map(|c| c.target.clone())
            .collect();
        lagging
    };
    for _ in 0..6 {
        clock.advance(DAY);
        beat(&bench).await;
    }
    assert_eq!(late().await, [""; 0], "six days of seven");
    for _ in 0..2 {
        clock.advance(DAY);
        beat(&bench).await;
    }
    assert_eq!(late().await, ["usb"], "the NAS is in time, the disk is not");
    let lack = files(&bench.join("usb"));
    assert!(
        lack.is_empty(),
        "never a vault on the empty mount point: {lack:?}"
    );
}

#[tokio::test]
async fn a_disk_pulled_out_in_mid_run_is_no_damage_and_is_saved_to_when_it_is_back() {
    let bench = bench().await;
    let slot = Slot::new(&bench);
    let image = slot.disk(&bench, "a.img", 512);
    slot.plug(&image);
    let clock = &bench.continuity.clock;
    beat(&bench).await;
    clock.advance(DAY);
    assert_eq!(beat(&bench).await, ["appliance", "compta"]);
    // Enough that a run is caught between two packs.
    let noise = (0..150u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    std::fs::write(bench.join("share/large"), noise.collect::<Vec<u8>>()).unwrap();
    let packs = bench.join("usb/reprise/packs");
    let before = files(&packs).len();
    clock.advance(DAY);
    bench.continuity.tick().await.unwrap();
    let begun = async {
        while files(&packs).len() < before + 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), begun)
        .await
        .unwrap();
    tool("umount", &["-l", slot.point.to_str().unwrap()]);
    bench.continuity.settle().await;
    let cut = newest(&bench, "usb").await;
    assert_eq!(cut.outcome, Some(Outcome::Interrupted), "{cut:?}");
    let detail = cut.detail.unwrap();
    assert!(
        detail.contains("target usb was taken out") && detail.contains("plug it in again"),
        "{detail}"
    );
    let open = troubles(&bench).await;
    assert!(
        open.iter().any(|(object, _)| object == "target usb"),
        "{open:?}"
    );
    assert!(
        files(&bench.join("usb")).is_empty(),
        "nothing on the mount point"
    );
    assert_eq!(beat(&bench).await, [""; 0], "away");

    slot.plug(&image);
    assert!(
        beat(&bench).await.contains(&"compta".to_owned()),
        "made up for"
    );
    let again = newest(&bench, "usb").await;
    assert_eq!(again.outcome, Some(Outcome::Done), "{again:?}");
    assert_eq!(troubles(&bench).await, []);
    let vault = bench.continuity.vaults.open("usb").await.unwrap();
    let report = continuity::blocking(move || vault.check(true, None, &vault::Watch::default()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(report.problems, [], "every byte on it is whole");
}

#[tokio::test]
async fn another_vault_than_yesterday_s_is_refused_until_somebody_says_it_is_meant() {
    let bench = Bench::new().await;
    assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
    let (there, first) = (bench.join("nas"), bench.join("first"));
    std::fs::rename(&there, &first).unwrap();
    std::fs::create_dir(&there).unwrap();
    let refused = async |says: &str| {
        let run = bench.run("compta").await;
        assert_eq!(run.outcome, Some(Outcome::Failed));
        let detail = run.detail.unwrap();
        for part in [
            says,
            "reprise target accept nas",
            "put the right disk or share back",
        ] {
            assert!(detail.contains(part), "{part:?} in {detail:?}");
        }
    };
    refused("holds no vault any more").await;
    assert!(files(&there).is_empty());
    make_vault(&there);
    let fresh = files(&there);
    refused("is not the one this appliance saved to").await;
    assert_eq!(files(&there), fresh, "nothing was written to it");
    let nas = target::standings(&bench.continuity)
        .await
        .unwrap()
        .remove(0);
    assert!(nas.refused, "{nas:?}");

    target::accept(&bench.continuity, "nas", "admin")
        .await
        .unwrap();
    assert_eq!(troubles(&bench).await, []);
    assert_eq!(bench.run("compta").await.outcome, Some(Outcome::Done));
    assert_eq!(
        troubles(&bench).await,
        [],
        "what the first held is not missed in this one"
    );
    let told = bench.facts().await;
    assert!(
        told.iter()
            .any(|f| matches!(f, Fact::VaultAccepted { by, .. } if by == "admin"))
    );
    // And now the first is the foreign one.
    std::fs::remove_dir_all(&there).unwrap();
    std::fs::rename(&first, &there).unwrap();
    refused("is not the one this appliance saved to").await;
}

#[tokio::test]
async fn a_vault_on_the_system_s_disk_leaves_room_for_the_system() {
    // More than any disk has: what is kept free is never there.
    let bench = Bench::configured(|folder, config| {
        config.appliance.keep_free_mb = 1_000_000_000;
        config.plans = vec![plan("compta", &folder.join("share"))];
    })
    .await;
    let run = bench.run("compta").await;
    assert_eq!(run.outcome, Some(Outcome::Failed));
    let detail = run.detail.unwrap();
    for part in ["keep_free_mb", "free some space", "nas"] {
        assert!(detail.contains(part), "{part:?} in {detail:?}");
    }
    assert_eq!(files(&bench.join("nas/packs")), [""; 0].map(PathBuf::from));
    assert_eq!(
        files(&bench.join("nas/snapshots")),
        [""; 0].map(PathBuf::from)
    );
}
