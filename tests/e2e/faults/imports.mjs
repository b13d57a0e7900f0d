// Imports that the database can't take in whole.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/support.mjs';
import { cluster, disk, serve } from './stages.mjs';

const file = join(tmpdir(), `annograph-faults-${process.pid}.json`);
const tasks = Array.from({ length: 6_000 }, (_, index) => ({ data: { text: `${index} ${'x'.repeat(1_500)}` } }));
writeFileSync(file, JSON.stringify(tasks));

/** Imports the file, which must fail; what is said, with the number of tasks that it leaves behind. */
async function refused(server) {
  const failed = await server.command('import', file, '--title', 'Full').then(
    () => assert.fail('the disk is full'),
    (error) => error.stderr,
  );
  const left = failed.match(/(\d+) tasks, not all of the file's, are in the database/);
  assert.ok(left || /nothing was imported/.test(failed), failed);
  return { failed, left: Number(left?.[1] ?? 0) };
}

/** A failed import says what is there, and a running server takes it back. */
async function isTakenBack(annograph, small, database) {
  const server = await serve(annograph, database);
  const before = await server.tasks();
  small.leave(4 << 20);
  const { left, failed } = await refused(server);
  assert.equal(await server.tasks(), before + left, failed);
  small.free();
  await until(async () => (await server.tasks()) === before, 'the import is taken back', 20_000);
  const projects = async () => (await server.query('{ projects { totalCount } }')).projects.totalCount;
  await until(async () => (await projects()) === 0, 'so is its project', 20_000);
  await server.stop();
}

export default {
  async one_that_fails_on_a_full_disk_is_taken_back_by_a_running_server(annograph) {
    const small = disk(16);
    if (!small) return;
    await isTakenBack(annograph, small, small.database);
  },

  async the_same_on_postgresql(annograph) {
    const small = disk(48);
    if (!small) return;
    const postgres = await cluster();
    postgres.own(small.path);
    postgres.sql('postgres', `CREATE TABLESPACE imports LOCATION '${small.path}'`);
    const { url } = postgres.database('imports', 'TABLESPACE imports');
    await isTakenBack(annograph, small, url);
  },

  async a_server_starts_on_a_full_disk_and_settles_later(annograph) {
    const small = disk(16);
    if (!small) return;
    let server = await serve(annograph, small.database);
    await server.task();
    // Nobody settles the import before the next start.
    server.child.kill('SIGSTOP');
    small.leave(4 << 20);
    const { left } = await refused(server);
    server.child.kill('SIGKILL');
    await server.ended;
    small.fill();
    server = await serve(annograph, small.database);
    assert.equal(await server.tasks(), 1 + left, 'reads are served');
    if (left > 0) {
      assert.match(server.log(), /DISK_(FULL|ERROR)/);
      assert.match(await server.unready(), /DISK_(FULL|ERROR)/);
    }
    small.free();
    await until(async () => (await server.tasks()) === 1, 'the import is taken back', 20_000);
    await until(async () => !(await server.unready()), 'the server is ready', 20_000);
    await server.stop();
  },
};
