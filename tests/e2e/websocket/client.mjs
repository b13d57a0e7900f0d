// Uses GraphQL over WebSocket as front ends do, with the npm package graphql-ws, against a running server.
//
//   node client.mjs http://127.0.0.1:PORT TOKEN
//
// The server has the demo's data, and the token signs an admin in. What goes over the socket apart from this
// client's habits is looked at by protocol.mjs.

import assert from 'node:assert/strict';

import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

import { EVENT, EVENTS_OF_ONE, Inbox, Server, assertCoded, awake, eventOf, run, until, within, words } from '../support/support.mjs';

const server = new Server(...words('http://127.0.0.1:PORT', 'TOKEN'));
const TASK = '1';
const clients = [];

/** A client that connects when it is first used. */
function connect(options = {}) {
  const client = createClient({
    url: server.endpoint.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${server.token}` },
    retryAttempts: 0,
    ...options,
  });
  clients.push(client);
  return client;
}

/** Sends an operation; its results come to `inbox`, `done` is its end: an array of errors, or an error of the socket, rejects it. */
function send(client, query, variables, operationName) {
  const inbox = new Inbox();
  let stop;
  const done = new Promise((complete, reject) => {
    const error = (cause) => reject(Array.isArray(cause) ? cause : failure(cause));
    stop = client.subscribe({ query, variables, operationName }, { next: (result) => inbox.push(result), complete, error });
  });
  done.catch(() => {});
  return { inbox, done, stop };
}

/** How a socket ended: a close event, or an error event. */
function failure({ code, reason, message }) {
  return Object.assign(new Error(`the socket ends: ${message ?? `${code} ${reason}`}`), { code });
}

/** The one result of a query or mutation. */
async function once(client, query, variables, operationName) {
  const { inbox, done } = send(client, query, variables, operationName);
  await within(done, `the end of ${query}`);
  assert.equal(inbox.items.length, 1, 'an operation has one result');
  return inbox.items[0];
}

/** What an operation is refused with, by one `error` message. */
async function refusal(client, query, variables) {
  const { inbox, done } = send(client, query, variables);
  const errors = await within(done.then(() => undefined, (errors) => errors), `the refusal of ${query}`);
  assert.ok(errors, `expected an error message, got ${JSON.stringify(inbox.items)} and complete`);
  assert.deepEqual(inbox.items, [], 'nothing comes before the error message');
  return errors;
}

const checks = {
  async a_query_has_one_result() {
    const { data } = await once(connect(), '{ viewer { username } }');
    assert.deepEqual(data, await server.query('{ viewer { username } }'));
  },

  async variables_and_the_operation_name_are_used() {
    const client = connect();
    const query = 'query A { __typename } query B($id: ID!) { task(id: $id) { id } }';
    assert.deepEqual(await once(client, query, { id: TASK }, 'B'), { data: { task: { id: TASK } } });
  },

  async a_mutation_has_one_result_and_is_done() {
    const id = await server.annotate(TASK);
    const query = 'mutation($id: ID!) { updateAnnotation(id: $id, input: { leadTime: 2.5 }) { version } }';
    assert.deepEqual(await once(connect(), query, { id }), { data: { updateAnnotation: { version: 2 } } });
    const { annotation } = await server.query('query($id: ID!) { annotation(id: $id) { version leadTime } }', { id });
    assert.deepEqual(annotation, { version: 2, leadTime: 2.5 });
  },

  async the_token_may_be_spelled_in_several_ways() {
    const accepted = [
      { authorization: `Bearer ${server.token}` },
      { Authorization: `Bearer ${server.token}` },
      { authorization: `Token ${server.token}` },
      { token: server.token },
    ];
    for (const connectionParams of accepted) {
      const { data } = await once(connect({ connectionParams }), '{ viewer { username } }').catch((error) => {
        const spelling = JSON.stringify(connectionParams).replace(server.token, 'TOKEN');
        throw new Error(`with ${spelling} ${error.message}`);
      });
      assert.ok(data.viewer.username);
    }
  },

  async the_token_may_come_with_the_handshake() {
    class Signed extends WebSocket {
      constructor(address, protocol) {
        super(address, protocol, { headers: { authorization: `Bearer ${server.token}` } });
      }
    }
    const { data } = await once(connect({ webSocketImpl: Signed, connectionParams: undefined }), '{ viewer { username } }');
    assert.ok(data.viewer.username);
  },

  async a_wrong_token_closes_the_socket() {
    const client = connect({ connectionParams: { authorization: 'Bearer not-a-token-of-anybody' } });
    const closed = await refusal(client, '{ viewer { username } }');
    assert.equal(closed.code, 4403, closed.message);
  },

  async a_token_that_is_renewed_lets_the_client_in() {
    const tokens = ['Bearer not-a-token-of-anybody', `Bearer ${server.token}`];
    const connectionParams = () => ({ authorization: tokens.shift() });
    const client = connect({ connectionParams, retryAttempts: 1, retryWait: async () => {} });
    const { data } = await once(client, '{ viewer { username } }');
    assert.ok(data.viewer.username);
  },

  async changes_sent_over_http_come_as_events() {
    const id = await server.annotate(TASK);
    const stream = send(connect(), EVENTS_OF_ONE, { id });
    const { version } = await awake(server, stream, id);
    await server.query('mutation($id: ID!) { updateAnnotation(id: $id, input: { leadTime: 77.5 }) { version } }', { id });
    const { cursor, at, ...event } = eventOf(await stream.inbox.next());
    assert.deepEqual(event, {
      action: 'UPDATED',
      annotationId: id,
      version: version + 1,
      changedFields: ['leadTime'],
      actor: (await server.query('{ viewer { username } }')).viewer,
      task: { id: TASK },
      annotation: { id, version: version + 1, leadTime: 77.5 },
    });
    assert.ok(cursor.length > 0);
    assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  },

  async a_change_that_changes_nothing_is_no_event() {
    const id = await server.annotate(TASK);
    const stream = send(connect(), EVENTS_OF_ONE, { id });
    const { version } = await awake(server, stream, id);
    const same = 'mutation($id: ID!, $t: Float) { updateAnnotation(id: $id, input: { leadTime: $t }) { version } }';
    await server.query(same, { id, t: 5.5 });
    await server.query(same, { id, t: 5.5 });
    await server.query(same, { id, t: 6.5 });
    const versions = [eventOf(await stream.inbox.next()).version, eventOf(await stream.inbox.next()).version];
    assert.deepEqual(versions, [version + 1, version + 2]);
  },

  async an_annotation_is_followed_from_its_making_to_its_end() {
    const client = connect();
    const sentinel = await server.annotate(TASK);
    const query = `subscription($task: ID!) { annotationEvents(filter: { taskId: { eq: $task } }) { ${EVENT} } }`;
    const stream = send(client, query, { task: TASK });
    await awake(server, stream, sentinel);
    const id = await server.annotate(TASK);
    await server.touch(id);
    await server.query('mutation($id: ID!) { deleteAnnotation(id: $id) { id } }', { id });
    const events = [];
    for (let n = 0; n < 3; n += 1) events.push(eventOf(await stream.inbox.next()));
    assert.deepEqual(
      events.map(({ action, annotationId, version }) => ({ action, annotationId, version })),
      [
        { action: 'CREATED', annotationId: id, version: 1 },
        { action: 'UPDATED', annotationId: id, version: 2 },
        { action: 'DELETED', annotationId: id, version: 3 },
      ],
    );
    assert.equal(events[2].annotation, null, 'what is deleted has no annotation');
    assert.equal(new Set(events.map(({ cursor }) => cursor)).size, 3, 'each event has a cursor of its own');
  },

  async a_filter_lets_only_its_own_through() {
    const client = connect();
    const [mine, other] = [await server.annotate(TASK), await server.annotate(TASK)];
    const stream = send(client, EVENTS_OF_ONE, { id: mine });
    await awake(server, stream, mine);
    await server.touch(other);
    const version = await server.touch(mine);
    const event = eventOf(await stream.inbox.next());
    assert.deepEqual([event.annotationId, event.version], [mine, version]);
    assert.equal(stream.inbox.items.length, 0);
  },

  async many_subscriptions_on_one_socket_all_get_the_event() {
    const client = connect();
    const id = await server.annotate(TASK);
    const streams = Array.from({ length: 20 }, () => send(client, EVENTS_OF_ONE, { id }));
    for (const stream of streams) await awake(server, stream, id);
    const version = await server.touch(id);
    for (const { inbox } of streams) {
      const seen = [];
      while (seen.at(-1) !== version) seen.push(eventOf(await inbox.next()).version);
      const expected = seen.map((_, index) => seen[0] + index);
      assert.deepEqual(seen, expected, 'each subscription has every version once, in order');
    }
  },

  async queries_are_answered_beside_subscriptions() {
    const client = connect();
    const id = await server.annotate(TASK);
    const stream = send(client, EVENTS_OF_ONE, { id });
    await awake(server, stream, id);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => once(client, 'query($id: ID!) { annotation(id: $id) { id } }', { id })),
    );
    assert.deepEqual(results, Array(20).fill({ data: { annotation: { id } } }));
  },

  async a_subscription_that_is_completed_gets_nothing_more() {
    const client = connect();
    const id = await server.annotate(TASK);
    const [first, second] = [send(client, EVENTS_OF_ONE, { id }), send(client, EVENTS_OF_ONE, { id })];
    await awake(server, first, id);
    await awake(server, second, id);
    first.stop();
    await within(first.done, 'the end of a subscription');
    // The server reads what a socket brings in order, so it has read `complete` before it answers.
    await once(client, '{ __typename }');
    first.inbox.items.length = 0;
    second.inbox.items.length = 0;
    const version = await server.touch(id);
    assert.equal(eventOf(await second.inbox.next()).version, version);
    assert.deepEqual(first.inbox.items, []);
  },

  async after_resumes_behind_an_event_without_loss() {
    const id = await server.annotate(TASK);
    const before = connect();
    const stream = send(before, EVENTS_OF_ONE, { id });
    const { cursor, version } = await awake(server, stream, id);
    await before.dispose();
    const missed = [await server.touch(id), await server.touch(id), await server.touch(id)];
    assert.deepEqual(missed, [version + 1, version + 2, version + 3]);
    const { inbox: resumed } = send(connect(), EVENTS_OF_ONE, { id, after: cursor });
    for (const expected of missed) assert.equal(eventOf(await resumed.next()).version, expected);
    const live = await server.touch(id);
    assert.equal(eventOf(await resumed.next()).version, live, 'it goes on live behind what was missed');
  },

  async changes_during_a_resumption_come_once_and_in_order() {
    const id = await server.annotate(TASK);
    const stream = send(connect(), EVENTS_OF_ONE, { id });
    const { cursor, version } = await awake(server, stream, id);
    let last = version;
    const writing = (async () => {
      for (let n = 0; n < 30; n += 1) last = await server.touch(id);
    })();
    const streams = [];
    for (let n = 0; n < 5; n += 1) {
      streams.push(send(connect(), EVENTS_OF_ONE, { id, after: cursor }).inbox);
      await streams[n].next();
    }
    await writing;
    for (const [n, stream] of streams.entries()) {
      const seen = [version + 1];
      while (seen.at(-1) < last) seen.push(eventOf(await stream.next(`event ${seen.length} of stream ${n}`)).version);
      assert.deepEqual(seen, Array.from({ length: last - version }, (_, index) => version + 1 + index));
    }
  },

  async a_client_that_loses_its_socket_comes_back() {
    const id = await server.annotate(TASK);
    const opened = new Inbox();
    const client = connect({ retryAttempts: 5, retryWait: async () => {}, on: { connected: () => opened.push(true) } });
    const probe = send(connect(), EVENTS_OF_ONE, { id });
    const { cursor } = await awake(server, probe, id);
    const { inbox } = send(client, EVENTS_OF_ONE, { id, after: cursor });
    await opened.next('the first socket');
    const version = await server.touch(id);
    assert.equal(eventOf(await inbox.next()).version, version);
    client.terminate();
    await opened.next('the second socket');
    assert.equal(eventOf(await inbox.next()).version, version, 'the same subscription begins at the same cursor');
    const next = await server.touch(id);
    assert.equal(eventOf(await inbox.next()).version, next);
  },

  async requests_that_cannot_run_are_refused_by_an_error_message() {
    const client = connect();
    const refused = [
      ['{ viewer {', {}, 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { a: annotationEvents { version } b: annotationEvents { version } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['query($id: ID!) { task(id: $id) { id } }', {}, 'BAD_USER_INPUT'],
      ['query($n: Int) { tasks(first: $n) { nodes { id } } }', { n: 'many' }, 'BAD_USER_INPUT'],
      ['query A { __typename } query B { __typename }', {}, 'BAD_REQUEST'],
    ];
    for (const [query, variables, code] of refused) assertCoded(await refusal(client, query, variables), code);
    const { data } = await once(client, '{ viewer { username } }');
    assert.ok(data.viewer.username, 'the socket goes on');
  },

  async an_error_of_a_field_comes_with_the_data() {
    const result = await once(connect(), 'mutation { updateAnnotation(id: "999999999", input: {}) { id } }');
    assert.deepEqual(result.data, { updateAnnotation: null });
    assertCoded(result.errors, 'NOT_FOUND');
    assert.deepEqual(result.errors[0].path, ['updateAnnotation']);
  },

  async a_cursor_that_is_none_is_refused() {
    for (const after of ['nonsense', '', 'MQ', 'x'.repeat(10_000)]) {
      const { inbox, done } = send(connect(), 'subscription($after: String) { annotationEvents(after: $after) { version } }', { after });
      const errors = await within(done.then(() => inbox.items[0]?.errors, (errors) => errors), `the refusal of ${after.slice(0, 20)}`);
      assertCoded(errors, 'BAD_USER_INPUT');
    }
  },

  async disposing_of_a_client_closes_its_socket() {
    const closed = new Inbox();
    const client = connect({ lazy: false, on: { closed: (event) => closed.push(event) } });
    await once(client, '{ __typename }');
    await client.dispose();
    assert.equal((await closed.next('the end of the socket')).code, 1000);
    await until(() => server.query('{ __typename }'), 'the server goes on');
  },
};

await run(checks, {
  async after() {
    for (const client of clients) await client.dispose();
  },
});
