// Measures how long small queries of one user take while another one keeps the server computing.
//
//   node latency.mjs ANNOGRAPH
//
// ANNOGRAPH is the program; the server is started here. For each load the median, the 99th percentile and the longest
// time of a small query are printed, in milliseconds. BOUND, when set, is what the 99th percentile must stay below: 50 for
// a release build on two idle cores. QUICK is what no small query may exceed, for machines that are busy with other
// things. SECONDS is how long a load lasts at most, SCALE what its sizes are multiplied by, ONLY names those to run.

import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'node:http';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';

import { run, start, words } from '../support/support.mjs';

const QUICK = Number(process.env.QUICK ?? 2_000);
const BOUND = Number(process.env.BOUND ?? Infinity);
const SECONDS = Number(process.env.SECONDS ?? 20);
const SCALE = Number(process.env.SCALE ?? 1);
/** Connections that small queries are sent over, one query at a time on each. */
const PROBES = 2;

/** Sends a request; resolves to its status and the bytes of its answer. */
function send({ host, port, token, agent }, body, { signal } = {}) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, agent, signal, method: 'POST', path: '/graphql', headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, text: Buffer.concat(parts).toString('latin1') }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

if (isMainThread) await measure();
else await probe(workerData);

/** Sends small queries until told to stop, each with a pause behind it, and posts the milliseconds that they took. */
async function probe({ server, queries }) {
  const agent = new Agent({ keepAlive: true, maxSockets: PROBES });
  const times = [];
  let isOver = false;
  parentPort.once('message', () => (isOver = true));
  const one = async (index) => {
    for (let turn = index; !isOver; turn += 1) {
      const began = performance.now();
      const { status, text } = await send({ ...server, agent }, queries[turn % queries.length]);
      times.push(performance.now() - began);
      assert.ok(status === 200 && !text.includes('"errors"'), `${status} ${text.slice(0, 200)}`);
      await new Promise((next) => setTimeout(next, 5));
    }
  };
  await Promise.all(Array.from({ length: PROBES }, (_, index) => one(index)));
  agent.destroy();
  parentPort.postMessage(times);
}

