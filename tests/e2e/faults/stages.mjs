// What the cases are played on: small disks, throw-away clusters, and servers on them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, until } from '../support/support.mjs';

const isRoot = process.getuid() === 0;
const releases = [];

/** Takes down all that was set up, the last first. */
export function release() {
  for (const undo of releases.reverse()) {
    try {
      undo();
    } catch (error) {
      console.log(`  can't take down: ${error.message.split('\n')[0]}`);
    }
  }
}

/** A folder that goes with the run. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'annograph-faults-'));
  releases.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const sh = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** A disk in memory with this many MiB; nothing where mounting is not allowed. */
export function disk(size) {
  const path = folder();
  try {
    sh('mount', '-t', 'tmpfs', '-o', `size=${size}m`, 'tmpfs', path);
  } catch {
    console.log('  left out: mounting is not allowed here');
    return undefined;
  }
  releases.push(() => sh('umount', '--lazy', path));
  const ballast = join(path, 'ballast');
  return {
    path,
    database: `sqlite:${join(path, 'annograph.db')}`,

    /** Fills it to the last byte. */
    fill() {
      const file = openSync(ballast, 'a');
      for (let chunk = Buffer.alloc(1 << 20); chunk.length > 0; ) {
        try {
          writeSync(file, chunk);
        } catch (error) {
          assert.equal(error.code, 'ENOSPC');
          chunk = chunk.subarray(0, chunk.length >> 1);
        }
      }
      closeSync(file);
    },

    /** Leaves this many bytes of it free. */
    leave(bytes) {
      this.fill();
      truncateSync(ballast, Math.max(0, statSync(ballast).size - bytes));
    },

    free() {
      rmSync(ballast, { force: true });
    },

    remount(mode) {
      sh('mount', '-o', `remount,${mode}`, path);
    },
  };
}

/** A PostgreSQL cluster of its own, shared by all cases, and running, however the last case ended. */
let shared;
export async function cluster() {
  shared ??= makeCluster();
  const made = await shared;
  made.signal('SIGCONT');
  if (!made.isUp()) made.start();
  return made;
}

async function makeCluster() {
  const binaries = postgresBinaries();
  const path = folder();
  const port = await freePort();
  const as = (program, ...args) =>
    isRoot ? ['runuser', ['-u', 'postgres', '--', program, ...args]] : [program, args];
  if (isRoot) sh('chown', 'postgres', path);
  const data = join(path, 'data');
  const run = (program, ...args) => {
    const [command, words] = as(join(binaries, program), ...args);
    return execFileSync(command, words, { encoding: 'utf8', cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  };
  run('initdb', '--pgdata', data, '--username', 'postgres', '--auth', 'trust', '--no-sync', '--no-locale', '--encoding', 'UTF8');
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${path} -c fsync=off`;
  const log = join(path, 'log');
  const self = {
    path,
    isUp: () => existsSync(join(data, 'postmaster.pid')),
    start: () => run('pg_ctl', 'start', '--wait', '--pgdata', data, '--log', log, '--options', options),
    stop: (mode = 'fast') => run('pg_ctl', 'stop', '--wait', '--pgdata', data, '--mode', mode),

    /** Runs statements, each a transaction of its own. */
    sql(database, ...statements) {
      const words = statements.flatMap((statement) => ['--command', statement]);
      const connect = ['--host', '127.0.0.1', '--port', String(port), '--username', 'postgres', '--dbname', database];
      return sh(join(binaries, 'psql'), '--no-psqlrc', '--quiet', '--tuples-only', '--no-align', ...connect, ...words).trim();
    },

    /** A new database; its name and its URL. */
    database(name, options = '') {
      this.sql('postgres', `CREATE DATABASE ${name} ${options}`);
      return { name, url: `postgres://postgres@127.0.0.1:${port}/${name}` };
    },

    /** Stops or continues all of its processes, as a machine that is suspended does. */
    signal(name) {
      const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && isOf(entry, data));
      for (const pid of pids) process.kill(Number(pid), name);
      return pids.length;
    },

    /** A folder that its processes may write, for a table space. */
    own(folder) {
      if (isRoot) sh('chown', 'postgres', folder);
      chmodSync(folder, 0o700);
    },
  };
  self.start();
  releases.push(() => {
    self.signal('SIGCONT');
    if (self.isUp()) self.stop('immediate');
  });
  return self;
}

