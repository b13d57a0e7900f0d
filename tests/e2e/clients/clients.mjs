// Clients with a normalised cache hand on what the server answers: Apollo Client, urql's Graphcache and Relay's store.
//
//   node clients.mjs http://127.0.0.1:PORT TOKEN
//
// The token signs an admin in. Such clients take `__typename` and `id` for one object and merge all that they read of it:
// a field `id` that names no object for ever puts the values of one annotation into another.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { Server, run, words } from '../support/support.mjs';
import { apollo, graphcache, relayStore } from './adapters.mjs';
import { OPERATIONS } from './operations.mjs';

const server = new Server(...words('http://127.0.0.1:PORT', 'TOKEN'));
const CLIENTS = { apollo, graphcache, relayStore };
const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');

/** A project with one task: a prediction and two annotations whose regions have the same ids. */
async function cars() {
  const labelConfig = read('cars.config.xml');
  const { createProject: project } = await server.query(
    'mutation($input: CreateProjectInput!) { createProject(input: $input) { id } }',
    { input: { title: 'cars', labelConfig } },
  );
  const { importTasks } = await server.query(
    'mutation($id: ID!, $tasks: [JSONObject!]!) { importTasks(projectId: $id, tasks: $tasks) { taskIds } }',
    { id: project.id, tasks: JSON.parse(read('cars.tasks.json')) },
  );
  const [task] = importTasks.taskIds;
  const { data } = await (await server.post({ query: OPERATIONS.carsEditorQuery, variables: { task } })).json();
  const [first, second] = data.task.annotations.nodes.map(({ id }) => id);
  return { project: project.id, task, first, second };
}

/** The rectangle of the car, somewhere else. */
function moved(x) {
  const [task] = JSON.parse(read('cars.tasks.json'));
  const [rectangle] = task.predictions[0].result;
  return { ...rectangle, value: { ...rectangle.value, x } };
}

/** An answer without what clients add to it. */
function plain(data) {
  return JSON.parse(JSON.stringify(data, (key, value) => (key.startsWith('__') ? undefined : value)));
}

function region({ regions }, fromName) {
  return regions.find((region) => region.fromName === fromName);
}

/** Asks through a client, and asserts that it and its cache hand on what the server answers. */
async function open(client, name, variables) {
  const answered = await server.query(OPERATIONS[name], variables);
  assert.deepEqual(plain(await client.open(name, variables)), answered, `${name} as it comes`);
  assert.deepEqual(plain(await client.read(name, variables)), answered, `${name} from the cache`);
  return answered;
}

