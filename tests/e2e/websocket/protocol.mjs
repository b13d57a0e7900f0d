// Looks at every message and close code of GraphQL over WebSocket, frame by frame.
//
//   node protocol.mjs ANNOGRAPH
//
// ANNOGRAPH is the program; the servers are started here, with short times. The protocol is that of graphql-ws:
// https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

import WebSocket from 'ws';

import { EVENTS_OF_ONE, Inbox, assertCoded, awake, run, start, until, within, words } from '../support/support.mjs';

const [annograph] = words('ANNOGRAPH');
const MAX_MESSAGE = 100_000;
const server = await start(
  annograph,
  {
    ANNOGRAPH_WS_INIT_TIMEOUT: '1',
    ANNOGRAPH_WS_PING: '1',
    ANNOGRAPH_WS_MAX_MESSAGE: String(MAX_MESSAGE),
    ANNOGRAPH_TOKEN_CHECK: '1',
  },
  { demo: false },
);
const TASK = await firstTask(server);
const PROTOCOL = 'graphql-transport-ws';
const SIGN_IN = { type: 'connection_init', payload: { authorization: `Bearer ${server.token}` } };

async function firstTask(server) {
  const { createProject } = await server.query('mutation { createProject(input: { title: "Sockets" }) { id } }');
  const make = 'mutation($id: ID!) { createTasks(projectId: $id, tasks: [{ data: {} }]) { id } }';
  const { createTasks } = await server.query(make, { id: createProject.id });
  return createTasks[0].id;
}

/** A socket whose messages come to `inbox`; `closed` resolves to its close code and reason. */
class Socket {
  inbox = new Inbox();
  pings = new Inbox();

  constructor(protocols = PROTOCOL, options = {}, to = server) {
    this.socket = new WebSocket(`ws://${to.host}:${to.port}/graphql`, protocols, options);
    this.opened = new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    this.opened.catch(() => {});
    this.socket.on('error', (error) => (this.error = error));
    this.socket.on('message', (text) => this.inbox.push(JSON.parse(text)));
    this.socket.on('ping', () => this.pings.push(true));
    this.closed = new Promise((resolve) => {
      this.socket.once('close', (code, reason) => resolve({ code, reason }));
    });
    this.closed.then(({ code, reason }) => this.inbox.push({ type: `the socket closes: ${code} ${reason}` }));
    sockets.push(this);
  }

  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message, which must be of this type. */
  async take(type, id) {
    const message = await this.inbox.next(`a message ${type}`);
    assert.equal(message.type, type, JSON.stringify(message).slice(0, 300));
    if (id !== undefined) assert.equal(message.id, id);
    return message;
  }

  /** How the server closes the socket. */
  async end(limit = 3_000) {
    const { code, reason } = await within(this.closed, 'the end of the socket', limit);
    assert.ok(reason.length <= 123, `the reason has ${reason.length} bytes`);
    const text = reason.toString();
    assert.ok(Buffer.from(text).equals(reason), 'the reason is UTF-8');
    if (this.error) throw new Error(`the socket breaks with ${code}: ${this.error.message}`);
    return { code, reason: text };
  }

  async assertClosed(code, what = '') {
    const end = await this.end().catch((error) => {
      throw new Error(`${what} expected ${code}, got: ${error.message}`);
    });
    assert.equal(end.code, code, `${what} is closed with ${end.code} ${end.reason}`);
    return end;
  }

  /** Still there: answers a query. */
  async assertAlive() {
    const id = `alive-${randomBytes(4).toString('hex')}`;
    this.send({ id, type: 'subscribe', payload: { query: '{ __typename }' } });
    assert.deepEqual((await this.take('next', id)).payload, { data: { __typename: 'Query' } });
    await this.take('complete', id);
  }
}
const sockets = [];

/** A socket that is open, and not signed in yet. */
async function open(...args) {
  const socket = new Socket(...args);
  await within(socket.opened, 'the handshake');
  return socket;
}

/** A socket that is signed in. */
async function signedIn(init = SIGN_IN, ...args) {
  const socket = await open(...args);
  socket.send(init);
  await socket.take('connection_ack');
  return socket;
}

function subscribe(id, query, more = {}) {
  return { id, type: 'subscribe', payload: { query, ...more } };
}

