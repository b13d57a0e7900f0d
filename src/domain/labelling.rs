//! The labelling config of a project, as it is understood.

use std::sync::Arc;

use entity::project;

use crate::{app::App, labelstudio::config::Config};

/// What the labelling config of a project says. It has no controls when the project has no config yet, or one
/// that can't be read, which only data of an older version can have.
pub fn config(app: &App, project: &project::Model) -> Arc<Config> {
    let text = &project.label_config;
    if text.is_empty() {
        return Arc::default();
    }
    app.configs.get(project.id, text, |faults| {
        let first = faults.first();
        tracing::warn!(
            project = project.id,
            line = first.map(|fault| fault.location.line),
            fault = first.map(|fault| &*fault.message),
            "a stored labelling config can't be read and counts as none"
        );
        Config::default()
    })
}
