//! The server answers.

use serde_json::json;

use crate::support::each_database;

#[tokio::test]
async fn the_admin_is_the_viewer() {
    each_database(async |app| {
        let answer = app.admin.run("{ viewer { id username role } }").await;
        let viewer = json!({ "id": "1", "username": "admin", "role": "ADMIN" });
        assert_eq!(answer.data()["viewer"], viewer);
    })
    .await;
}
