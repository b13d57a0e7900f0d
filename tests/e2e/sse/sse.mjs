// Uses GraphQL over server-sent events, in the distinct connections mode of the npm package graphql-sse.
//
//   node sse.mjs http://127.0.0.1:PORT TOKEN ANNOGRAPH
//
// The running server has the demo's data, and the token signs an admin in. ANNOGRAPH is the program: what needs
// settings of its own is tried on servers that are started here. The protocol:
// https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md

import assert from 'node:assert/strict';

import { createClient } from 'graphql-sse';

import { EVENT, EVENTS_OF_ONE, Inbox, Server, assertCoded, awake, eventOf, run, start, until, within, words } from '../support/support.mjs';

const [address, token, annograph] = words('http://127.0.0.1:PORT', 'TOKEN', 'ANNOGRAPH');
const server = new Server(address, token);
const own = await start(annograph, { ANNOGRAPH_MAX_SUBSCRIPTIONS: '3', ANNOGRAPH_TOKEN_CHECK: '1' });
const TASK = '1';
const clients = [];
const streams = [];

function connect(options = {}, to = server) {
  const headers = { authorization: `Bearer ${to.token}` };
  const client = createClient({ url: to.endpoint, headers, retryAttempts: 0, ...options });
  clients.push(client);
  return client;
}

/** Sends an operation with the client; its results come to `inbox`, `done` is its end. */
function send(client, query, variables, operationName) {
  const inbox = new Inbox();
  let stop;
  const done = new Promise((complete, error) => {
    stop = client.subscribe({ query, variables, operationName }, { next: (result) => inbox.push(result), complete, error });
  });
  done.catch(() => {});
  return { inbox, done, stop };
}

/** The one result of an operation that ends by itself. */
async function once(query, variables, operationName) {
  const { inbox, done } = send(connect(), query, variables, operationName);
  await within(done, `the end of ${query}`);
  assert.equal(inbox.items.length, 1, 'an operation has one result');
  return inbox.items[0];
}

/** A request made by hand. What comes in is kept as `text`; `ended` is its end, `abort()` hangs up. */
async function request({ method = 'POST', body, search = '', headers = {}, to = server }) {
  const controller = new AbortController();
  const response = await within(
    fetch(`${to.endpoint}${search}`, {
      method,
      headers: {
        authorization: `Bearer ${to.token}`,
        accept: 'text/event-stream',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: typeof body === 'object' ? JSON.stringify(body) : body,
      signal: controller.signal,
    }),
    'the head of an answer',
  );
  const stream = { response, status: response.status, type: response.headers.get('content-type') ?? '', text: '' };
  stream.abort = () => controller.abort();
  stream.ended = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const bytes of response.body) stream.text += decoder.decode(bytes, { stream: true });
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    }
  })();
  stream.ended.catch(() => {});
  streams.push(stream);
  return stream;
}

/** A GET request with the operation in its address. */
function get({ query, variables, operationName, ...more }) {
  const search = new URLSearchParams({ query });
  if (variables) search.set('variables', JSON.stringify(variables));
  if (operationName) search.set('operationName', operationName);
  return request({ method: 'GET', search: `?${search}`, ...more });
}

/** The events of a stream's text: `next` with its result, `complete` without. Comments are left out. */
function events(text) {
  const blocks = text.replaceAll('\r\n', '\n').split('\n\n').slice(0, -1);
  return blocks.flatMap((block) => {
    const lines = block.split('\n').filter((line) => !line.startsWith(':'));
    if (lines.length === 0) return [];
    const values = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
    const data = values('data').join('\n');
    return [{ event: values('event')[0], data: data === '' ? null : JSON.parse(data) }];
  });
}

/** All events of a stream that ends by itself. */
async function allEvents(stream) {
  assert.equal(stream.status, 200);
  assert.match(stream.type, /^text\/event-stream(; *charset=utf-8)?$/i);
  await within(stream.ended, 'the end of a stream');
  return events(stream.text);
}

/** A request that is refused before it is a stream: with a status, and errors as JSON. */
async function assertRefused(stream, status, code) {
  await within(stream.ended, 'the end of a refusal');
  assert.equal(stream.status, status, stream.text.slice(0, 300));
  assert.match(stream.type, /^application\/(graphql-response\+)?json\b/);
  const body = JSON.parse(stream.text);
  assert.deepEqual(Object.keys(body), ['errors']);
  assertCoded(body.errors, code);
}

