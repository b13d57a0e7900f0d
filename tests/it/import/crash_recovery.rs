//! Imports whose server died: removed or completed by recovery.

use std::{
    io::{self, Cursor, Read, Seek, SeekFrom},
    sync::mpsc::{Receiver, channel},
};

use annograph::domain::import::{self, Phase, Recovered};
use each_database::each_database;
use entity::{import_job, task};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::json;

use super::into_new_project;
use crate::support::TestApp;

/// A file whose second half is withheld at the second reading, until somebody lets go.
struct Withheld {
    file: Cursor<Vec<u8>>,
    readings: usize,
    release: Receiver<()>,
}

impl Read for Withheld {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let half = self.file.get_ref().len() as u64 / 2;
        if self.readings == 2 && self.file.position() >= half {
            // Both a word and its sender's end let the reading go on.
            let _ = self.release.recv();
        }
        let most = buffer.len().min(4096);
        self.file.read(&mut buffer[..most])
    }
}

impl Seek for Withheld {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.readings += usize::from(to == SeekFrom::Start(0));
        self.file.seek(to)
    }
}

fn file() -> Vec<u8> {
    let task = |index: usize| {
        let by = json!({ "email": format!("user{}@example.com", index % 3) });
        json!({ "data": {}, "annotations": [{ "result": [], "completed_by": by }],
                "drafts": [{ "result": [], "user": index % 2 }],
                "predictions": [{ "result": [] }] })
    };
    let tasks: Vec<_> = (0..900).map(task).collect();
    json!(tasks).to_string().into_bytes()
}

/// What `recover` settles, asked until it settles something: the lock of a process that is gone is free
/// once the database has noticed.
async fn recovered(test: &TestApp) -> Vec<Recovered> {
    for _ in 0..10_000 {
        let recovered = import::recover(&test.app).await.unwrap();
        if !recovered.is_empty() {
            return recovered;
        }
    }
    panic!("the dead import is never found");
}

#[each_database]
async fn a_dead_import_is_taken_back_and_a_living_one_is_left_alone(test: TestApp) {
    // What is there already stays.
    let (project, kept) = test.project_with_task().await;
    test.annotation(&test.admin, &kept, json!({})).await;
    let before = test.dump().await;
    for into_existing in [false, true] {
        let (release, held) = channel();
        let source = Withheld {
            file: Cursor::new(file()),
            readings: 0,
            release: held,
        };
        let mut options = into_new_project();
        if into_existing {
            options.target = import::Target::Project(project.parse().unwrap());
        }
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let app = test.app.clone();
        let importing = tokio::spawn(async move {
            import::run(&app, source, &options, |progress| {
                tell.send(progress.phase).unwrap();
            })
            .await
        });
        while told.recv().await.unwrap() != Phase::Write {}

        let tasks = task::Entity::find()
            .count(test.app.db.writer())
            .await
            .unwrap();
        assert!(tasks > 1 && tasks < 900, "{tasks} tasks are written");
        assert_eq!(import::recover(&test.app).await.unwrap(), []);
        let still = task::Entity::find()
            .count(test.app.db.writer())
            .await
            .unwrap();
        assert_eq!(still, tasks);

        importing.abort();
        drop(release);
        assert!(importing.await.unwrap_err().is_cancelled());
        let recovered = recovered(&test).await;
        assert!(matches!(
            recovered[..],
            [Recovered {
                is_complete: false,
                ..
            }]
        ));
        assert_eq!(test.dump().await, before);
    }
}

#[each_database]
async fn an_import_that_had_written_everything_is_brought_to_its_end(test: TestApp) {
    let (project, task) = test.project_with_task().await;
    let job = import_job::ActiveModel {
        project_id: Set(project.parse().unwrap()),
        created_project: Set(true),
        created_users: Set("[1]".to_owned()),
        added_members: Set("[1]".to_owned()),
        started_at: Set(annograph::instant::now()),
        is_written: Set(true),
        ..Default::default()
    };
    let before = test.dump().await;
    let job = job.insert(test.app.db.writer()).await.unwrap();
    let row = task::Entity::find_by_id(task.parse::<i64>().unwrap());
    let row = row.one(test.app.db.writer()).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.import_job_id = Set(Some(job.id));
    row.update(test.app.db.writer()).await.unwrap();

    let recovered = import::recover(&test.app).await.unwrap();
    let project_id = project.parse().unwrap();
    let is_complete = true;
    assert_eq!(
        recovered,
        [Recovered {
            project_id,
            is_complete
        }]
    );
    assert_eq!(test.dump().await, before);
}

#[each_database]
async fn an_import_whose_file_changes_between_readings_leaves_nothing(test: TestApp) {
    /// A different file every time it is read from its start.
    struct Changing(Withheld);
    impl Read for Changing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Seek for Changing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            let place = self.0.seek(to)?;
            if self.0.readings == 2 {
                let file = self.0.file.get_mut();
                let end = file.len() - 2;
                file[end] = b'?';
            }
            Ok(place)
        }
    }
    let before = test.dump().await;
    let (_, held) = channel();
    let source = Changing(Withheld {
        file: Cursor::new(file()),
        readings: 0,
        release: held,
    });
    let imported = import::run(&test.app, source, &into_new_project(), |_| {}).await;
    assert!(
        matches!(imported, Err(import::Failure::Changed)),
        "{imported:?}"
    );
    assert_eq!(test.dump().await, before);
}
