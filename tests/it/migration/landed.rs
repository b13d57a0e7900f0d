//! Migrations that have landed stay as they are, byte for byte.
//!
//! A database records the names of the migrations that it has been through, and never runs one again. A change of a
//! migration reaches new databases alone, and the old ones can't be brought up to date any more.

use std::{collections::BTreeMap, path::Path};

use sha2::{Digest, Sha256};

/// The files of all migrations, each behind its SHA-256: what `sha256sum m*.rs` prints. A new migration adds its line;
/// no line is ever changed.
const LANDED: &str = "
921a814c3dc92b396c3bd6fa885298b444c4eb250c8d2d987ab18b0e4bb54068  m20261123_000001_create_user.rs
7b6943fc036cb177bbf5f02e250cf62d840bae87cd5a567e9422e42135b89971  m20261123_000002_create_project.rs
9105ab96db006b311e58ee68759c1afa114715a54e51348990f25cbd7789b746  m20261123_000003_create_task.rs
c7ca4f1225f2d2f26c4e58e6e298502da423b18b1e278e2538a21d9f79223862  m20261123_000004_create_prediction.rs
7d43720aedae8249307d13d2bc6a2e9f091bbd3ede7d7c4081196008217c8224  m20261123_000005_create_annotation.rs
4d27abfa48a7c5c76bbe73efa3fa18cc5345018e621b3bc099fcaa7e84b4becb  m20261123_000006_create_annotation_revision.rs
59e6722c328c760bc0540543c507aa5d7039338b6958e60cc3b324150d7d15ee  m20261123_000007_create_annotation_draft.rs
95685393688021c28af17e991e6088d4411cb80fa367a942371b88cd8111ba93  m20261123_000008_create_event.rs
a21f2190af15c92bd82b0d24c988a8bc9046f0ac65a76b60c6770f68444955c8  m20261123_000009_check_results.rs
7f48beed3d888c3bd6d0d09074536bfd6775f58068c8f715ca8271f613c2a2d6  m20261123_000010_create_annotation_tombstone.rs
22f4c94c7d6c32d1637160fe752619b91261d31b66e8af6f19528e00d2b09891  m20261124_000011_save_drafts.rs
a0ff4e53eddbed6edd2102aa6562fd31f8784a0e73349de33759ca71cde4d166  m20261124_000012_create_annotation_review.rs
77e4e86e14d12a282358b2a8a19c45a7076920211de5aba4f15ddf5305d476e0  m20261124_000013_create_idempotency_key.rs
6c2532a5d8fce80a134b353912daa3dba37c0208d2b2a6bce37466e726748bfc  m20261124_000014_create_annotation_term.rs
eb587ba30714d7c6406d654a7787f76b8b0f4ce93df142210a9201659895471b  m20261124_000015_find_deleted_events.rs
08596ce7081957429e3ad189b103589f457291df1edbf82b838221cc3d0dcc9b  m20261127_000015_identify_memberships.rs
131b7481c6f3de254136d3eb27587515268fcc2151092293893acebafda3d623  m20261127_000016_guard_rows.rs
0511208746fcbb74ba2488a1b2c3b8ed70f17d8f22cfcf4f33b98c7b8f095ec2  m20261127_000030_record_access_losses.rs
94b36c70c6d0ddddb528b677e76d20f1239797a4b8406821285f524a3aebc47c  m20261127_000031_seal_event_cursors.rs
af1b7eaefcee78c43d354d410e19188b95b75f7b74f864d621bf8309d93bbf89  m20261127_000035_index_by_config.rs
2c3cb6b87e4665fb0266b239fbf74427121484dc6887c8ade887f8483bb4060b  m20261127_000040_fold_names.rs
aa00f7552dff1dace32f677e1bc3e63a4ce77f9bf94a14c452e26a73686a19a4  m20261127_000041_find_tasks_by_import_id.rs
57baa60506dbe05d19db227a2c9b4addea4c3536bb016b9c2b672568677d6900  m20261127_000042_create_annotation_answer.rs
5b459ab03bf640626321a2e8373539e7292e24b02c3cb6e5cad69619a3450f57  m20261127_000050_merge_access_losses.rs
01ebdf422130afc342b7fef620a288ee32e4da6102bd0de5a05e34beddc8d211  m20261128_000060_drop_indexes_of_updates.rs
19d4b7f551fa8ede2616d1376e65352e8a0d9d6a5b4aaefff881dd5a0852531d  m20261128_000061_version_identities.rs
";

#[test]
fn landed_migrations_are_never_edited() {
    let landed: BTreeMap<&str, &str> = LANDED
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, name)| (name, hash))
        .collect();
    let mut wrong = Vec::new();
    let files = files();
    for (name, hash) in &files {
        match landed.get(&**name) {
            Some(kept) if kept == hash => {}
            Some(_) => wrong.push(format!(
                "{name} was edited: take the edit back, and make a new migration of it"
            )),
            None => wrong.push(format!(
                "{name} is new: add this line to LANDED:\n{hash}  {name}"
            )),
        }
    }
    for name in landed.keys().filter(|name| !files.contains_key(**name)) {
        wrong.push(format!("{name} has landed and is gone: bring it back"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The hash of each migration's file.
fn files() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src");
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            name.starts_with("m2").then(|| {
                let hash = Sha256::digest(std::fs::read(&path).unwrap());
                (name.to_owned(), format!("{hash:x}"))
            })
        })
        .collect()
}