/** A `ping` message of so many bytes. */
function ping(bytes) {
  const empty = JSON.stringify({ type: 'ping', payload: { x: '' } });
  return JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(bytes - empty.length) } });
}

/** A connection as bytes: what `ws` keeps us from sending. */
class Raw {
  received = Buffer.alloc(0);

  constructor(to = server) {
    this.socket = connect(to.port, to.host);
    this.socket.on('data', (bytes) => (this.received = Buffer.concat([this.received, bytes])));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
    sockets.push(this);
  }

  /** Sends the head of a request; returns the head of the answer. */
  async handshake(changes = {}, method = 'GET') {
    const headers = {
      host: server.host,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': PROTOCOL,
      ...changes,
    };
    const lines = Object.entries(headers).filter(([, value]) => value !== undefined);
    const length = method === 'POST' ? 'content-length: 0\r\n' : '';
    this.socket.write(`${method} /graphql HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}${length}\r\n`);
    const end = await until(() => this.received.indexOf('\r\n\r\n') + 1, 'the answer to a handshake');
    const head = this.received.subarray(0, end - 1).toString();
    this.received = this.received.subarray(end + 3);
    return { status: Number(head.split(' ')[1]), head };
  }

  /** A frame with its first byte as given, masked unless told otherwise. */
  frame(first, payload, { masked = true, length = payload.length } = {}) {
    const size = length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 255] : [127, ...longLength(length)];
    if (masked) size[0] |= 0x80;
    const mask = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
    const body = Buffer.from(payload).map((byte, index) => (masked ? byte ^ mask[index % 4] : byte));
    this.socket.write(Buffer.concat([Buffer.from([first, ...size]), mask, body]));
  }

  /** The close code that the server sends; undefined when it only hangs up. */
  async end() {
    await within(this.closed, 'the end of the connection', 3_000);
    for (let at = 0; at < this.received.length; ) {
      const [first, size] = this.received.subarray(at);
      const [start, length] = size < 126 ? [at + 2, size] : [at + 4, this.received.readUInt16BE(at + 2)];
      if (first === 0x88) return length >= 2 ? this.received.readUInt16BE(start) : undefined;
      at = start + length;
    }
    return undefined;
  }
}

function longLength(length) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

async function rawSignedIn(to = server) {
  const raw = new Raw(to);
  assert.equal((await raw.handshake()).status, 101);
  raw.frame(0x81, Buffer.from(JSON.stringify(SIGN_IN)));
  await until(() => raw.received.includes('connection_ack'), 'the acknowledgement');
  raw.received = Buffer.alloc(0);
  return raw;
}

