// What the suites share: servers of their own, requests, waits that have a limit, and the list of checks.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** The codes that an error may have, as the schema's description lists them. */
export const CODES = [
  'BAD_USER_INPUT', 'NOT_FOUND', 'CONFLICT', 'UNAUTHENTICATED', 'FORBIDDEN', 'LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR', 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_REQUEST', 'PERSISTED_QUERY_NOT_FOUND',
];

/** The words of the command line; ends the program when one is missing. */
export function words(...names) {
  const given = process.argv.slice(2, 2 + names.length);
  if (given.length < names.length) {
    console.error(`usage: node ${process.argv[1]} ${names.join(' ')}`);
    process.exit(2);
  }
  return given;
}

/** Runs the checks one after the other, prints a line for each, and ends the program. ONLY, when set, names those to run. */
export async function run(checks, { limit = 30_000, afterEach = async () => {}, after = async () => {} } = {}) {
  const only = new RegExp(process.env.ONLY ?? '');
  let passed = 0;
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    if (!only.test(name)) continue;
    const began = Date.now();
    const problems = [];
    const note = (error) => problems.push(described(error));
    await within(check(), `the check ${name}`, limit).catch(note);
    await afterEach(name).catch(note);
    if (problems.length === 0) {
      passed += 1;
      console.log(`ok ${name} (${Date.now() - began} ms)`);
    } else {
      failed.push(name);
      console.log(`FAILED ${name}\n${indented(problems.join('\n'))}`);
    }
  }
  await after();
  await Promise.all(running.map((server) => server.stop()));
  console.log(`${passed} passed, ${failed.length} failed`);
  for (const name of failed) console.log(`  ${name}`);
  process.exit(failed.length === 0 && passed > 0 ? 0 : 1);
}

function described(error) {
  if (error instanceof Error) return error.stack;
  return typeof error === 'string' ? error : JSON.stringify(error);
}

function indented(text) {
  const lines = text.split('\n').filter((line) => !/node:internal|support\.mjs/.test(line));
  return lines.map((line) => `  ${line}`).join('\n');
}

/** What a promise becomes, or an error once the time is up. */
export async function within(promise, what, limit = 5_000) {
  const late = new Error(`${what}: nothing after ${limit} ms`);
  let timer;
  const alarm = new Promise((_, reject) => {
    timer = setTimeout(() => reject(late), limit);
  });
  try {
    return await Promise.race([promise, alarm]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again and again until the answer is truthy. */
export async function until(question, what, limit = 5_000) {
  const deadline = Date.now() + limit;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `${what}: not after ${limit} ms`);
    await new Promise((again) => setTimeout(again, 50));
  }
}

/** What comes in, kept until it is asked for. */
export class Inbox {
  items = [];
  #waiting = [];

  push(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.items.push(item);
  }

  /** The next item, or an error once the time is up. */
  async next(what = 'the next message', limit = 5_000) {
    if (this.items.length > 0) return this.items.shift();
    let come;
    const item = new Promise((resolve) => {
      come = resolve;
      this.#waiting.push(come);
    });
    try {
      return await within(item, what, limit);
    } catch (error) {
      this.#waiting = this.#waiting.filter((waiting) => waiting !== come);
      throw error;
    }
  }
}

/** A server as a client sees it. */
export class Server {
  constructor(address, token) {
    this.origin = new URL(address).origin;
    this.port = Number(new URL(address).port);
    this.host = new URL(address).hostname;
    this.token = token;
    this.endpoint = `${this.origin}/graphql`;
  }

  /** Sends a POST request; the body is an object, or text to send as it is. */
  post(body, { headers = {}, limit = 5_000 } = {}) {
    return fetch(this.endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(limit),
    });
  }

  /** The data of an operation that must succeed. */
  async query(query, variables = {}) {
    const { data, errors } = await (await this.post({ query, variables })).json();
    assert.equal(errors, undefined, `${query} fails: ${JSON.stringify(errors)}`);
    return data;
  }

  /** Changes an annotation; returns its new version. */
  async touch(id) {
    this.touched = (this.touched ?? 0) + 1;
    const leadTime = this.touched + Math.random();
    const { updateAnnotation } = await this.query(
      'mutation($id: ID!, $leadTime: Float) { updateAnnotation(id: $id, input: { leadTime: $leadTime }) { version } }',
      { id, leadTime },
    );
    return updateAnnotation.version;
  }

  /** A new annotation of a task; returns its id. */
  async annotate(taskId) {
    const { createAnnotation } = await this.query(
      'mutation($taskId: ID!) { createAnnotation(taskId: $taskId, input: { result: [] }) { id } }',
      { taskId },
    );
    return createAnnotation.id;
  }
}