const FOREVER = 'subscription { annotationEvents { version } }';

const checks = {
  // ---------------------------------------------------------------- the client

  async a_query_has_one_result() {
    assert.deepEqual(await once('{ viewer { username } }'), { data: await server.query('{ viewer { username } }') });
  },

  async variables_and_the_operation_name_are_used() {
    const query = 'query A { __typename } query B($id: ID!) { task(id: $id) { id } }';
    assert.deepEqual(await once(query, { id: TASK }, 'B'), { data: { task: { id: TASK } } });
  },

  async a_mutation_has_one_result_and_is_done_once() {
    const id = await server.annotate(TASK);
    const query = 'mutation($id: ID!) { updateAnnotation(id: $id, input: { leadTime: 2.5 }) { version } }';
    assert.deepEqual(await once(query, { id }), { data: { updateAnnotation: { version: 2 } } });
    assert.deepEqual(await server.query('query($id: ID!) { annotation(id: $id) { version } }', { id }), { annotation: { version: 2 } });
  },

  async errors_of_fields_come_with_the_data() {
    const result = await once('mutation { updateAnnotation(id: "999999999", input: {}) { id } }');
    assert.deepEqual(result.data, { updateAnnotation: null });
    assertCoded(result.errors, 'NOT_FOUND');
  },

  async changes_sent_over_http_come_as_events() {
    const id = await server.annotate(TASK);
    const stream = send(connect(), EVENTS_OF_ONE, { id });
    const { version } = await awake(server, stream, id);
    await server.query('mutation($id: ID!) { updateAnnotation(id: $id, input: { leadTime: 77.5 }) { version } }', { id });
    const event = eventOf(await stream.inbox.next());
    assert.deepEqual([event.action, event.version, event.annotation.leadTime], ['UPDATED', version + 1, 77.5]);
    stream.stop();
  },

  async several_streams_all_get_the_event() {
    const id = await server.annotate(TASK);
    const streams = Array.from({ length: 5 }, () => send(connect(), EVENTS_OF_ONE, { id }));
    for (const stream of streams) await awake(server, stream, id);
    const version = await server.touch(id);
    for (const { inbox, stop } of streams) {
      const seen = [];
      while (seen.at(-1) !== version) seen.push(eventOf(await inbox.next()).version);
      assert.deepEqual(seen, seen.map((_, index) => seen[0] + index), 'every version once, in order');
      stop();
    }
  },

  async after_resumes_behind_an_event_without_loss() {
    const id = await server.annotate(TASK);
    const before = send(connect(), EVENTS_OF_ONE, { id });
    const { cursor } = await awake(server, before, id);
    before.stop();
    const missed = [await server.touch(id), await server.touch(id), await server.touch(id)];
    const { inbox, stop } = send(connect(), EVENTS_OF_ONE, { id, after: cursor });
    for (const version of missed) assert.equal(eventOf(await inbox.next()).version, version);
    const live = await server.touch(id);
    assert.equal(eventOf(await inbox.next()).version, live);
    stop();
  },

  async a_wrong_token_is_401() {
    const { done } = send(connect({ headers: { authorization: 'Bearer nobody' } }), '{ __typename }');
    const error = await within(done.then(() => undefined, (error) => error), 'the refusal');
    assert.equal(error?.response?.status, 401, String(error));
  },

  // ---------------------------------------------------------------- the protocol

  async a_stream_is_next_and_complete() {
    const stream = await request({ body: { query: '{ __typename }' } });
    assert.deepEqual(await allEvents(stream), [
      { event: 'next', data: { data: { __typename: 'Query' } } },
      { event: 'complete', data: null },
    ]);
    assert.match(stream.text, /event: ?complete\ndata:/, 'an EventSource sees no event without a data line');
  },

  async a_stream_is_neither_stored_nor_compressed() {
    const stream = await request({ body: { query: FOREVER }, headers: { 'accept-encoding': 'gzip, br' } });
    assert.match(stream.type, /^text\/event-stream/);
    assert.match(stream.response.headers.get('cache-control') ?? '', /no-cache|no-store/);
    assert.ok(!/gzip|br|deflate|zstd/.test(stream.response.headers.get('content-encoding') ?? ''), 'a compressed stream stalls');
    stream.abort();
  },

  async text_with_line_breaks_stays_one_event() {
    const query = 'mutation($title: String!) { createProject(input: { title: $title }) { title } }';
    const title = 'a\nb\r\nevent: complete\n\ndata: {}\rü🚀\u2028';
    const [next, ...rest] = await allEvents(await request({ body: { query, variables: { title } } }));
    assert.deepEqual(next.data, { data: { createProject: { title } } });
    assert.deepEqual(rest, [{ event: 'complete', data: null }]);
  },

  async the_head_of_a_subscription_comes_at_once() {
    const stream = await request({ body: { query: FOREVER } });
    assert.equal(stream.status, 200);
    assert.match(stream.type, /^text\/event-stream/);
    stream.abort();
  },

  // PROTOCOL.md: "Validation steps that run before execution of the GraphQL operation MUST report errors through an
  // accepted SSE connection by emitting `next` events that contain the errors in the data field."
  async errors_of_validation_come_as_next_and_complete() {
    const wrong = [
      ['{ nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { a: annotationEvents { version } b: annotationEvents { version } }', {}, 'GRAPHQL_VALIDATION_FAILED'],
      ['query($n: Int) { tasks(first: $n) { nodes { id } } }', { n: 'x' }, 'BAD_USER_INPUT'],
    ];
    for (const [query, variables, code] of wrong) {
      const [next, ...rest] = await allEvents(await request({ body: { query, variables } }));
      assert.equal(next?.event, 'next');
      assert.deepEqual(Object.keys(next.data), ['errors']);
      assertCoded(next.data.errors, code);
      assert.deepEqual(rest, [{ event: 'complete', data: null }]);
    }
  },

  // The protocol leaves this one open: its own server answers 400, as GraphQL over HTTP has it.
  async a_document_that_does_not_parse_is_refused_either_way() {
    const stream = await request({ body: { query: '{ viewer {' } });
    if (stream.status !== 200) return assertRefused(stream, 400, 'GRAPHQL_PARSE_FAILED');
    const [next, ...rest] = await allEvents(stream);
    assertCoded(next.data.errors, 'GRAPHQL_PARSE_FAILED');
    assert.deepEqual(rest, [{ event: 'complete', data: null }]);
  },

  async requests_that_are_none_are_refused_as_over_http() {
    await assertRefused(await request({ body: '{' }), 400, 'BAD_REQUEST');
    await assertRefused(await request({ body: {} }), 400, 'BAD_REQUEST');
    await assertRefused(await request({ body: { query: 7 } }), 400, 'BAD_REQUEST');
    const text = { 'content-type': 'text/plain' };
    await assertRefused(await request({ body: '{"query":"{ __typename }"}', headers: text }), 415, 'BAD_REQUEST');
    await assertRefused(await request({ body: { query: FOREVER }, headers: { authorization: 'Bearer nobody' } }), 401, 'UNAUTHENTICATED');
    await assertRefused(await request({ method: 'PUT', body: { query: FOREVER } }), 405, 'BAD_REQUEST');
    await assertRefused(await request({ method: 'DELETE', search: '?operationId=1' }), 405, 'BAD_REQUEST');
  },

  async a_cursor_that_is_none_is_refused() {
    const query = 'subscription($after: String) { annotationEvents(after: $after) { version } }';
    const stream = await request({ body: { query, variables: { after: 'nonsense' } } });
    if (stream.status !== 200) return assertRefused(stream, 400, 'BAD_USER_INPUT');
    const [next] = await allEvents(stream);
    assertCoded(next.data.errors, 'BAD_USER_INPUT');
  },

  async a_batch_is_no_stream() {
    const stream = await request({ body: [{ query: FOREVER }, { query: FOREVER }] });
    await assertRefused(stream, 400);
  },

  async a_subscription_without_a_stream_is_refused() {
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      const stream = await request({ body: { query: FOREVER }, headers: { accept } });
      await within(stream.ended, `the answer to Accept: ${accept}`);
      assert.match(stream.type, /json/);
      assertCoded(JSON.parse(stream.text).errors);
    }
  },

  async accept_with_parameters_is_understood() {
    for (const accept of ['text/event-stream; q=1.0, application/json; q=0.5', 'TEXT/EVENT-STREAM', 'application/json;q=0.1, text/event-stream']) {
      const got = await allEvents(await request({ body: { query: '{ __typename }' }, headers: { accept } }));
      assert.equal(got.length, 2, accept);
    }
    const stream = await request({ body: { query: '{ __typename }' }, headers: { accept: 'text/event-stream;q=0.1, application/json' } });
    assert.match(stream.type, /^application\/json/, 'the better liked type wins');
  },

  // ---------------------------------------------------------------- GET

  async get_runs_queries() {
    const query = 'query A { __typename } query B($id: ID!) { task(id: $id) { id } }';
    const stream = await get({ query, variables: { id: TASK }, operationName: 'B' });
    assert.deepEqual(await allEvents(stream), [
      { event: 'next', data: { data: { task: { id: TASK } } } },
      { event: 'complete', data: null },
    ]);
  },

  async get_runs_subscriptions() {
    const id = await server.annotate(TASK);
    const stream = await get({ query: EVENTS_OF_ONE, variables: { id } });
    assert.match(stream.type, /^text\/event-stream/);
    await until(async () => (await server.touch(id), events(stream.text).length > 0), 'an event');
    assert.equal(events(stream.text)[0].data.data.annotationEvents.annotationId, id);
    stream.abort();
  },

  async get_never_runs_mutations() {
    const id = await server.annotate(TASK);
    const query = `query A { __typename } mutation B { updateAnnotation(id: "${id}", input: { leadTime: 2.5 }) { version } }`;
    for (const accept of ['text/event-stream', 'application/json', 'text/event-stream, */*']) {
      const stream = await get({ query, operationName: 'B', headers: { accept } });
      await assertRefused(stream, 405, 'BAD_REQUEST');
      assert.match(stream.response.headers.get('allow') ?? '', /POST/);
    }
    assert.deepEqual(await server.query(`{ annotation(id: "${id}") { version leadTime } }`), { annotation: { version: 1, leadTime: null } });
  },

  // ---------------------------------------------------------------- life and death

  async too_many_streams_of_a_token_are_refused_until_one_ends() {
    const held = [];
    for (let n = 0; n < 3; n += 1) held.push(await request({ body: { query: FOREVER }, to: own }));
    for (const { type } of held) assert.match(type, /^text\/event-stream/);
    const refused = await request({ body: { query: FOREVER }, to: own });
    await assertRefused(refused, 429, 'LIMIT_EXCEEDED');
    held[0].abort();
    await until(async () => {
      const stream = await request({ body: { query: FOREVER }, to: own });
      stream.abort();
      return stream.status === 200;
    }, 'room for one after one has hung up');
    for (const stream of held) stream.abort();
  },

  async a_client_that_hangs_up_frees_the_servers_side() {
    await until(() => own.query('{ __typename }'), 'the server');
    const before = own.sockets();
    for (let round = 0; round < 20; round += 1) {
      const stream = await until(async () => {
        const stream = await request({ body: { query: FOREVER }, to: own });
        if (stream.status === 200) return stream;
        await stream.ended;
        return undefined;
      }, 'room for a stream');
      stream.abort();
    }
    await until(() => own.sockets() <= before, `the end of the server's side (${before} sockets before)`, 8_000);
  },

  async a_revoked_token_ends_its_streams() {
    const program = await start(annograph, { ANNOGRAPH_TOKEN_CHECK: '1' }, { demo: false });
    const text = (await program.command('token', 'create', '--user', 'admin', '--name', 'doomed')).trim();
    const authorization = `Bearer ${text}`;
    const doomed = await request({ body: { query: FOREVER }, headers: { authorization }, to: program });
    const other = await request({ body: { query: FOREVER }, to: program });
    assert.match(doomed.type, /^text\/event-stream/);
    const tokens = await program.command('token', 'list', '--user', 'admin');
    const [number] = tokens.split('\n').find((line) => line.includes('doomed')).trim().split(/\s+/);
    await program.command('token', 'revoke', number);
    await within(doomed.ended.catch(() => {}), 'the end of the stream', 6_000);
    const still = await Promise.race([other.ended.then(() => 'ended'), program.query('{ __typename }').then(() => 'open')]);
    assert.equal(still, 'open', 'the stream of another token goes on');
    other.abort();
  },

  async a_quiet_stream_is_kept_alive_by_comments() {
    const stream = await request({ body: { query: FOREVER }, to: own });
    await until(() => /^:/m.test(stream.text), 'a comment', 35_000);
    assert.deepEqual(events(stream.text), [], 'a comment is no event');
    stream.abort();
  },

  async the_server_is_still_the_same() {
    assert.ok(own.isUp(), own.log());
    await own.query('{ viewer { username } }');
    assert.doesNotMatch(own.log(), /panicked/);
  },
};

await run(checks, {
  limit: 40_000,
  async after() {
    for (const client of clients) client.dispose();
    for (const stream of streams) stream.abort();
  },
});