const checks = {
  // ---------------------------------------------------------------- handshake

  async the_handshake_names_the_subprotocol() {
    assert.equal((await open()).socket.protocol, PROTOCOL);
    assert.equal((await open(['graphql-ws', PROTOCOL])).socket.protocol, PROTOCOL);
  },

  async other_subprotocols_are_refused() {
    for (const protocol of [undefined, 'graphql-ws', 'soap', 'graphql-transport-WS', '']) {
      const raw = new Raw();
      const { status, head } = await raw.handshake({ 'sec-websocket-protocol': protocol });
      const got = status === 101 ? await raw.end() : status;
      assert.ok(got === 4406 || (got >= 400 && got < 500), `${protocol} gives ${got}: ${head}`);
    }
  },

  async handshakes_that_are_none_are_refused() {
    const wrong = [
      { 'sec-websocket-version': '12' },
      { 'sec-websocket-version': undefined },
      { 'sec-websocket-key': undefined },
      { upgrade: undefined },
      { upgrade: 'h2c' },
      { connection: 'close' },
    ];
    for (const changes of wrong) {
      const { status } = await new Raw().handshake(changes);
      assert.ok(status >= 400 && status < 500, `${JSON.stringify(changes)} gives ${status}`);
    }
    const { status } = await new Raw().handshake({}, 'POST');
    assert.ok(status >= 400 && status < 500, `POST gives ${status}`);
  },

  // ---------------------------------------------------------------- connection_init

  async a_token_is_taken_in_each_spelling() {
    const { token } = server;
    for (const payload of [{ authorization: `Bearer ${token}` }, { Authorization: `Bearer ${token}` }, { authorization: `Token ${token}` }, { token }]) {
      const socket = await open();
      socket.send({ type: 'connection_init', payload });
      assert.deepEqual(Object.keys(await socket.take('connection_ack')).filter((key) => key !== 'payload'), ['type']);
      await socket.assertAlive();
    }
  },

  async a_token_may_come_with_the_handshake() {
    const options = { headers: { authorization: `Bearer ${server.token}` } };
    for (const init of [{ type: 'connection_init' }, { type: 'connection_init', payload: null }, { type: 'connection_init', payload: {} }]) {
      await (await signedIn(init, PROTOCOL, options)).assertAlive();
    }
  },

  async a_bad_token_is_4403() {
    for (const payload of [
      undefined,
      null,
      {},
      { authorization: '' },
      { authorization: 'Bearer' },
      { authorization: 'Bearer nobody' },
      { authorization: server.token },
      { token: 'nobody' },
      { token: '' },
      { password: server.token },
    ]) {
      const socket = await open();
      socket.send({ type: 'connection_init', payload });
      await socket.assertClosed(4403, JSON.stringify(payload));
    }
    for (const token of [7, null, { is: server.token }, [server.token]]) {
      const socket = await open();
      socket.send({ type: 'connection_init', payload: { token } });
      const { code } = await socket.end();
      assert.ok([4400, 4403].includes(code), `the token ${JSON.stringify(token)} is closed with ${code}`);
    }
  },

  async a_bad_token_in_the_handshake_is_refused() {
    const options = { headers: { authorization: 'Bearer nobody' } };
    const socket = new Socket(PROTOCOL, options);
    const status = new Promise((resolve) => socket.socket.once('unexpected-response', (_, response) => resolve(response.statusCode)));
    socket.socket.once('open', () => socket.send({ type: 'connection_init' }));
    const got = await within(Promise.race([status, socket.closed.then(({ code }) => code)]), 'the refusal');
    assert.ok([401, 4401, 4403].includes(got), `got ${got}`);
  },

  async an_init_payload_that_is_no_object_is_4400() {
    for (const payload of ['x', 7, true, [], [{}]]) {
      const socket = await open();
      socket.send({ type: 'connection_init', payload });
      await socket.assertClosed(4400, JSON.stringify(payload));
    }
  },

  async no_init_in_time_is_4408() {
    const began = Date.now();
    const socket = await open();
    await socket.assertClosed(4408);
    assert.ok(Date.now() - began >= 900, 'the time is given');
  },

  async pings_do_not_stand_for_an_init() {
    const socket = await open();
    const pinging = setInterval(() => socket.send({ type: 'ping' }), 100);
    const end = socket.end(4_000);
    await end.catch(() => {});
    clearInterval(pinging);
    assert.equal((await end).code, 4408);
  },

  async a_second_init_is_4429() {
    const socket = await signedIn();
    socket.send(SIGN_IN);
    await socket.assertClosed(4429);
  },

  async a_second_init_before_the_acknowledgement_is_4429() {
    const socket = await open();
    socket.send(SIGN_IN);
    socket.send(SIGN_IN);
    await socket.assertClosed(4429);
  },

  async subscribing_before_the_acknowledgement_is_4401() {
    const socket = await open();
    socket.send(subscribe('1', '{ __typename }'));
    await socket.assertClosed(4401);
    assert.equal(socket.inbox.items.length, 1, 'nothing was answered');
  },

  // ---------------------------------------------------------------- messages that are none

  async text_that_is_no_message_is_4400() {
    for (const text of ['', ' ', 'hello', '{', '{}', '[]', 'null', '7', '"ping"', '[{"type":"ping"}]', '{"type":7}', '{"type":null}', '{"type":["ping"]}', '\0', '{"type":"ping"} x']) {
      const socket = await signedIn();
      socket.send(text);
      await socket.assertClosed(4400, JSON.stringify(text));
    }
  },

  async unknown_types_are_4400() {
    const legacy = ['start', 'stop', 'connection_terminate', 'ka', 'data'];
    const ours = ['connection_ack', 'next', 'error'];
    for (const type of [...legacy, ...ours, 'Ping', 'x'.repeat(5_000), '🚀'.repeat(1_000)]) {
      const socket = await signedIn();
      socket.send({ id: '1', type, payload: { query: '{ __typename }' } });
      await socket.assertClosed(4400, type.slice(0, 30));
    }
  },

  async legacy_messages_before_the_init_are_4400() {
    for (const type of ['start', 'connection_terminate']) {
      const socket = await open();
      socket.send({ id: '1', type, payload: { query: '{ __typename }' } });
      await socket.assertClosed(4400, type);
    }
  },

  async a_subscribe_that_lacks_something_is_4400() {
    const payload = { query: '{ __typename }' };
    const type = 'subscribe';
    const wrong = [
      { type, payload },
      { type, id: '', payload },
      { type, id: 7, payload },
      { type, id: null, payload },
      { type, id: ['1'], payload },
      { type, id: '1' },
      { type, id: '1', payload: null },
      { type, id: '1', payload: '{ __typename }' },
      { type, id: '1', payload: [payload] },
      { type, id: '1', payload: {} },
      { type, id: '1', payload: { query: null } },
      { type, id: '1', payload: { query: 7 } },
      { type, id: '1', payload: { query: { a: 1 } } },
      { type, id: '1', payload: { ...payload, operationName: 7 } },
      { type, id: '1', payload: { ...payload, variables: 'x' } },
      { type, id: '1', payload: { ...payload, variables: [] } },
      { type, id: '1', payload: { ...payload, extensions: 'x' } },
    ];
    for (const message of wrong) {
      const socket = await signedIn();
      socket.send(message);
      await socket.assertClosed(4400, JSON.stringify(message));
    }
  },

  async null_variables_name_and_extensions_are_none() {
    const socket = await signedIn();
    socket.send(subscribe('1', '{ __typename }', { variables: null, operationName: null, extensions: null }));
    assert.deepEqual((await socket.take('next', '1')).payload, { data: { __typename: 'Query' } });
    await socket.take('complete', '1');
  },

  async a_complete_without_an_id_is_4400() {
    for (const message of [{ type: 'complete' }, { type: 'complete', id: '' }, { type: 'complete', id: 7 }]) {
      const socket = await signedIn();
      socket.send(message);
      await socket.assertClosed(4400, JSON.stringify(message));
    }
  },

  async a_binary_frame_is_4400() {
    for (const bytes of [Buffer.from(JSON.stringify({ type: 'ping' })), Buffer.from([0, 159, 146, 150]), Buffer.alloc(0)]) {
      const socket = await signedIn();
      socket.socket.send(bytes, { binary: true });
      await socket.assertClosed(4400, bytes.toString('hex'));
    }
  },

  async text_that_is_no_utf8_is_1007() {
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0x22, 0xf0, 0x9f, 0x22]]) {
      const socket = await signedIn();
      socket.socket.send(Buffer.from(bytes), { binary: false });
      await socket.assertClosed(1007, Buffer.from(bytes).toString('hex'));
    }
  },

  async frames_that_break_the_protocol_end_the_connection() {
    const text = Buffer.from('{"type":"ping"}');
    const broken = {
      'no mask': (raw) => raw.frame(0x81, text, { masked: false }),
      'a reserved bit': (raw) => raw.frame(0xc1, text),
      'a reserved opcode': (raw) => raw.frame(0x83, text),
      'a long ping': (raw) => raw.frame(0x89, Buffer.alloc(200)),
      'a ping in parts': (raw) => raw.frame(0x09, text),
      'a continuation of nothing': (raw) => raw.frame(0x80, text),
      'a close frame of one byte': (raw) => raw.frame(0x88, Buffer.from([3])),
      'a close code that is none': (raw) => raw.frame(0x88, Buffer.from([0, 1])),
    };
    for (const [what, send] of Object.entries(broken)) {
      const raw = await rawSignedIn();
      send(raw);
      const code = await raw.end().catch((error) => assert.fail(`${what}: ${error.message}`));
      assert.ok(code === undefined || code === 1002, `${what} is closed with ${code}`);
    }
  },

  async a_message_in_several_frames_is_one() {
    const raw = await rawSignedIn();
    const text = Buffer.from(JSON.stringify(subscribe('parts', '{ __typename }')));
    raw.frame(0x01, text.subarray(0, 5));
    raw.frame(0x89, Buffer.from('beside'));
    raw.frame(0x00, text.subarray(5, 20));
    raw.frame(0x80, text.subarray(20));
    await until(() => raw.received.includes('complete'), 'the answer');
    assert.ok(raw.received.includes(Buffer.from([0x8a, 6, ...Buffer.from('beside')])), 'a ping frame is answered in between');
    raw.socket.destroy();
  },

  async a_message_that_is_too_large_is_1009() {
    const socket = await signedIn();
    socket.send(ping(MAX_MESSAGE));
    await socket.take('pong');
    socket.send(ping(MAX_MESSAGE + 1));
    await socket.assertClosed(1009);
  },

  async parts_that_are_too_large_together_are_1009() {
    const raw = await rawSignedIn();
    const part = Buffer.alloc(MAX_MESSAGE / 4, 0x20);
    raw.frame(0x01, part);
    for (let sent = 1; sent < 5; sent += 1) raw.frame(0x00, part);
    assert.equal(await raw.end(), 1009);
  },

  async a_frame_that_only_announces_its_size_is_1009() {
    const raw = await rawSignedIn();
    raw.frame(0x81, Buffer.from('{'), { length: 2 ** 40 });
    assert.equal(await raw.end(), 1009);
  },

  // ---------------------------------------------------------------- operations

  async a_query_is_one_next_and_complete() {
    const socket = await signedIn();
    socket.send(subscribe('a', '{ viewer { username } }'));
    assert.deepEqual(await socket.take('next'), { id: 'a', type: 'next', payload: { data: { viewer: { username: 'admin' } } } });
    assert.deepEqual(await socket.take('complete'), { id: 'a', type: 'complete' });
    await socket.assertAlive();
  },

  async a_mutation_is_one_next_and_complete() {
    const socket = await signedIn();
    const id = await server.annotate(TASK);
    socket.send(subscribe('m', `mutation { updateAnnotation(id: ${id}, input: { leadTime: 1.5 }) { version } }`));
    assert.deepEqual((await socket.take('next', 'm')).payload, { data: { updateAnnotation: { version: 2 } } });
    await socket.take('complete', 'm');
    assert.deepEqual(await server.query(`{ annotation(id: ${id}) { leadTime } }`), { annotation: { leadTime: 1.5 } });
  },

  async errors_of_fields_come_in_next() {
    const socket = await signedIn();
    socket.send(subscribe('f', 'mutation { updateAnnotation(id: 999999, input: {}) { id } deleteAnnotation(id: 999999) { id } }'));
    const { payload } = await socket.take('next', 'f');
    assert.deepEqual(payload.data, { updateAnnotation: null, deleteAnnotation: null });
    assertCoded(payload.errors, 'NOT_FOUND');
    await socket.take('complete', 'f');
  },

  async errors_before_running_are_one_error_message() {
    const socket = await signedIn();
    const deep = `{ ${'a { '.repeat(500)}${'} '.repeat(500)} }`;
    const wrong = [
      ['', undefined, undefined],
      ['{', undefined, 'GRAPHQL_PARSE_FAILED'],
      ['{ nothing }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
      ['query($n: Int!) { tasks(first: $n) { nodes { id } } }', undefined, 'BAD_USER_INPUT'],
      ['query($n: Int!) { tasks(first: $n) { nodes { id } } }', { n: 'x' }, 'BAD_USER_INPUT'],
      ['query A { __typename } query B { __typename }', undefined, 'BAD_REQUEST'],
      ['fragment F on Query { __typename }', undefined, undefined],
      ['subscription { annotationEvents { version } other: annotationEvents { version } }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
      [deep, undefined, undefined],
    ];
    for (const [index, [query, variables, code]] of wrong.entries()) {
      const id = `w${index}`;
      socket.send(subscribe(id, query, { variables }));
      const message = await socket.take('error', id);
      assert.deepEqual(Object.keys(message).sort(), ['id', 'payload', 'type']);
      assertCoded(message.payload, code);
    }
    await socket.assertAlive();
  },

  async an_id_can_be_used_again_after_an_error_or_a_result() {
    const socket = await signedIn();
    for (let n = 0; n < 3; n += 1) {
      socket.send(subscribe('again', '{ nothing }'));
      await socket.take('error', 'again');
      socket.send(subscribe('again', '{ __typename }'));
      await socket.take('next', 'again');
      await socket.take('complete', 'again');
    }
  },

  async an_id_that_is_in_use_is_4409() {
    for (const id of ['1', 'x'.repeat(2_000), '🚀'.repeat(200), 'ü'.repeat(60), '\u0000\n"']) {
      const socket = await signedIn();
      socket.send(subscribe(id, 'subscription { annotationEvents { version } }'));
      socket.send(subscribe(id, 'subscription { annotationEvents { version } }'));
      const { reason } = await socket.assertClosed(4409, JSON.stringify(id.slice(0, 20)));
      assert.match(reason, /already exists/, 'the reason is the one that the protocol gives');
    }
  },

  async complete_ends_a_stream_and_frees_its_id() {
    const socket = await signedIn();
    const id = await server.annotate(TASK);
    for (let n = 0; n < 3; n += 1) {
      socket.send(subscribe('s', EVENTS_OF_ONE, { variables: { id } }));
      const results = new Inbox();
      const reading = (async () => {
        for (;;) {
          const message = await socket.inbox.next();
          if (message.type === 'complete' || message.id !== 's') return message;
          results.push(message.payload);
        }
      })();
      await awake(server, { inbox: results, done: reading }, id);
      socket.send({ id: 's', type: 'complete' });
      socket.send(subscribe('behind', '{ __typename }'));
      assert.equal((await within(reading, 'the next message')).id, 'behind', 'the client ended it, so no complete comes back');
      await socket.take('complete', 'behind');
      await server.touch(id);
      await socket.assertAlive();
    }
  },

  async completing_what_is_not_there_does_nothing() {
    const socket = await signedIn();
    socket.send({ id: 'nothing', type: 'complete' });
    await socket.assertAlive();
  },

  async many_operations_run_beside_each_other() {
    const socket = await signedIn();
    const ids = Array.from({ length: 50 }, (_, n) => `q${n}`);
    for (const id of ids) socket.send(subscribe(id, '{ viewer { id } }'));
    const seen = {};
    for (let n = 0; n < 2 * ids.length; n += 1) {
      const { id, type } = await socket.inbox.next();
      (seen[id] ??= []).push(type);
    }
    assert.deepEqual(seen, Object.fromEntries(ids.map((id) => [id, ['next', 'complete']])));
  },

  async too_many_subscriptions_are_refused_one_by_one() {
    const socket = await signedIn();
    let refused;
    for (let n = 0; n < 1_001 && !refused; n += 1) {
      socket.send(subscribe(`s${n}`, 'subscription { annotationEvents(filter: { annotationId: { eq: "1" } }) { version } }'));
      socket.send(subscribe(`probe${n}`, '{ __typename }'));
      for (let come = 0; come < 2 && !refused; ) {
        const message = await socket.inbox.next();
        if (message.id === `s${n}`) refused = message;
        else if (message.id === `probe${n}` && message.type !== 'error') come += 1;
        else if (message.type === 'error') come += 2;
        else if (!message.id) assert.fail(JSON.stringify(message));
      }
    }
    assert.ok(refused, 'a thousand subscriptions are taken');
    assert.equal(refused.type, 'error', JSON.stringify(refused));
    assertCoded(refused.payload, 'LIMIT_EXCEEDED');
    socket.send({ id: 's0', type: 'complete' });
    await until(async () => {
      socket.send(subscribe('room', '{ __typename }'));
      const kinds = [];
      while (!kinds.includes('complete') && !kinds.includes('error')) {
        const message = await socket.inbox.next();
        if (message.id === 'room') kinds.push(message.type);
        else if (!message.id) assert.fail(JSON.stringify(message));
      }
      return kinds.includes('complete');
    }, 'room for one after one has ended');
  },

  // ---------------------------------------------------------------- life and death

  async ping_is_answered_by_pong_with_its_payload() {
    const socket = await signedIn();
    for (const payload of [undefined, { a: [1, { b: 'ü' }] }, {}]) {
      socket.send({ type: 'ping', payload });
      const pong = await socket.take('pong');
      assert.deepEqual(pong.payload ?? undefined, payload);
    }
    socket.send({ type: 'ping', payload: null });
    assert.equal((await socket.take('pong')).payload ?? null, null);
    socket.send({ type: 'pong', payload: { un: 'asked' } });
    await socket.assertAlive();
  },

  async ping_is_answered_before_the_init() {
    const socket = await open();
    socket.send({ type: 'ping', payload: { early: true } });
    assert.deepEqual((await socket.take('pong')).payload, { early: true });
  },

  async a_ping_payload_that_is_no_object_is_4400() {
    for (const type of ['ping', 'pong']) {
      const socket = await signedIn();
      socket.send({ type, payload: 'x' });
      await socket.assertClosed(4400, type);
    }
  },

  async a_quiet_socket_that_answers_pings_is_kept() {
    const socket = await signedIn();
    for (let n = 0; n < 4; n += 1) await socket.pings.next('a ping frame', 3_000);
    await socket.assertAlive();
  },

  async a_peer_that_does_not_answer_pings_is_dropped() {
    const socket = await signedIn(SIGN_IN, PROTOCOL, { autoPong: false });
    await socket.pings.next('a ping frame', 3_000);
    await within(socket.closed, 'the end of a silent socket', 6_000);
  },

  async a_peer_that_is_busy_without_pongs_is_kept() {
    const socket = await signedIn(SIGN_IN, PROTOCOL, { autoPong: false });
    const until = Date.now() + 4_000;
    while (Date.now() < until) {
      await socket.assertAlive();
      await socket.pings.next('a ping frame', 3_000);
    }
  },

  async a_normal_close_is_answered() {
    const socket = await signedIn();
    socket.send(subscribe('s', 'subscription { annotationEvents { version } }'));
    socket.socket.close(1000, 'bye');
    assert.equal((await socket.end()).code, 1000);
  },

  async sockets_that_vanish_are_cleaned_up() {
    const fresh = await start(annograph, {}, { demo: false });
    const before = fresh.sockets();
    const raws = await Promise.all(Array.from({ length: 50 }, () => rawSignedIn(fresh)));
    const message = JSON.stringify(subscribe('s', 'subscription { annotationEvents { version } }'));
    for (const raw of raws) raw.frame(0x81, Buffer.from(message));
    assert.ok(fresh.sockets() >= before + 50);
    for (const { socket } of raws) socket.resetAndDestroy();
    await until(() => fresh.sockets() <= before, "the end of the server's side", 8_000);
  },

  async a_revoked_token_ends_its_sockets_and_no_others() {
    const text = (await server.command('token', 'create', '--user', 'admin', '--name', 'doomed')).trim();
    const init = { type: 'connection_init', payload: { token: text } };
    const [idle, busy, other] = [await signedIn(init), await signedIn(init), await signedIn()];
    const id = await server.annotate(TASK);
    busy.send(subscribe('s', EVENTS_OF_ONE, { variables: { id } }));
    await busy.assertAlive();
    const tokens = await server.command('token', 'list', '--user', 'admin');
    const [number] = tokens.split('\n').find((line) => line.includes('doomed')).trim().split(/\s+/);
    await server.command('token', 'revoke', number);
    for (const socket of [idle, busy]) {
      const { code, reason } = await socket.end(6_000);
      assert.ok(code === 4403 || code === 4401, `closed with ${code} ${reason}`);
    }
    await other.assertAlive();
    const again = await open();
    again.send(init);
    await again.assertClosed(4403);
  },

  async a_server_that_stops_says_so() {
    const mortal = await start(annograph, {}, { demo: false });
    const socket = await open(PROTOCOL, {}, mortal);
    socket.send({ type: 'connection_init', payload: { token: mortal.token } });
    await socket.take('connection_ack');
    socket.send(subscribe('s', 'subscription { annotationEvents { version } }'));
    mortal.child.kill('SIGTERM');
    const { code, reason } = await socket.end(5_000);
    assert.ok([1001, 1012].includes(code), `closed with ${code} ${reason}`);
    await within(mortal.ended, 'the end of the server', 5_000);
  },

  async the_server_is_still_the_same() {
    assert.ok(server.isUp(), server.log());
    await server.query('{ viewer { username } }');
    assert.doesNotMatch(server.log(), /panicked/);
  },
};

await run(checks, {
  async afterEach() {
    for (const { socket } of sockets.splice(0)) socket.terminate ? socket.terminate() : socket.destroy();
  },
});
