// SQLite: its disk and its files.

import assert from 'node:assert/strict';
import { copyFileSync, openSync, closeSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { disk, failure, serve } from './stages.mjs';

const LARGE = 400_000;

export default {
  async a_full_disk_is_told_and_works_again_once_it_is_freed(annograph) {
    const small = disk(8);
    if (!small) return;
    const server = await serve(annograph, small.database);
    const task = await server.task();
    small.fill();
    for (let round = 0; round < 3; round += 1) failure(await server.write(task, LARGE), ['DISK_FULL', 'DISK_ERROR']);
    assert.match(await server.unready(), /DISK_(FULL|ERROR)/);
    assert.equal(await server.tasks(), 1, 'reads are served');
    assert.equal(server.begins('DISK_FULL') + server.begins('DISK_ERROR'), 1, server.log());
    small.free();
    await server.heals(task);
    assert.match(server.log(), /works again/);
    await server.stop();
  },

  async nothing_is_acknowledged_into_a_file_that_is_gone(annograph) {
    const small = disk(16);
    if (!small) return;
    const server = await serve(annograph, small.database);
    const task = await server.task();
    const file = join(small.path, 'annograph.db');
    for (const name of [file, `${file}-wal`]) {
      const aside = `${name}.aside`;
      renameSync(name, aside);
      failure(await server.write(task), ['DATABASE_FILE_MISSING']);
      assert.match(await server.unready(), /DATABASE_FILE_MISSING/);
      // Another file under its name is not the one that was opened.
      copyFileSync(aside, name);
      failure(await server.write(task), ['DATABASE_FILE_MISSING']);
      assert.match(await server.unready(), /DATABASE_FILE_MISSING/);
      rmSync(name);
      renameSync(aside, name);
      await server.heals(task);
    }
    rmSync(file);
    failure(await server.write(task), ['DATABASE_FILE_MISSING']);
    assert.throws(() => statSync(file), 'no other file is made in its place');
    await server.stop();
  },

  async damage_is_told(annograph) {
    const small = disk(16);
    if (!small) return;
    let server = await serve(annograph, small.database);
    const task = await server.task();
    for (let index = 0; index < 8; index += 1) await server.write(task, 50_000);
    await server.stop();
    // The first page, with which SQLite tells its files, stays; so does the schema.
    const name = join(small.path, 'annograph.db');
    const { size } = statSync(name);
    const file = openSync(name, 'r+');
    const noise = Buffer.alloc(4_096, 0x5a);
    for (let at = Math.floor(size / 8_192) * 4_096; at < size; at += 4_096) writeSync(file, noise, 0, noise.length, at);
    closeSync(file);
    server = await serve(annograph, small.database);
    const query = '{ annotations(first: 100) { nodes { result } } }';
    const read = await (await server.post({ query })).json();
    failure(read, ['DATABASE_CORRUPT']);
    assert.match(await server.unready(), /DATABASE_CORRUPT/);
    assert.equal(server.begins('DATABASE_CORRUPT'), 1, server.log());
    await server.stop();
  },

  async a_server_on_a_read_only_disk_serves_reads_and_writes_once_it_may(annograph) {
    const small = disk(16);
    if (!small) return;
    let server = await serve(annograph, small.database);
    const task = await server.task();
    // One that is killed leaves a write-ahead log behind, one that is stopped does not.
    for (const signal of ['SIGKILL', 'SIGTERM']) {
      server.child.kill(signal);
      await server.ended;
      small.remount('ro');
      server = await serve(annograph, small.database);
      assert.equal(await server.tasks(), 1);
      failure(await server.write(task), ['READ_ONLY']);
      assert.match(await server.unready(), /READ_ONLY/);
      assert.equal(server.begins('READ_ONLY'), 1, server.log());
      small.remount('rw');
      await server.heals(task);
    }
    await server.stop();
  },

  async a_server_starts_on_a_full_disk(annograph) {
    const small = disk(16);
    if (!small) return;
    let server = await serve(annograph, small.database);
    const task = await server.task();
    server.child.kill('SIGTERM');
    await server.ended;
    small.fill();
    server = await serve(annograph, small.database);
    assert.equal(await server.tasks(), 1);
    failure(await server.write(task, LARGE), ['DISK_FULL', 'DISK_ERROR']);
    assert.match(await server.unready(), /DISK_(FULL|ERROR)/);
    small.free();
    await server.heals(task);
    await server.stop();
  },
};