const scenarios = {
  async the_editor_shows_each_annotation_its_own_regions(client) {
    const { task } = await cars();
    const shown = (await open(client, 'carsEditorQuery', { task })).task;
    const boxes = [...shown.predictions, ...shown.annotations.nodes];
    assert.deepEqual(boxes.map((of) => region(of, 'l').x), [1, 50, 30]);
    const answers = shown.annotations.nodes.map((of) => ['damage', 'colour'].map((name) => region(of, name).choices[0]));
    assert.deepEqual(answers, [['dent', 'red'], ['none', 'blue']]);
  },

  async saving_one_of_two_open_annotations_leaves_the_other(client) {
    const { task, first, second } = await cars();
    await open(client, 'carsEditorQuery', { task });
    for (const id of [first, second]) await open(client, 'carsAnnotationQuery', { id });
    const save = async (id, expectedVersion, x) => {
      const input = { expectedVersion, regions: { upsert: [moved(x)] } };
      return (await client.save('carsSaveMutation', { id, input })).updateAnnotation;
    };
    assert.equal(region(await save(second, 1, 77), 'l').x, 77);
    const cached = async (id) => (await client.read('carsAnnotationQuery', { id })).annotation;
    assert.equal(region(await cached(second), 'l').x, 77);
    assert.equal(region(await cached(first), 'l').x, 50, 'the editor of the first annotation shows its own box');
    const { version, regions } = await cached(first);
    await save(first, version, region({ regions }, 'l').x + 1);
    const stored = await server.query(
      'query($first: ID!, $second: ID!) { first: annotation(id: $first) { result } second: annotation(id: $second) { result } }',
      { first, second },
    );
    assert.deepEqual([stored.first, stored.second].map(({ result }) => result[0].value.x), [51, 77]);
    await open(client, 'carsEditorQuery', { task });
  },

  async versions_drafts_and_changes_keep_their_own_regions(client) {
    const { first } = await cars();
    for (const x of [51, 52]) {
      const input = { regions: { upsert: [moved(x)] } };
      await server.query(OPERATIONS.carsSaveMutation, { id: first, input });
    }
    const draft = { annotationId: first, result: [moved(60)] };
    await server.query('mutation($input: SaveDraftInput!) { saveDraft(input: $input) { id } }', { input: draft });
    await open(client, 'carsAnnotationQuery', { id: first });
    const asked = [{ id: first, from: 1, to: 2 }, { id: first, from: 2, to: 3 }];
    const [past] = [await open(client, 'carsPastQuery', asked[0]), await open(client, 'carsPastQuery', asked[1])];
    const versions = past.annotation.history.nodes.map(({ annotation }) => region(annotation, 'l').x);
    assert.deepEqual(versions, [50, 51, 52]);
    assert.equal(region(past.annotation.drafts[0], 'l').x, 60);
    assert.equal(region((await client.read('carsAnnotationQuery', { id: first })).annotation, 'l').x, 52);
    const changes = [];
    for (const variables of asked) {
      const { diff } = (await client.read('carsPastQuery', variables)).annotation;
      changes.push(diff.changedRegions.map(({ before, after }) => [before.value.x, after.value.x]));
    }
    assert.deepEqual(changes, [[[50, 51]], [[51, 52]]]);
  },

  async vertices_stay_in_their_paths(client) {
    const { project, task } = await cars();
    const path = (x) => ({ id: 'p', type: 'vector', value: { closed: false, vertices: [{ id: 'a', x, y: 1 }] } });
    await server.query('mutation($id: ID!) { updateProject(id: $id, input: { checkMode: OFF }) { id } }', { id: project });
    const create = 'mutation($task: ID!, $input: CreateAnnotationInput!) { createAnnotation(taskId: $task, input: $input) { id } }';
    for (const xs of [[1, 2], [3]]) await server.query(create, { task, input: { result: xs.map(path) } });
    const { nodes } = (await open(client, 'carsEditorQuery', { task })).task.annotations;
    const places = nodes.slice(2).map(({ regions }) => regions.map(({ vertices }) => vertices[0].x));
    assert.deepEqual(places, [[1, 2], [3]]);
  },

  async a_review_is_the_same_one_wherever_it_stands(client) {
    const { first, second } = await cars();
    const judge = (id, action, comment) => client.save('carsReviewMutation', { id, input: { action, comment } });
    await judge(first, 'ACCEPT', 'fine');
    await judge(second, 'REJECT', 'not fine');
    for (const id of [first, second]) await open(client, 'carsReviewsQuery', { id });
    await judge(first, 'REJECT', 'on second thoughts');
    const cached = async (id) => (await client.read('carsReviewsQuery', { id })).annotation.reviews;
    assert.deepEqual((await cached(first)).map(({ comment }) => comment), ['on second thoughts']);
    assert.deepEqual((await cached(second)).map(({ comment }) => comment), ['not fine']);
    await open(client, 'carsReviewsQuery', { id: first });
  },

  async a_new_role_shows_in_the_list_of_members(client) {
    const places = [await cars(), await cars()];
    const username = `member-${crypto.randomUUID()}`;
    const { createUser } = await server.query(
      'mutation($username: String!) { createUser(input: { username: $username }) { id } }', { username },
    );
    const join = ({ project }, role) => client.save('carsRoleMutation', { project, user: createUser.id, role });
    for (const place of places) await join(place, 'VIEWER');
    for (const { project } of places) await open(client, 'carsMembersQuery', { project });
    await join(places[0], 'MANAGER');
    const roles = [];
    for (const { project } of places) {
      const { members } = (await client.read('carsMembersQuery', { project })).project;
      roles.push(members.filter(({ user }) => user.username === username).map(({ role }) => role));
    }
    assert.deepEqual(roles, [['MANAGER'], ['VIEWER']]);
  },
};

const checks = {};
for (const [client, make] of Object.entries(CLIENTS)) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    checks[`${client}_${name}`] = async () => scenario(await make(server));
  }
}

await run(checks, { limit: 90_000 });
