// Imports that the database can't take in whole.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { until } from '../support/support.mjs';
import { cluster, disk, folder, serve } from './stages.mjs';

let made;
/** A file of so many tasks that the disk can be filled while it is imported. */
function file() {
  if (!made) {
    made = join(folder(), 'tasks.json');
    const tasks = Array.from({ length: 12_000 }, (_, index) => ({ data: { text: `${index} ${'x'.repeat(1_500)}` } }));
    writeFileSync(made, JSON.stringify(tasks));
  }
  return made;
}

/**
 * Imports the file on a disk that is full once the import `isUnderWay`. It must fail, and says how many tasks it leaves
 * behind.
 */
async function refused(annograph, database, small, isUnderWay) {
  const env = { PATH: process.env.PATH, ANNOGRAPH_DATABASE_URL: database };
  const importing = new Promise((ended) => {
    const words = ['import', file(), '--title', 'Full'];
    execFile(resolve(annograph), words, { env, timeout: 60_000 }, (error, _, said) => ended({ error, said }));
  });
  await until(isUnderWay, 'the import is under way', 30_000);
  small.fill();
  const { error, said } = await importing;
  assert.ok(error, 'the disk is full');
  const left = said.match(/(\d+) tasks, not all of the file's, are in the database/);
  assert.ok(left || /nothing was imported/.test(said), said);
  return Number(left?.[1] ?? 0);
}

/** A failed import says what is there, and a running server takes it back. */
async function isTakenBack(annograph, small, database) {
  const server = await serve(annograph, database);
  const left = await refused(annograph, database, small, async () => (await server.tasks()) > 0);
  console.log(`  ${left} tasks are left for later`);
  // The server may have taken back by now what there is room for.
  const there = await server.tasks();
  assert.ok(there <= left, `${left} tasks are said to be left, ${there} are`);
  small.free();
  await until(async () => (await server.tasks()) === 0, 'the import is taken back', 20_000);
  const projects = async () => (await server.query('{ projects { totalCount } }')).projects.totalCount;
  await until(async () => (await projects()) === 0, 'so is its project', 20_000);
  await server.stop();
}

export default {
  async one_that_fails_on_a_full_disk_is_taken_back_by_a_running_server(annograph) {
    const small = disk(64);
    if (!small) return;
    await isTakenBack(annograph, small, small.database);
  },

  async the_same_on_postgresql(annograph) {
    const small = disk(96);
    if (!small) return;
    const postgres = await cluster();
    postgres.own(small.path);
    postgres.sql('postgres', `CREATE TABLESPACE imports LOCATION '${small.path}'`);
    const { url } = postgres.database('imports', 'TABLESPACE imports');
    await isTakenBack(annograph, small, url);
  },

  async a_server_starts_on_a_full_disk_and_settles_later(annograph) {
    const small = disk(64);
    if (!small) return;
    let server = await serve(annograph, small.database);
    await server.task();
    // Nobody settles the import before the next start.
    server.child.kill('SIGKILL');
    await server.ended;
    const size = () => readdirSync(small.path).reduce((sum, name) => sum + statSync(join(small.path, name)).size, 0);
    const before = size();
    const left = await refused(annograph, small.database, small, () => size() > before + (4 << 20));
    console.log(`  ${left} tasks are left for later`);
    server = await serve(annograph, small.database);
    // What there is room for is taken back at the start already.
    const there = await server.tasks();
    assert.ok(there >= 1 && there <= 1 + left, 'reads are served');
    if (there > 1) {
      assert.match(server.log(), /DISK_(FULL|ERROR)/);
      assert.match(await server.unready(), /DISK_(FULL|ERROR)/);
    }
    small.free();
    await until(async () => (await server.tasks()) === 1, 'the import is taken back', 20_000);
    await until(async () => !(await server.unready()), 'the server is ready', 20_000);
    await server.stop();
  },
};