async function measure() {
  const [annograph] = words('ANNOGRAPH');
  const server = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '0' }, { demo: false });
  await server.command('user', 'add', 'reader');
  const { createProject } = await server.query('mutation { createProject(input: { title: "Load" }) { id } }');
  const project = createProject.id;
  await server.command('member', 'add', '--project', project, '--user', 'reader', '--role', 'viewer');
  const token = (await server.command('token', 'create', '--user', 'reader')).match(/ann_\S+/)[0];
  const { createTasks } = await server.query(
    'mutation($id: ID!) { createTasks(projectId: $id, tasks: [{ data: { a: 1 } }, { data: { a: 2 } }, { data: { a: 3 } }]) { id } }',
    { id: project },
  );
  const [small, large, many] = createTasks.map(({ id }) => id);
  const plain = await server.annotate(small);
  const queries = [
    JSON.stringify({ query: '{ __typename }' }),
    JSON.stringify({ query: `{ annotation(id: ${plain}) { id version wasCancelled createdAt regionCount } }` }),
  ];

  /** A result of about as many bytes. */
  const result = (bytes, x) => {
    const regions = [];
    for (let size = 0, index = 0; size < bytes; index += 1) {
      const region = {
        id: `r${index}`, from_name: 'box', to_name: 'image', type: 'rectanglelabels', original_width: 1000, original_height: 1000,
        value: { x: x + (index % 90), y: index % 80, width: 5, height: 5, rectanglelabels: ['Car'] },
      };
      size += 180;
      regions.push(region);
    }
    return regions;
  };
  let leaving = new AbortController();
  const sent = (body) => send(server, body, { signal: leaving.signal });
  const post = (query, variables) => sent(JSON.stringify({ query, variables }));
  const CREATE = 'mutation($task: ID!, $result: [JSONObject!]!) { createAnnotation(taskId: $task, input: { result: $result }) { id } }';
  const UPDATE = 'mutation($id: ID!, $input: UpdateAnnotationInput!) { updateAnnotation(id: $id, input: $input) { version } }';
  const created = async (task, bytes, x) => {
    const { text } = await post(CREATE, { task, result: result(bytes, x) });
    return JSON.parse(text).data.createAnnotation.id;
  };

  /** Unknown keys of an input: a bad body of about as many bytes. */
  const bad = (bytes) => {
    const keys = [];
    for (let size = 0, index = 0; size < bytes; index += 1) {
      keys.push(`"leadTim${index}":1`);
      size += keys.at(-1).length + 1;
    }
    return `{"query":${JSON.stringify(UPDATE)},"variables":{"id":"${plain}","input":{${keys.join(',')}}}}`;
  };
  const representations = (count) => Array.from({ length: count }, (_, index) => ({ __typename: 'Annotation', id: String(index + 1) }));
  const entities = (count) => post('query($r: [_Any!]!) { _entities(representations: $r) { __typename } }', { r: representations(count) });
  const MB = 1e6 * SCALE;
  const prepared = {};
  const once = async (name, make) => (prepared[name] ??= await make());
  const stored = () => once('stored', async () => {
    const id = await created(large, 8 * MB, 0);
    await post(UPDATE, { id, input: { result: result(8 * MB, 1) } });
    return id;
  });

  const loads = {
    'nothing else': () => [new Promise((done) => setTimeout(done, 2_000))],
    'two bad bodies of 29 MB': async () => {
      const body = await once('29', () => bad(29 * MB));
      return [1, 2].map(() => sent(body));
    },
    '60 bad bodies of 0.92 MB': async () => {
      const body = await once('0.92', () => bad(0.92 * MB));
      return Array.from({ length: 60 }, () => sent(body));
    },
    '100,000 representations': () => [entities(100_000 * SCALE)],
    '10,000 representations, four times': () => [1, 2, 3, 4].map(() => entities(10_000 * SCALE)),
    'checks and writes of 8 MB': async () => {
      const id = await stored();
      return [2, 3].map((x) => post(UPDATE, { id, input: { result: result(8 * MB, x) } }));
    },
    'merges into 8 MB': async () => {
      const id = await stored();
      const input = (name) => ({ regions: { upsert: [{ id: name, from_name: 'box' }] }, expectedVersion: 1, onConflict: 'MERGE' });
      return ['a', 'b'].map((name) => post(UPDATE, { id, input: input(name) }));
    },
    'differences of 8 MB': async () => {
      const id = await stored();
      return [1, 2].map(() => post('query($id: ID!) { annotation(id: $id) { diff(from: 1, to: 2) { changedRegions { regionId } } } }', { id }));
    },
    'regions of 8 MB': async () => {
      const id = await stored();
      return [1, 2].map(() => post('query($id: ID!) { annotation(id: $id) { regions { type labels raw } } }', { id }));
    },
    agreement: async () => {
      await once('compared', () => Promise.all([0, 0.5, 1, 1.5].map((x) => created(many, 0.5 * MB, x))));
      return [1, 2].map(() => post('query($id: ID!) { task(id: $id) { agreement } }', { id: many }));
    },
    'large answers': async () => {
      await once('listed', async () => {
        for (let index = 0; index < 40; index += 1) await created(small, 0.1 * MB, index);
      });
      const aliases = Array.from({ length: 10 }, (_, index) => `a${index}: annotations(first: 100) { nodes { id version result completedBy { id } } }`);
      return [1, 2].map(() => post(`query($id: ID!) { task(id: $id) { ${aliases.join(' ')} } }`, { id: small }));
    },
  };

  const checks = {};
  for (const [name, load] of Object.entries(loads)) {
    checks[name] = async () => {
      leaving = new AbortController();
      setMaxListeners(0, leaving.signal);
      // What is prepared is no load.
      const client = { host: server.host, port: server.port, token };
      const first = await begun(load);
      const worker = new Worker(new URL(import.meta.url), { workerData: { server: client, queries }, argv: process.argv.slice(2) });
      const posted = new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      const began = performance.now();
      const patience = new Promise((done) => setTimeout(done, SECONDS * 1_000).unref());
      const answers = Promise.allSettled(first).then((answers) => answers.map(({ value }) => outcome(value)));
      const statuses = await Promise.race([answers, patience.then(() => ['late'])]);
      const took = performance.now() - began;
      worker.postMessage('stop');
      const times = (await posted).sort((a, b) => a - b);
      const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
      const shown = (value) => value.toFixed(1);
      const counted = [...new Set(statuses)].join(', ');
      console.log(`${name}: ${times.length} queries, p50 ${shown(at(0.5))}, p99 ${shown(at(0.99))}, max ${shown(at(1))} ms; answered ${counted} after ${shown(took / 1_000)} s`);
      // Whoever leaves ends what is computed for them.
      leaving.abort();
      await answers;
      assert.ok(at(1) < QUICK, `a small query took ${shown(at(1))} ms`);
      assert.ok(at(0.99) < BOUND, `the 99th percentile is ${shown(at(0.99))} ms`);
    };
  }
  await run(checks, { limit: 180_000 });

  /** The status of an answer, and the code of its first error. */
  function outcome(answer) {
    const code = answer?.text?.match(/"code":"(\w+)"/)?.[1];
    return [answer?.status ?? 'none', code].filter(Boolean).join(' ');
  }

  /** The answers of a load that has been prepared once, and sent now. */
  async function begun(load) {
    const answers = await load();
    for (const answer of answers) answer.catch?.(() => {});
    return answers;
  }
}
