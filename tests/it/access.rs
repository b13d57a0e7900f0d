//! Permissions: each operation by each role.

mod drafts;
mod identities;
mod moves;
mod reads;
mod reviews;
mod tokens;
mod users;
mod writes;

use entity::project_member::Role;
use serde_json::json;

use crate::{
    graphql::prediction,
    support::{Client, TestApp},
};

/// Two projects and their people, and a third that only the admin sees.
struct World {
    /// In no project.
    sue: Client,
    /// Members of `cars`, one of each role.
    vic: Client,
    ann: Client,
    rita: Client,
    max: Client,
    /// Another annotator of `cars`.
    otto: Client,
    cars: String,
    car: String,
    other_car: String,
    /// Rita manages this one, Max is a reviewer in it.
    ferry: String,
    boats: String,
    boat: String,
    boat_prediction: String,
}

impl World {
    async fn new(app: &TestApp) -> Self {
        let (cars, car) = app.project_with_task().await;
        let (ferries, ferry) = app.project_with_task().await;
        let (boats, boat) = app.project_with_task().await;
        let rita = app.member(&cars, "rita", Role::Reviewer).await;
        let max = app.member(&cars, "max", Role::Manager).await;
        for (who, role) in [(&rita, "MANAGER"), (&max, "REVIEWER")] {
            app.admin
                .run_with(
                    "mutation($project: ID!, $user: ID!, $role: ProjectRole!) {
                       addProjectMember(projectId: $project, userId: $user, role: $role) { role }
                     }",
                    json!({ "project": ferries, "user": who.user_id, "role": role }),
                )
                .await
                .ok();
        }
        Self {
            sue: app.stranger("sue").await,
            vic: app.member(&cars, "vic", Role::Viewer).await,
            ann: app.member(&cars, "ann", Role::Annotator).await,
            otto: app.member(&cars, "otto", Role::Annotator).await,
            other_car: app.task(&cars).await,
            boat_prediction: prediction(app, &boats, &boat).await,
            rita,
            max,
            cars,
            car,
            ferry,
            boats,
            boat,
        }
    }

    /// Stranger, viewer, annotator, reviewer, manager and admin.
    fn actors<'a>(&'a self, app: &'a TestApp) -> [&'a Client; 6] {
        [
            &self.sue, &self.vic, &self.ann, &self.rita, &self.max, &app.admin,
        ]
    }
}