/** A process works in a cluster's folder. */
function isOf(pid, data) {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === data;
  } catch {
    return false;
  }
}

function postgresBinaries() {
  const debian = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql').sort().reverse() : [];
  const folders = [...debian.map((version) => `/usr/lib/postgresql/${version}/bin`), ...(process.env.PATH ?? '').split(':')];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  assert.ok(found, 'PostgreSQL is not installed');
  return found;
}

function freePort() {
  return new Promise((found) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });
}

/** A server on a database, with a project and a task in it. */
export async function serve(annograph, database, settings = {}) {
  const server = await start(annograph, { ANNOGRAPH_DATABASE_URL: database, ...settings }, { demo: false });
  return Object.assign(server, helpers);
}

const helpers = {
  /** A project with a task; the id of the task. */
  async task() {
    const { createProject } = await this.query('mutation { createProject(input: { title: "Faults" }) { id } }');
    const { createTasks } = await this.query(
      'mutation($id: ID!) { createTasks(projectId: $id, tasks: [{ data: { text: "a" } }]) { id } }',
      { id: createProject.id },
    );
    return createTasks[0].id;
  },

  /** Writes an annotation with so many bytes in its result; the answer. */
  async write(taskId, bytes = 0, headers = {}) {
    const result = [{ id: 'r', value: { text: 'x'.repeat(bytes) } }];
    const query = 'mutation($id: ID!, $result: [JSONObject!]!) { createAnnotation(taskId: $id, input: { result: $result }) { id } }';
    const response = await this.post({ query, variables: { id: taskId, result } }, { headers, limit: 30_000 });
    return response.json();
  },

  /** The number of tasks that there are. */
  async tasks() {
    const { projects } = await this.query('{ projects { nodes { tasks { totalCount } } } }');
    return projects.nodes.reduce((sum, project) => sum + project.tasks.totalCount, 0);
  },

  /** Whether it is ready, answered in time; the text when it is not. */
  async unready() {
    const began = Date.now();
    const response = await fetch(`${this.origin}/readyz`, { signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    assert.ok(Date.now() - began < Number(process.env.QUICK ?? 4_000), 'readyz has a time limit of its own');
    assert.equal(response.status === 200, text === 'ok', text);
    return response.status === 200 ? undefined : text;
  },

  /** Waits until it is ready again and takes a write. */
  async heals(taskId) {
    await until(async () => !(await this.unready()), 'the server is ready again', 20_000);
    const { errors } = await this.write(taskId);
    assert.equal(errors, undefined, JSON.stringify(errors));
  },

  /** How often the log tells of the beginning of a condition. */
  begins(reason) {
    return this.log().split('\n').filter((line) => line.includes('the database fails') && line.includes(reason)).length;
  },
};

/** The failure of an answer: it is the service's, with a reason and an outcome, and no word of the database's own. */
export function failure({ errors }, reasons, outcome = 'NOT_DONE') {
  assert.ok(errors?.length > 0, 'it fails');
  const [{ message, extensions }] = errors;
  assert.equal(extensions.code, 'SERVICE_UNAVAILABLE', JSON.stringify(errors));
  assert.ok(reasons.includes(extensions.reason), `${extensions.reason} is one of ${reasons}`);
  if (outcome) assert.equal(extensions.outcome, outcome);
  assert.doesNotMatch(message, /sqlite|postgres|SQLSTATE|\(code|disk image|server closed/i);
  return extensions;
}