const running = [];
process.on('exit', () => running.forEach(({ child }) => child.kill('SIGKILL')));

/** Where a link leads; nowhere once it is gone. */
function target(link) {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Starts a demo's server, or with `demo: false` one with an empty SQLite file, in a folder that goes with it. */
export async function start(annograph, settings = {}, { demo = true } = {}) {
  const program = resolve(annograph);
  const folder = mkdtempSync(join(tmpdir(), 'annograph-e2e-'));
  const token = 'e2e-token-of-the-admin';
  const env = {
    PATH: process.env.PATH,
    TMPDIR: folder,
    ANNOGRAPH_DATABASE_URL: `sqlite:${join(folder, 'annograph.db')}`,
    ANNOGRAPH_LISTEN: '127.0.0.1:0',
    ANNOGRAPH_ADMIN_TOKEN: token,
    ANNOGRAPH_GRACE: '1',
    ...settings,
  };
  const child = spawn(program, ['serve', ...(demo ? ['--demo'] : [])], { env, cwd: folder });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  let log = '';
  child.stderr.on('data', (text) => (log = (log + text).slice(-20_000)));
  const greeting = new Promise((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (text) => {
      out += text;
      const address = out.match(/^Annograph is at (\S+)$/m);
      if (address) resolve(address[1]);
    });
    ended.then(({ code }) => reject(new Error(`the server does not start: exit ${code}\n${log}`)));
  });
  const server = new Server(await within(greeting, 'the greeting of a server', 60_000), token);
  running.push(server);
  return Object.assign(server, {
    child,
    pid: child.pid,
    ended,
    log: () => log,
    isUp: () => child.exitCode === null && child.signalCode === null,

    /** Runs another command of the program on the server's database; returns what it prints. */
    async command(...args) {
      const { stdout } = await promisify(execFile)(program, args, { env, cwd: folder, timeout: 20_000 });
      return stdout;
    },

    /** The most memory that the process has held since this was asked last, in bytes. */
    peak() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      writeFileSync(`/proc/${child.pid}/clear_refs`, '5');
      return Number(status.match(/^VmHWM:\s+(\d+) kB/m)[1]) * 1024;
    },

    /** How many sockets the process holds, listening ones and the like included. */
    sockets() {
      const folder = `/proc/${child.pid}/fd`;
      return readdirSync(folder).filter((name) => target(join(folder, name)).startsWith('socket:')).length;
    },

    async stop() {
      if (this.isUp()) child.kill('SIGTERM');
      await within(ended, 'the end of a server', 10_000).catch(() => child.kill('SIGKILL'));
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  });
}

/** What the suites ask of an event. */
export const EVENT = `cursor action annotationId version changedFields at
  actor { username } task { id } annotation { id version leadTime }`;

/** The text of a subscription to the events of one annotation. */
export const EVENTS_OF_ONE = `subscription($id: ID!, $after: String) {
  annotationEvents(filter: { annotationId: { eq: $id } }, after: $after) { ${EVENT} }
}`;

/** The event of a result that has one and nothing else. */
export function eventOf(result) {
  assert.deepEqual(Object.keys(result), ['data'], `no event: ${JSON.stringify(result)}`);
  return result.data.annotationEvents;
}

/**
 * Makes sure that a subscription to an annotation's events is live: nothing tells a client so but an event. Its inbox gets
 * the results, `done` is its end. Returns the event of the last change.
 */
export async function awake(server, { inbox, done }, id) {
  let version;
  const knock = async () => {
    version = await server.touch(id);
    return inbox.items.length > 0;
  };
  const ended = done.then(() => assert.fail('the subscription has ended'));
  await Promise.race([until(knock, 'the first event of a subscription'), ended]);
  for (;;) {
    const event = eventOf(await inbox.next('the event of the last change'));
    if (event.version === version) return event;
  }
}

/** Errors as the schema promises them: each has a message and a code of the list, and none is the server's fault. */
export function assertCoded(errors, code) {
  assert.ok(Array.isArray(errors) && errors.length > 0, `no errors: ${JSON.stringify(errors)}`);
  for (const error of errors) {
    assert.equal(typeof error.message, 'string');
    const got = error.extensions?.code;
    if (code) assert.equal(got, code, JSON.stringify(error));
    assert.ok(CODES.includes(got) && got !== 'INTERNAL_SERVER_ERROR', `the code of ${JSON.stringify(error)}`);
  }
}
