-- Tables of the limit on SQLite: those of `postgraphile/tables.sql`, with their indexes.
CREATE TABLE account (
  id INTEGER PRIMARY KEY,
  username TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL
);
CREATE TABLE project (id INTEGER PRIMARY KEY, title TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE task (
  id INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL REFERENCES project,
  data TEXT NOT NULL,
  is_labeled INTEGER NOT NULL,
  total_annotations INTEGER NOT NULL,
  cancelled_annotations INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE annotation (
  id INTEGER PRIMARY KEY,
  unique_id TEXT NOT NULL UNIQUE,
  task_id INTEGER NOT NULL REFERENCES task,
  project_id INTEGER NOT NULL REFERENCES project,
  author_id INTEGER NOT NULL REFERENCES account,
  result TEXT NOT NULL,
  region_count INTEGER NOT NULL,
  was_cancelled INTEGER NOT NULL,
  ground_truth INTEGER NOT NULL,
  lead_time REAL,
  last_action TEXT NOT NULL,
  version INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE TABLE revision (
  id INTEGER PRIMARY KEY,
  annotation_id INTEGER NOT NULL,
  version INTEGER NOT NULL,
  actor_id INTEGER NOT NULL,
  action TEXT NOT NULL,
  result TEXT NOT NULL,
  was_cancelled INTEGER NOT NULL,
  ground_truth INTEGER NOT NULL,
  lead_time REAL,
  created_at TEXT NOT NULL
);
CREATE INDEX annotation_author ON annotation (author_id);
CREATE INDEX annotation_project ON annotation (project_id, id);
CREATE INDEX annotation_task ON annotation (task_id, id);
CREATE INDEX task_project ON task (project_id, id);
CREATE UNIQUE INDEX revision_annotation ON revision (annotation_id, version);
