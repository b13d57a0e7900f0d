// PostgreSQL: servers that restart, stop, freeze, and take no writes.

import assert from 'node:assert/strict';
import { until } from '../support/support.mjs';
import { cluster, disk, failure, serve } from './stages.mjs';

const together = (count, work) => Promise.all(Array.from({ length: count }, (_, index) => work(index)));

export default {
  async requests_do_not_notice_a_restart_while_they_are_idle(annograph) {
    const postgres = await cluster();
    const { url } = postgres.database('restarted');
    const server = await serve(annograph, url);
    const task = await server.task();
    await together(12, () => server.tasks());
    for (const mode of ['fast', 'immediate']) {
      postgres.stop(mode);
      postgres.start();
      const counts = await together(12, () => server.tasks());
      assert.deepEqual(new Set(counts), new Set([1]));
      const written = await together(4, () => server.write(task));
      assert.deepEqual(written.flatMap(({ errors }) => errors ?? []), []);
    }
    await server.stop();
  },

  async a_server_that_is_away_is_told_and_works_again(annograph) {
    const postgres = await cluster();
    const { url } = postgres.database('away');
    const server = await serve(annograph, url, { ANNOGRAPH_TIMEOUT: '3' });
    const task = await server.task();
    postgres.stop();
    failure(await server.write(task), ['UNREACHABLE', 'TIMEOUT']);
    assert.match(await server.unready(), /UNREACHABLE|TIMEOUT/);
    postgres.start();
    await server.heals(task);
    assert.ok(server.begins('UNREACHABLE') <= 1 && server.begins('TIMEOUT') <= 1, server.log());
    await server.stop();
  },

  async connections_of_before_a_failover_are_dropped(annograph) {
    const postgres = await cluster();
    const { name, url } = postgres.database('standby');
    const server = await serve(annograph, url);
    const task = await server.task();
    // Sessions that begin from now on take no writes, as those at a server that became a standby.
    postgres.sql('postgres', `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    postgres.stop();
    postgres.start();
    for (let round = 0; round < 3; round += 1) failure(await server.write(task), ['READ_ONLY']);
    assert.equal(await server.tasks(), 1, 'reads are served');
    assert.match(await server.unready(), /READ_ONLY/);
    assert.equal(server.begins('READ_ONLY'), 1, server.log());
    // Only sessions that begin from now on write again.
    postgres.sql('postgres', `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await server.heals(task);
    await server.stop();
  },

  async a_server_starts_on_a_standby(annograph) {
    const postgres = await cluster();
    const { name, url } = postgres.database('reading');
    let server = await serve(annograph, url);
    const task = await server.task();
    await server.stop();
    postgres.sql('postgres', `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    server = await serve(annograph, url);
    assert.equal(await server.tasks(), 1);
    failure(await server.write(task), ['READ_ONLY']);
    assert.match(server.log(), /READ_ONLY/);
    postgres.sql('postgres', `ALTER DATABASE ${name} RESET default_transaction_read_only`);
    await server.heals(task);
    await server.stop();
  },

  async what_is_said_to_be_not_done_is_not_done_after_a_freeze(annograph) {
    const postgres = await cluster();
    const { name, url } = postgres.database('frozen');
    const server = await serve(annograph, url, { ANNOGRAPH_TIMEOUT: '1' });
    const task = await server.task();
    const there = () => Number(postgres.sql(name, 'SELECT count(*) FROM annotation'));
    let [done, open, refused] = [0, 0, 0];
    for (let round = 0; round < 4; round += 1) {
      const answers = together(12, () => server.write(task, round * 2_000));
      await new Promise((later) => setTimeout(later, 5 + round * 10));
      postgres.signal('SIGSTOP');
      let settled;
      try {
        settled = await answers;
      } finally {
        postgres.signal('SIGCONT');
      }
      for (const answer of settled) {
        if (!answer.errors) done += 1;
        else if (failure(answer, ['TIMEOUT', 'UNREACHABLE', 'BUSY'], null).outcome === 'UNKNOWN') open += 1;
        else refused += 1;
      }
      await until(async () => !(await server.unready()), 'the server is ready again', 20_000);
    }
    const busy = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND datname = current_database() AND pid <> pg_backend_pid()";
    await until(() => postgres.sql(name, busy) === '0', 'everything has come to its end', 20_000).catch((error) => {
      throw new Error(`${error.message}\n${postgres.sql(name, 'SELECT state, backend_type, wait_event, query FROM pg_stat_activity')}\n${server.log()}`);
    });
    const count = there();
    assert.ok(count >= done && count <= done + open, `${count} are there: ${done} done, ${open} unknown, ${refused} not done`);
    assert.ok(refused > 0, 'some did not come to their commit');
    await server.stop();
  },

  async a_full_disk_is_told_and_works_again_once_it_is_freed(annograph) {
    const small = disk(32);
    if (!small) return;
    const postgres = await cluster();
    postgres.own(small.path);
    postgres.sql('postgres', `CREATE TABLESPACE small LOCATION '${small.path}'`);
    const { url } = postgres.database('filled', 'TABLESPACE small');
    const server = await serve(annograph, url);
    const task = await server.task();
    small.fill();
    const large = async () => server.write(task, 2_000_000);
    const failed = await until(async () => {
      const answer = await large();
      return answer.errors && answer;
    }, 'the disk is full', 20_000);
    failure(failed, ['DISK_FULL']);
    assert.match(await server.unready(), /DISK_FULL/);
    assert.equal(server.begins('DISK_FULL'), 1, server.log());
    small.free();
    await server.heals(task);
    await server.stop();
  },
};
