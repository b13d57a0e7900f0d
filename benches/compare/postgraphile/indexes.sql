-- Indexes that the measured operations need, made after the rows are in.
CREATE UNIQUE INDEX annotation_unique_id ON annotation (unique_id);
CREATE INDEX annotation_author ON annotation (author_id);
CREATE INDEX annotation_project ON annotation (project_id, id);
CREATE INDEX annotation_task ON annotation (task_id, id);
CREATE INDEX task_project ON task (project_id, id);
CREATE UNIQUE INDEX revision_annotation ON revision (annotation_id, version);
