-- The rest of an update's transaction. PostGraphile's mutation is a bare UPDATE, and Annograph's also raises the
-- version, records a revision and counts the task's annotations; with the triggers both leave the same rows behind.
CREATE FUNCTION raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  NEW.last_action := 'UPDATED';
  NEW.updated_at := clock_timestamp();
  RETURN NEW;
END $$;

CREATE FUNCTION record_revision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  newly_cancelled integer := NEW.was_cancelled::integer - OLD.was_cancelled::integer;
BEGIN
  INSERT INTO revision
    (annotation_id, version, actor_id, action, result, was_cancelled, ground_truth, lead_time, created_at)
  VALUES
    (NEW.id, NEW.version, NEW.author_id, NEW.last_action, NEW.result, NEW.was_cancelled, NEW.ground_truth,
     NEW.lead_time, NEW.updated_at);
  UPDATE task
  SET cancelled_annotations = cancelled_annotations + newly_cancelled,
      total_annotations = total_annotations - newly_cancelled,
      is_labeled = total_annotations - newly_cancelled > 0,
      updated_at = NEW.updated_at
  WHERE id = NEW.task_id;
  RETURN NULL;
END $$;

CREATE TRIGGER raise_version BEFORE UPDATE ON annotation FOR EACH ROW EXECUTE FUNCTION raise_version();
CREATE TRIGGER record_revision AFTER UPDATE ON annotation FOR EACH ROW EXECUTE FUNCTION record_revision();
