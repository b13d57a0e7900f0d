-- Tables of PostGraphile, and of the limit on PostgreSQL. `json_type` is jsonb for PostGraphile, whose scalar JSON
-- needs it, and text for the limit, as in Annograph's tables.
CREATE TABLE account (
  id integer PRIMARY KEY,
  username text NOT NULL UNIQUE,
  email text NOT NULL UNIQUE,
  display_name text NOT NULL,
  role text NOT NULL DEFAULT 'MEMBER'
);

CREATE TABLE project (
  id integer PRIMARY KEY,
  title text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE task (
  id integer PRIMARY KEY,
  project_id integer NOT NULL REFERENCES project,
  data :json_type NOT NULL,
  is_labeled boolean NOT NULL,
  total_annotations integer NOT NULL,
  cancelled_annotations integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE annotation (
  id integer PRIMARY KEY,
  unique_id uuid NOT NULL,
  task_id integer NOT NULL REFERENCES task,
  project_id integer NOT NULL REFERENCES project,
  author_id integer NOT NULL REFERENCES account,
  result :json_type NOT NULL,
  region_count integer NOT NULL,
  was_cancelled boolean NOT NULL,
  ground_truth boolean NOT NULL,
  lead_time double precision,
  last_action text NOT NULL,
  version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE revision (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  annotation_id integer NOT NULL,
  version integer NOT NULL,
  actor_id integer NOT NULL,
  action text NOT NULL,
  result :json_type NOT NULL,
  was_cancelled boolean NOT NULL,
  ground_truth boolean NOT NULL,
  lead_time double precision,
  created_at timestamptz NOT NULL DEFAULT now()
);
