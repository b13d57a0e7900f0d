// Starts: several servers at once, databases that can't be opened, readers that go away.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { cluster, folder } from './stages.mjs';

/** A command under way; its output comes once it has ended. */
function command(annograph, database, ...words) {
  const env = { PATH: process.env.PATH, ANNOGRAPH_DATABASE_URL: database };
  const child = spawn(annograph, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const told = { out: '', err: '' };
  child.stdout.on('data', (data) => { told.out += data; });
  child.stderr.on('data', (data) => { told.err += data; });
  const ended = new Promise((done) => child.on('close', (code) => done({ code, ...told })));
  const greeted = new Promise((done) => child.stdout.once('data', done));
  return { child, told, ended, greeted };
}

const serve = ['--log', 'error', 'serve', '--listen', '127.0.0.1:0'];

async function all_start(annograph, database) {
  const servers = Array.from({ length: 6 }, () => command(annograph, database, ...serve));
  await Promise.all(servers.map(({ ended, greeted }) => Promise.race([ended, greeted])));
  for (const { child } of servers) child.kill('SIGTERM');
  const ended = await Promise.all(servers.map((server) => server.ended));
  for (const { out, err } of ended) assert.match(out, /^Annograph is at http:/, err);
  const tokens = ended.filter(({ out }) => out.includes('  token  '));
  assert.equal(tokens.length, 1, 'one of them prints the first token');
}

export default {
  async servers_that_start_together_on_an_empty_file_all_start(annograph) {
    for (let round = 0; round < 3; round += 1) {
      await all_start(annograph, `sqlite:${join(folder(), 'annograph.db')}`);
    }
  },

  async servers_that_start_together_on_an_empty_database_all_start(annograph) {
    const postgres = await cluster();
    for (let round = 0; round < 3; round += 1) {
      await all_start(annograph, postgres.database(`together_${round}`).url);
    }
  },

  async a_database_that_cannot_be_opened_is_told_at_once_and_once(annograph) {
    const postgres = await cluster();
    const { url } = postgres.database('there');
    postgres.sql('postgres', "CREATE ROLE locked NOLOGIN");
    const closed = await new Promise((found) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        server.close(() => found(port));
      });
    });
    for (const [database, cause] of [
      [`postgres://127.0.0.1:${closed}/x`, 'the connection was refused'],
      [url.replace(/there$/, 'nowhere'), 'database "nowhere" does not exist'],
      [url.replace('postgres@', 'locked@'), 'role "locked" is not permitted to log in'],
      [`sqlite:${join(folder(), 'missing', 'annograph.db')}`, 'there is no folder'],
      [`sqlite:${process.execPath}`, 'the file is no SQLite database'],
    ]) {
      for (const words of [serve, ['user', 'list'], ['migrate', 'status']]) {
        const began = Date.now();
        const { code, out, err } = await command(annograph, database, ...words).ended;
        assert.deepEqual([code, out], [1, ''], err);
        assert.equal(err.split(cause).length, 2, err);
        assert.ok(Date.now() - began < Number(process.env.QUICK ?? 4_000), `at once: ${err}`);
      }
    }
  },

  async a_command_ends_quietly_when_its_reader_goes_away(annograph) {
    const { child, ended } = command(annograph, 'sqlite:unused.db', 'schema');
    child.stdout.destroy();
    const { code, err } = await ended;
    assert.deepEqual([code, err], [0, '']);
  },
};
