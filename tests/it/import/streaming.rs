//! Large files: streamed, never in memory as a whole.

use std::io::{self, Read, Seek, SeekFrom};

use annograph::domain::import::{self, Phase};
use each_database::each_database;
use entity::{annotation, task};
use sea_orm::{EntityTrait, PaginatorTrait};

use super::{export_text, into_new_project};
use crate::support::TestApp;

const ITEMS: usize = 1_500;

/// File whose items are generated while it is read.
struct Generated {
    position: u64,
    /// Number of bytes of the largest read.
    largest: usize,
}

impl Generated {
    fn item(index: usize) -> String {
        let start = if index == 0 { '[' } else { ',' };
        let end = if index == ITEMS - 1 { ']' } else { '\n' };
        let text = "lorem ipsum ".repeat(80);
        format!(
            "{start}{{\"id\": 1{index:06}, \"data\": {{\"text\": \"{text}\"}}, \
             \"annotations\": [{{\"result\": [{{\"id\": \"{index:06}\"}}]}}]}}{end}"
        )
    }

    fn len() -> u64 {
        (Self::item(0).len() * ITEMS) as u64
    }
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.largest = self.largest.max(buffer.len());
        assert!(self.largest <= 1 << 20);
        let size = Self::item(0).len() as u64;
        if self.position == Self::len() {
            return Ok(0);
        }
        let item = Self::item((self.position / size) as usize);
        let rest = &item.as_bytes()[(self.position % size) as usize..];
        let taken = rest.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&rest[..taken]);
        self.position += taken as u64;
        Ok(taken)
    }
}

impl Seek for Generated {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(position) => position,
            SeekFrom::End(0) => Self::len(),
            other => panic!("unexpected {other:?}"),
        };
        Ok(self.position)
    }
}

#[each_database]
async fn a_large_file_is_written_in_batches_and_read_in_pages(test: TestApp) {
    let source = Generated {
        position: 0,
        largest: 0,
    };
    let mut steps = Vec::new();
    let options = into_new_project();
    let imported = import::run(&test.app, source, &options, |progress| {
        assert_eq!(progress.total, Generated::len());
        steps.push(progress);
    });
    let summary = imported.await.unwrap();
    assert_eq!(summary.counts.tasks, ITEMS);
    let batches = steps.iter().filter(|step| step.phase == Phase::Write);
    assert_eq!(batches.count(), 2);
    assert_eq!(steps.last().unwrap().done, Generated::len());
    let db = test.app.db.writer();
    assert_eq!(task::Entity::find().count(db).await.unwrap(), ITEMS as u64);
    assert_eq!(
        annotation::Entity::find().count(db).await.unwrap(),
        ITEMS as u64
    );

    let (statements, exported) = test
        .statements(export_text(&test.app, summary.project_id))
        .await;
    assert!(statements < 40, "{statements} statements");
    let ids: Vec<_> = exported
        .lines()
        .filter(|line| line.starts_with('{'))
        .collect();
    assert_eq!(ids.len(), ITEMS);
    for (index, line) in ids.iter().enumerate() {
        assert!(
            line.contains(&format!("\"import_id\":1{index:06}")),
            "{line}"
        );
    }
}
