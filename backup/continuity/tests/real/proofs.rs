use crate::bench::{Bench, NOON, files, plan};
use config::Level;
use continuity::overview::{Reason, Verdict};
use continuity::{keys, records};
use state::wire::Fact;
use std::io::{Read, Seek, SeekFrom, Write};

#[tokio::test]
async fn a_proof_restores_everything_compares_it_and_keeps_evidence() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let proof = records::proofs(bench.db(), 1).await.unwrap().remove(0);
    assert_eq!(
        (proof.passed, proof.level, proof.files),
        (true, Level::Restored, 21)
    );
    let evidence = &proof.evidence;
    assert_eq!((evidence.files, evidence.bytes), (21, proof.bytes));
    assert_eq!(evidence.snapshot_finished_ms, NOON.0);
    assert_eq!(evidence.listing_blake3.len(), 64);
    assert_eq!(evidence.differences_total, 0);
    assert!(!evidence.empty);
    assert!(
        evidence.not_proven.iter().any(|k| k == "machine"),
        "{evidence:?}"
    );
    let biggest = evidence
        .sample
        .iter()
        .find(|f| f.path.ends_with("clients/19.txt"));
    let content = std::fs::read(bench.join("share/clients/19.txt")).unwrap();
    assert_eq!(
        biggest.unwrap().blake3,
        blake3::hash(&content).to_hex().to_string()
    );
    assert!(
        evidence.sample.iter().any(|f| f.size_bytes == 0),
        "an empty file is looked at"
    );
    assert!(bench.scratch_is_empty());
    // The same snapshot lists the same. Who asks twice is told of the one that goes on.
    let id = bench.continuity.start_proof("compta", "nas").await.unwrap();
    let same = bench.continuity.start_proof("compta", "nas").await.unwrap();
    assert_eq!(same, id);
    let again = bench.continuity.wait_proof(&id).await.unwrap();
    assert_eq!(again.evidence.listing_blake3, evidence.listing_blake3);
    assert_eq!(records::proofs(bench.db(), 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_damaged_pack_fails_the_proof_by_name_once_in_the_journal() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    for pack in files(&bench.join("nas/packs")) {
        flip_a_frame(&pack);
    }
    for _ in 0..2 {
        let id = bench.continuity.start_proof("compta", "nas").await.unwrap();
        let proof = bench.continuity.wait_proof(&id).await.unwrap();
        assert!(!proof.passed);
        let detail = proof.detail.unwrap();
        assert!(
            detail.contains("difference") || detail.contains("failed to"),
            "{detail}"
        );
        assert!(proof.evidence.differences_total > 0, "{detail}");
    }
    let troubles: Vec<String> = bench
        .facts()
        .await
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::Trouble { object, .. } => Some(object),
            _ => None,
        })
        .collect();
    assert_eq!(troubles, ["proof of plan compta on target nas"]);
    assert!(bench.scratch_is_empty());
    let overview = bench.continuity.overview().await.unwrap();
    assert_eq!(overview.services[0].verdict, Verdict::Failing);
}

fn flip_a_frame(path: &std::path::Path) {
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    // Behind the header of the object (34 bytes) and of its first frame (24): what files are made of.
    let middle = 34 + 24 + 20;
    let mut byte = [0u8];
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[byte[0] ^ 0x40]).unwrap();
}

#[tokio::test]
async fn listed_and_scrubbed_look_at_the_objects_and_say_what_they_leave_open() {
    for (level, reads) in [(Level::Listed, false), (Level::Scrubbed, true)] {
        let bench = Bench::with(|folder| {
            let mut plan = plan("compta", &folder.join("share"));
            plan.prove.level = level;
            vec![plan]
        })
        .await;
        bench.run("compta").await;
        let proof = records::proofs(bench.db(), 1).await.unwrap().remove(0);
        assert!(proof.passed, "{proof:?}");
        assert_eq!(proof.bytes > 0, reads, "{proof:?}");
        assert!(proof.evidence.not_proven.iter().any(|k| k == "restore"));
        let overview = bench.continuity.overview().await.unwrap();
        assert_eq!(
            overview.services[0].verdict,
            Verdict::Untested,
            "never restored for real"
        );
    }
}

#[tokio::test]
async fn a_plan_of_an_empty_folder_says_so() {
    let bench = Bench::with(|folder| vec![plan("compta", &folder.join("share/empty"))]).await;
    bench.run("compta").await;
    let proof = records::proofs(bench.db(), 1).await.unwrap().remove(0);
    assert!(proof.passed && proof.evidence.empty, "{proof:?}");
    assert!(proof.detail.unwrap().contains("holds no file"));
}

#[tokio::test]
async fn nothing_to_prove_is_no_proof() {
    let bench = Bench::new().await;
    let id = bench.continuity.start_proof("compta", "nas").await.unwrap();
    let proof = bench.continuity.wait_proof(&id).await.unwrap();
    assert!(!proof.passed && !proof.evidence.empty);
    let error = bench
        .continuity
        .start_proof("compta", "second")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("nas"), "{error}");
}

#[tokio::test]
async fn a_key_counts_when_it_opens_the_vault() {
    let bench = Bench::new().await;
    bench.run("compta").await;
    let lacks = |reasons: &[Reason]| {
        reasons
            .iter()
            .any(|r| matches!(r, Reason::KeyNotTypedBack { .. }))
    };
    let service = bench
        .continuity
        .overview()
        .await
        .unwrap()
        .services
        .remove(0);
    assert_eq!(service.verdict, Verdict::Proven);
    assert!(lacks(&service.reasons));
    let sheet = keys::paper(&bench.continuity, "nas", "admin")
        .await
        .unwrap();
    let other = keys::paper(&bench.continuity, "second", "admin")
        .await
        .unwrap();
    let typed = |words: Vec<&'static str>| words.join("\n");
    // The password is not the paper; words of another vault, or with one misread, are not these.
    for (wrong, says) in [
        (crate::bench::PASSWORD.to_owned(), "4 words instead of 24"),
        (typed(other.words()), "nas"),
        (
            typed(sheet.words()).replacen(sheet.words()[6], "facture", 1),
            "word",
        ),
    ] {
        let refused = keys::confirm(&bench.continuity, "nas", &wrong, "admin").await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    }
    assert!(
        records::keys_confirmed(bench.db())
            .await
            .unwrap()
            .is_empty()
    );
    keys::confirm(&bench.continuity, "nas", &typed(sheet.words()), "admin")
        .await
        .unwrap();
    let confirmed = records::keys_confirmed(bench.db()).await.unwrap();
    assert_eq!((confirmed[0].by.as_str(), confirmed[0].at), ("admin", NOON));
    let service = bench
        .continuity
        .overview()
        .await
        .unwrap()
        .services
        .remove(0);
    assert!(!lacks(&service.reasons));
    assert!(
        service
            .reasons
            .iter()
            .any(|r| matches!(r, Reason::DiesWithBox { .. }))
    );
    assert_eq!(
        service.verdict,
        Verdict::Proven,
        "the copy still dies with the box"
    );
}
