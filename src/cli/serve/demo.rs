//! `annograph serve --demo`: data of the demo, a real Label Studio export.

use std::{collections::BTreeMap, io::Cursor};

use anyhow::Context;

use crate::{
    app::App,
    domain::{
        import::{self, Misfits, Options, Target, Unmapped},
        project,
    },
};

const EXPORT: &[u8] = include_bytes!("../../../demo/export.json");
const CONFIG: &str = include_str!("../../../demo/config.xml");

/// Fills an empty database.
pub async fn fill(app: &App, admin_id: i64) -> anyhow::Result<()> {
    let options = Options {
        target: Target::New {
            project: project::New {
                title: "Street scenes".to_owned(),
                description: "Every kind of region, exported from Label Studio.".to_owned(),
                label_config: CONFIG.to_owned(),
                ..Default::default()
            },
            created_by_id: Some(admin_id),
        },
        user_map: BTreeMap::new(),
        // The export names people of another server, who become authors without sign-in.
        unmapped: Unmapped::Create,
        misfits: Misfits::Note,
    };
    import::run(app, Cursor::new(EXPORT), &options, |_| {})
        .await
        .context("can't fill the demo's database")?;
    Ok(())
}
