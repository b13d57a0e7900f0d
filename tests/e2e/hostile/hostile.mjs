// Sends what no good client sends, and watches the server while it does.
//
//   node hostile.mjs ANNOGRAPH
//
// ANNOGRAPH is the program; the servers are started here. QUICK, when set, is the milliseconds that an answer may take, for
// machines that are busy with other things; ROWS the number of annotations that are counted. Whatever comes in, there is an
// answer within two seconds or the connection is closed, errors have a code and say nothing of the inside, and the server goes
// on: the same process, answering, in bounded memory.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

import WebSocket from 'ws';

import { Inbox, assertCoded, run, start, until, within, words } from '../support/support.mjs';

const [annograph] = words('ANNOGRAPH');
const QUICK = Number(process.env.QUICK ?? 2_000);
const MEMORY = 400 << 20;
/** Annotations that are counted. */
const ROWS = Number(process.env.ROWS ?? 20_000);
const MIB = 1 << 20;

const server = await start(annograph, {
  ANNOGRAPH_HEADER_TIMEOUT: '1',
  ANNOGRAPH_BODY_TIMEOUT: '1',
  ANNOGRAPH_WS_INIT_TIMEOUT: '1',
  ANNOGRAPH_RATE_LIMIT: '0',
});
const { pid } = server;
/** For large bodies: with all the time that they take by default, and apart, so that what they leave behind is nobody else's. */
const patient = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '0' });

// ---------------------------------------------------------------- sending, and looking at answers

/** An answer: status, headers and text, within the time. */
async function fetched(method, path, headers, body, { to = server, limit = QUICK } = {}) {
  const began = Date.now();
  // A connection of its own: one that is kept may have been closed while this program was busy.
  const common = { authorization: `Bearer ${server.token}`, connection: 'close' };
  const options = { method, headers: { ...common, ...headers }, body, signal: AbortSignal.timeout(limit) };
  try {
    const response = await fetch(`${to.origin}${path}`, options);
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    throw new Error(`no answer after ${Date.now() - began} ms: ${error.cause?.code ?? error.message}`);
  }
}

/** The answer to a POST request whose body is an object, or text or bytes to send as they are. */
function post(body, headers = {}, options = {}) {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  return fetched('POST', '/graphql', { 'content-type': 'application/json', ...headers }, isRaw ? body : JSON.stringify(body), options);
}

function ask(query, variables) {
  return post({ query, variables });
}

/** JSON, rightly labelled, of a bounded size, with coded errors if any, that tells nothing of the inside. */
function assertClean({ status, headers, text }) {
  const about = `status ${status}: ${text.slice(0, 300)}`;
  assert.match(headers.get('content-type') ?? '', /^application\/(graphql-response\+)?json; charset=utf-8$/, about);
  const body = JSON.parse(text);
  for (const { errors } of [body].flat()) {
    if (errors === undefined) continue;
    assertCoded(errors);
    assert.ok(JSON.stringify(errors).length < 64 << 10, `errors of ${text.length} bytes`);
    for (const { message } of errors) assertTactful(message);
  }
  assert.ok(status < 500, about);
  return body;
}

/** No text of Rust's Debug, of the database, or of a panic. */
function assertTactful(message) {
  assert.ok(message.length < 1_500, `a message of ${message.length} characters`);
  const inside = /panicked|backtrace|\.rs:\d|unwrap|DbErr|SqlxError|sqlx|sea_orm|SQLITE|SELECT .* FROM|INSERT INTO|UPDATE .* SET|\b(Some|Ok|Err|Error)\(|\b\w+Error \{/;
  assert.doesNotMatch(message, inside);
}

/** Refused for this reason, or one of several; `statuses` are those of HTTP. */
function assertRefused(answer, codes, statuses = [200, 400]) {
  const { errors } = assertClean(answer);
  assert.ok(errors, `not refused: ${answer.text.slice(0, 300)}`);
  const expected = [codes].flat();
  assert.ok(errors.every(({ extensions }) => expected.includes(extensions.code)), `expected ${expected}, got ${answer.text.slice(0, 300)}`);
  assert.ok([statuses].flat().includes(answer.status), `expected ${statuses}, got ${answer.status} ${answer.text.slice(0, 300)}`);
  return errors;
}

const SYNTAX = ['GRAPHQL_PARSE_FAILED', 'LIMIT_EXCEEDED'];
const INVALID = ['GRAPHQL_VALIDATION_FAILED', 'LIMIT_EXCEEDED'];
const LIMIT = 'LIMIT_EXCEEDED';
const BAD = 'BAD_REQUEST';
const INPUT = 'BAD_USER_INPUT';

/** Sends each of the requests; all have the same outcome. */
async function each(requests, assertion) {
  const problems = [];
  for (const [name, send] of Object.entries(requests)) {
    try {
      assertion(await send());
    } catch (error) {
      problems.push(`${name}: ${error.message}`);
      // What the server is still busy with is not the next request's fault.
      await until(() => isHealthy(), 'the server to recover', 20_000);
    }
  }
  if (problems.length > 0) throw problems.join('\n');
}

/** A connection as bytes. */
class Raw {
  received = Buffer.alloc(0);
  isClosed = false;

  constructor(to = server) {
    this.socket = connect({ port: to.port, host: to.host, allowHalfOpen: true });
    this.socket.on('data', (bytes) => (this.received = Buffer.concat([this.received, bytes])));
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      for (const event of ['end', 'close']) {
        this.socket.once(event, () => {
          this.isClosed = true;
          resolve();
        });
      }
    });
    raws.push(this);
  }

  /** Writes, and waits until the system has taken it, or the server has hung up. */
  async send(bytes) {
    if (this.isClosed || this.socket.destroyed) return;
    const written = new Promise((resolve) => this.socket.write(bytes, resolve));
    await within(Promise.race([written, this.closed]), 'the server to take what is sent', 10_000);
  }

  get text() {
    return this.received.toString('latin1');
  }

  /** The statuses of the answers so far. */
  get statuses() {
    return [...this.text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status));
  }

  /** The end of the connection, by the server. */
  async end(limit = QUICK) {
    await within(this.closed, 'the end of the connection', limit);
    this.socket.destroy();
  }
}
const raws = [];

const HEAD = `POST /graphql HTTP/1.1\r\nhost: annograph\r\nauthorization: Bearer ${server.token}\r\ncontent-type: application/json\r\n`;
const GOOD = '{"query":"{ __typename }"}';

/** A whole request, with a body of this text. */
function request(body, more = '') {
  return `${HEAD}${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** Sends bytes; the server has to refuse them with a status, or hang up without one. Then it hangs up. */
async function assertNoHttp(bytes, expected = [400], limit = QUICK) {
  const raw = new Raw();
  await raw.send(bytes);
  await until(() => raw.isClosed || raw.statuses.length > 0, 'an answer or the end of the connection', limit);
  const [status] = raw.statuses;
  const answer = raw.text;
  if (status !== undefined) assert.ok([expected].flat().includes(status), `expected ${expected} or the end, got ${answer}`);
  assertTactful(answer);
  if (/\r\n\r\n./.test(answer)) assert.match(answer, /"code":"(BAD_REQUEST|LIMIT_EXCEEDED|UNAUTHENTICATED)"/, 'a body is a coded error');
  raw.socket.destroy();
}

/** A socket of GraphQL that is signed in; what comes goes to `inbox`. */
async function websocket({ read = true } = {}) {
  const socket = new WebSocket(`ws://${server.host}:${server.port}/graphql`, 'graphql-transport-ws', { perMessageDeflate: true });
  const inbox = new Inbox();
  const closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
  const failed = new Promise((_, reject) => socket.once('error', reject));
  failed.catch(() => {});
  await within(Promise.race([new Promise((resolve) => socket.once('open', resolve)), failed]), 'the handshake');
  socket.on('message', (text) => inbox.push(JSON.parse(text)));
  const say = (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message), () => {});
  say({ type: 'connection_init', payload: { token: server.token } });
  assert.equal((await inbox.next()).type, 'connection_ack');
  if (!read) socket.pause();
  raws.push({ socket: { destroy: () => socket.terminate() } });
  return { socket, inbox, closed, say };
}

function times(count, text) {
  return Array.from({ length: count }, (_, n) => text(n)).join(' ');
}

function nested(count, open, middle, close) {
  return open.repeat(count) + middle + close.repeat(count);
}

/** GraphiQL's own introspection, shortened: what tools need. */
const INTROSPECTION = `{ __schema { queryType { name } types { kind name fields(includeDeprecated: true) { name
  args { name type { ...T } } type { ...T } } inputFields { name type { ...T } } enumValues { name } possibleTypes { name } } } }
  fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }`;

const checks = {
  // ---------------------------------------------------------------- documents

  async deep_nesting_is_refused() {
    await each(
      {
        'fields 300 deep': () => ask(nested(300, '{ a ', '', '}')),
        'fields 10,000 deep': () => ask(nested(10_000, '{ a ', '', '}')),
        'fields 1,000,000 deep': () => ask(nested(1_000_000, '{a', '', '}')),
        'lists 100,000 deep': () => ask(`{ task(id: ${nested(100_000, '[', '1', ']')}) { id } }`),
        'objects 50,000 deep': () => ask(`{ tasks(filter: ${nested(50_000, '{a:', '1', '}')}) { totalCount } }`),
        'types 50,000 deep': () => ask(`query($x: ${nested(50_000, '[', 'Int', ']')}) { __typename }`),
        'inline fragments 10,000 deep': () => ask(nested(10_000, '{ ... ', '{ __typename }', '}')),
        'brackets that never close': () => ask('{'.repeat(1_000_000)),
      },
      (answer) => assertRefused(answer, SYNTAX),
    );
  },

  async deep_relations_are_refused() {
    const cycle = (levels) => `{ task(id: 1) { ${nested(levels, 'annotations { nodes { task { ', 'id', '} } }')} } }`;
    await each(
      {
        'a cycle of 20 levels': () => ask(cycle(20)),
        'a cycle of 60 levels': () => ask(cycle(60)),
        'pages of pages of pages': () =>
          ask(`{ projects(first: 100) { nodes { tasks(first: 100) { nodes { annotations(first: 100) { nodes { history(first: 100) { nodes { version } } } } } } } } }`),
      },
      (answer) => assertRefused(answer, INVALID),
    );
  },

  async deep_json_is_refused() {
    const create = (region) =>
      post(`{"query":"mutation($r: [JSONObject!]!) { createAnnotation(taskId: 1, input: { result: $r }) { id } }","variables":{"r":[${region}]}}`);
    await each(
      {
        'lists around everything': () => post(nested(1_000_000, '[', '', ']')),
        'lists that never close': () => post('['.repeat(5 * MIB)),
        'a result 1,000 deep': () => create(nested(1_000, '{"a":', '1', '}')),
        'a result 100,000 deep': () => create(nested(100_000, '{"a":', '1', '}')),
        'an id 100,000 deep': () => post(`{"query":"query($id: ID!) { task(id: $id) { id } }","variables":{"id":${nested(100_000, '[', '1', ']')}}}`),
      },
      (answer) => assertRefused(answer, [BAD, INPUT, LIMIT]),
    );
    await each(
      {
        'a variable that nobody asked for': () => post(`{"query":"{ __typename }","variables":${nested(100_000, '{"a":', '1', '}')}}`),
        'an extension that nobody knows': () => post(`{"query":"{ __typename }","extensions":{"a":${nested(100_000, '[', '', ']')}}}`),
      },
      (answer) => assertClean(answer),
    );
  },

  async aliases_by_the_thousand_are_refused_or_cheap() {
    await each(
      {
        '10,000 times __typename': () => ask(`{ ${times(10_000, (n) => `a${n}: __typename`)} }`),
        '6,000 times the same field': () => ask(`{ ${times(6_000, () => '__typename')} }`),
        '2,000 times a list': () => ask(`{ ${times(2_000, (n) => `a${n}: annotations(first: 100) { nodes { result } }`)} }`),
        '10,000 aliases of one name': () => ask(`{ viewer { ${times(10_000, () => 'a: id')} } }`),
        '1,000 times the schema': () => ask(`{ ${times(1_000, (n) => `a${n}: __schema { types { fields { name } } }`)} }`),
      },
      (answer) => assertRefused(answer, SYNTAX),
    );
  },

  async mutations_by_the_thousand_are_refused() {
    const many = times(2_000, (n) => `a${n}: createProject(input: { title: "flood" }) { id }`);
    assertRefused(await ask(`mutation { ${many} }`), SYNTAX);
    const { data } = assertClean(await ask('{ projects(filter: { title: { eq: "flood" } }) { totalCount } }'));
    assert.equal(data.projects.totalCount, 0, 'nothing of it ran');
  },

  async fragment_bombs_and_cycles_are_refused() {
    const bomb = (spreads, depth) =>
      `{ viewer { ...F0 } } ${times(depth, (n) => `fragment F${n} on User { ${times(spreads, () => `...F${n + 1}`)} }`)} fragment F${depth} on User { id }`;
    const circle = (length) => `{ viewer { ...F0 } } ${times(length, (n) => `fragment F${n} on User { id ...F${(n + 1) % length} }`)}`;
    const twins = (depth) =>
      `{ viewer { ...F0 } } ${times(depth, (n) => `fragment F${n} on User { a: id ...F${n + 1} ... { ...F${n + 1} } }`)} fragment F${depth} on User { a: id }`;
    await each(
      {
        '2 to the 30th': () => ask(bomb(2, 30)),
        '10 to the 20th': () => ask(bomb(10, 20)),
        '2 to the 150th, with fields to merge': () => ask(twins(150)),
        'a fragment of itself': () => ask(circle(1)),
        'two of each other': () => ask(circle(2)),
        'a circle of 1,000': () => ask(circle(1_000)),
        'a chain of 2,000': () => ask(bomb(1, 2_000)),
        'one spread 10,000 times': () => ask(`{ viewer { ${times(10_000, () => '...F')} } } fragment F on User { id }`),
        '5,000 that nobody uses': () => ask(`{ __typename } ${times(5_000, (n) => `fragment F${n} on User { id }`)}`),
      },
      (answer) => assertRefused(answer, [...SYNTAX, ...INVALID]),
    );
  },

  async fields_that_have_to_be_compared_pairwise_are_quick() {
    const wide = times(1_500, (n) => `tasks(first: 1) { nodes { ${n % 2 ? 'id' : 'overlap'} } }`);
    const deep = nested(12, 'a: __typename viewer { id } viewer { id ... { ', 'id', '} }');
    await each(
      {
        '1,500 equal fields': () => ask(`{ ${wide} }`),
        'conflicts of 1,500 fields': () => ask(`{ ${times(1_500, (n) => `a: task(id: ${n}) { id }`)} }`),
        'fields in fields': () => ask(`{ ${deep} }`),
        'conflicts through fragments': () =>
          ask(`{ ${times(100, (n) => `...F${n}`)} } ${times(100, (n) => `fragment F${n} on Query { ${times(20, (m) => `a${m}: task(id: ${n}) { id }`)} }`)}`),
      },
      (answer) => assertClean(answer),
    );
  },

  async directives_by_the_thousand_are_refused() {
    await each(
      {
        '5,000 on a field': () => ask(`{ __typename ${times(5_000, () => '@skip(if: false)')} }`),
        '5,000 that nobody knows': () => ask(`{ __typename ${times(5_000, (n) => `@d${n}`)} }`),
        '3,000 on an operation': () => ask(`query ${times(3_000, () => '@include(if: true)')} { __typename }`),
        'one of another place': () => ask('query @specifiedBy(url: "x") { __typename }'),
      },
      (answer) => assertRefused(answer, [...SYNTAX, ...INVALID]),
    );
  },

  async documents_with_very_many_parts_are_refused() {
    await each(
      {
        '10,000 operations': () => ask(times(10_000, (n) => `query Q${n} { __typename }`)),
        '10,000 variables': () => ask(`query(${times(10_000, (n) => `$v${n}: Int`)}) { __typename }`),
        '10,000 arguments': () => ask(`{ task(${times(10_000, (n) => `a${n}: 1`)}) { id } }`),
        '10,000 repeated arguments': () => ask(`{ task(${times(10_000, () => 'id: 1')}) { id } }`),
        '10,000 input fields': () => ask(`{ tasks(filter: { ${times(10_000, (n) => `a${n}: 1`)} }) { totalCount } }`),
        '100,000 ids': () => ask(`{ tasks(filter: { id: { in: [${times(100_000, (n) => `${n}`)}] } }) { totalCount } }`),
        'a type definition': () => ask('type Query { a: Int } { __typename }'),
        'two operations of one name': () => ask('query A { __typename } query A { __typename }'),
      },
      (answer) => assertRefused(answer, [...SYNTAX, ...INVALID, BAD]),
    );
  },

  async lists_of_very_many_ids_in_variables_are_bounded() {
    const ids = Array.from({ length: 200_000 }, (_, n) => `${n}`);
    const answer = await ask('query($ids: [ID!]) { tasks(filter: { id: { in: $ids } }) { totalCount } }', { ids });
    assertRefused(answer, [INPUT, LIMIT], [200, 400, 413]);
  },

  async strings_of_5_mb_are_answered() {
    const long = 'x'.repeat(5 * MIB);
    await each(
      {
        'a field': () => ask(`{ ${long} }`),
        'an alias': () => ask(`{ ${long}: nothing }`),
        'a comment': () => ask(`{ __typename } # ${long}`),
        'commas': () => ask(`{ __typename ${','.repeat(5 * MIB)} }`),
        'a string': () => ask(`{ task(id: "${long}") { id } }`),
        'a block string': () => ask(`{ task(id: """${long}""") { id } }`),
        'a string that never ends': () => ask(`{ task(id: "${long}`),
        'a number': () => ask(`{ task(id: ${'9'.repeat(5 * MIB)}) { id } }`),
        'a directive': () => ask(`{ __typename @${long} }`),
        'a variable': () => ask('query($id: ID!) { task(id: $id) { id } }', { id: long }),
        'the name of a variable': () => post({ query: '{ __typename }', variables: { [long]: 1 } }),
        'the operation name': () => post({ query: '{ __typename }', operationName: long }),
        'a key': () => post({ query: '{ __typename }', [long]: 1 }),
        'a title': () => ask('mutation($t: String!) { createProject(input: { title: $t }) { id } }', { t: long }),
        'an expression of type': () => ask(`query($x: ${long}) { __typename }`),
      },
      (answer) => {
        assertClean(answer);
        assert.ok(answer.text.length < 64 << 10, `an answer of ${answer.text.length} bytes`);
      },
    );
  },

  async answers_hold_a_bounded_memory() {
    // An answer of --max-answer, 64 MiB, is held with what it is read from; and the allocator gives back late.
    const large = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '0' }, { demo: false });
    const send = (body, token) => large.post(body, { headers: { authorization: `Bearer ${token}` }, limit: 60_000 });
    const result = [{ id: 'a', from_name: 'a', to_name: 't', type: 'textarea', value: { text: ['x'.repeat(180_000)] } }];
    const tasks = [{ data: { t: 'a' }, annotations: Array(100).fill({ result }) }];
    const filled = [
      { query: 'mutation { createProject(input: { title: "Large" }) { id } }' },
      { query: 'mutation($tasks: [JSONObject!]!) { importTasks(projectId: 1, tasks: $tasks) { annotationCount } }', variables: { tasks } },
    ];
    for (const body of filled) assert.equal(JSON.parse(await (await send(body, large.token)).text()).errors, undefined);
    await large.command('user', 'add', 'viewer');
    await large.command('member', 'add', '--project', '1', '--user', 'viewer', '--role', 'viewer');
    const viewer = (await large.command('token', 'create', '--user', 'viewer')).trim();
    const lists = (count) => ({ query: `{ ${times(count, (n) => `l${n}: annotations(first: 100) { nodes { result } }`)} }` });
    const found = ({ data }) => Object.values(data).filter((list) => list?.nodes.length === 100).length;
    for (const count of [3, 40, 95]) {
      const answer = JSON.parse(await (await send(lists(count), viewer)).text());
      assert.ok(found(answer) <= 3, `${found(answer)} lists of 18 MB in one answer`);
      assert.equal(found(answer) + (answer.errors?.length ?? 0), count);
      for (const { extensions, path } of answer.errors ?? []) {
        assert.deepEqual([extensions.code, extensions.limit, path.length], [LIMIT, 'answer', 1]);
      }
      assertSlim(large, 600 * MIB);
    }
    for (const count of [5, 10]) {
      const batch = await send(Array(count).fill(lists(3)), viewer);
      let bytes = 0;
      for await (const chunk of batch.body) bytes += chunk.length;
      assert.ok(bytes > count * 50 * MIB, `${bytes} bytes for a batch of ${count}`);
      assertSlim(large, 600 * MIB);
    }
    const left = (await send(Array(10).fill(lists(3)), viewer)).body.getReader();
    await left.read();
    await left.cancel();
    const once = JSON.parse(await (await send(lists(3), viewer)).text());
    assert.equal(found(once), 3, 'what the client left behind is free');
    assertSlim(large, 600 * MIB);
    await large.stop();
  },

  async a_large_result_is_stored_or_refused() {
    const r = [{ id: 'a', value: { text: 'x'.repeat(5 * MIB) } }];
    const answer = await ask('mutation($r: [JSONObject!]!) { createAnnotation(taskId: 1, input: { result: $r }) { id } }', { r });
    const { data } = assertClean(answer);
    if (data?.createAnnotation) assertClean(await ask(`mutation { deleteAnnotation(id: ${data.createAnnotation.id}) { id } }`));
  },

  async introspection_works_and_is_bounded() {
    const { data, errors } = assertClean(await ask(INTROSPECTION));
    assert.equal(errors, undefined);
    assert.ok(data.__schema.types.length > 20);
    const nestedTypes = (levels) => `{ __schema { types { ${nested(levels, 'fields { type { ', 'name', '} }')} } } }`;
    await each(
      {
        'types of fields, 5 deep': () => ask(nestedTypes(5)),
        'types of fields, 14 deep': () => ask(nestedTypes(14)),
        'types of fields, 100 deep': () => ask(nestedTypes(100)),
        'possible types of types': () => ask(`{ __schema { types { ${nested(14, 'interfaces { possibleTypes { ', 'name', '} }')} } } }`),
        'one type 500 times': () => ask(`{ ${times(500, (n) => `a${n}: __type(name: "Annotation") { fields { type { fields { type { fields { name } } } } } }`)} }`),
      },
      (answer) => {
        assertClean(answer);
        assert.ok(answer.text.length < 8 * MIB, `an answer of ${answer.text.length} bytes`);
      },
    );
  },

  // ---------------------------------------------------------------- values

  async page_sizes_out_of_bounds_are_refused() {
    const requests = {};
    for (const size of [-1, 101, 1_000_000, 2_147_483_647, -2_147_483_648, 2_147_483_648, 1e30]) {
      for (const argument of ['first', 'last']) {
        requests[`${argument}: ${size}`] = () => ask(`{ annotations(${argument}: ${BigInt(size)}) { nodes { id } } }`);
        requests[`${argument} as a variable: ${size}`] = () =>
          ask(`query($n: Int) { annotations(${argument}: $n) { nodes { id } } }`, { n: size });
        requests[`${argument} of a nested list: ${size}`] = () =>
          ask(`{ tasks(first: 1) { nodes { annotations(${argument}: ${BigInt(size)}) { nodes { id } } } } }`);
      }
    }
    requests['first and last'] = () => ask('{ annotations(first: 1, last: 1) { nodes { id } } }');
    requests['a cursor that is none'] = () => ask('{ annotations(after: "nonsense") { nodes { id } } }');
    requests['a long cursor'] = () => ask('query($c: String) { annotations(after: $c) { nodes { id } } }', { c: 'A'.repeat(MIB) });
    await each(requests, (answer) => assertRefused(answer, [INPUT, LIMIT]));
  },

  async numbers_that_are_none_are_refused() {
    const update = (value) => post(`{"query":"mutation($t: Float) { updateAnnotation(id: 1, input: { leadTime: $t }) { id } }","variables":{"t":${value}}}`);
    const literal = (value) => ask(`mutation { updateAnnotation(id: 1, input: { leadTime: ${value} }) { id } }`);
    const requests = {};
    for (const value of ['NaN', 'Infinity', '-Infinity', 'nan', '1e400', '-1e400', '1e99999999999', '0x10', '01', '.5', '1.', '+1', '--1', '"NaN"', '"1"', '9'.repeat(10_000)]) {
      requests[`the variable ${value.slice(0, 20)}`] = () => update(value);
      requests[`the literal ${value.slice(0, 20)}`] = () => literal(value);
    }
    for (const value of ['2147483648', '-2147483649', '1e3', '1.5', '99999999999999999999999999']) {
      requests[`the version ${value}`] = () => post(`{"query":"mutation($v: Int) { updateAnnotation(id: 1, input: { expectedVersion: $v }) { id } }","variables":{"v":${value}}}`);
    }
    // An integral double is an Int to GraphQL.
    delete requests['the version 1e3'];
    await each(requests, (answer) => assertRefused(answer, [INPUT, BAD, 'GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', LIMIT]));
  },

  async ids_that_are_none_lead_nowhere() {
    const requests = {};
    for (const id of ['', ' ', '0', '-1', '1.0', '1e0', '0x1', '01', '+1', '9223372036854775808', '9'.repeat(40), "1' OR '1'='1", '1; DROP TABLE annotation', '\0', '1\0', '\u202e1', '１', 'null', '../1', '🚀']) {
      requests[JSON.stringify(id)] = () => ask('query($id: ID!) { task(id: $id) { id } annotation(id: $id) { id } }', { id });
      requests[`mutation ${JSON.stringify(id)}`] = () => ask('mutation($id: ID!) { updateAnnotation(id: $id, input: {}) { id } }', { id });
    }
    await each(requests, (answer) => {
      const { data } = assertClean(answer);
      for (const value of Object.values(data ?? {})) assert.equal(value, null, answer.text);
    });
  },

  async strings_are_never_sql() {
    const requests = {};
    for (const text of ["'", '"', '\\', '%', '_', '%%%%%%', "'; DELETE FROM task; --", '$1', '?', ':id', '{}', '\0', '\ufeff', '\u{10ffff}']) {
      requests[JSON.stringify(text)] = () =>
        ask('query($t: String) { projects(filter: { title: { contains: $t } }) { totalCount } users(filter: { username: { eq: $t } }) { totalCount } }', { t: text });
    }
    await each(requests, (answer) => assertClean(answer));
    const { data } = assertClean(await ask('{ tasks { totalCount } }'));
    assert.ok(data.tasks.totalCount > 0);
  },

  async repeated_keys_are_answered() {
    await each(
      {
        'two queries': () => post('{"query":"{ __typename }","query":"{ viewer { id } }"}'),
        'two sets of variables': () => post('{"query":"{ __typename }","variables":{},"variables":{}}'),
        'a repeated variable': () => post('{"query":"query($id: ID!) { task(id: $id) { id } }","variables":{"id":"1","id":"2"}}'),
        'a repeated argument': () => ask('{ task(id: 1, id: 2) { id } }'),
        'a repeated input field': () => ask('{ tasks(filter: { isLabeled: true, isLabeled: false }) { totalCount } }'),
        'a repeated variable definition': () => ask('query($a: Int, $a: Int) { tasks(first: $a) { totalCount } }'),
        '100,000 repeated keys': () => post(`{"query":"{ __typename }","variables":{${Array(100_000).fill('"a":1').join(',')}}}`),
      },
      (answer) => assertClean(answer),
    );
  },

  async lone_surrogates_are_refused() {
    await each(
      {
        'in the query': () => post('{"query":"{ __typename } # \\ud800"}'),
        'in a string of the query': () => post('{"query":"{ task(id: \\"\\ud800\\") { id } }"}'),
        'escaped in a string of the query': () => ask('{ task(id: "\\ud800") { id } }'),
        'in a variable': () => post('{"query":"query($id: ID!) { task(id: $id) { id } }","variables":{"id":"\\udfff"}}'),
        'in the operation name': () => post('{"query":"{ __typename }","operationName":"\\ud800\\ud800"}'),
      },
      (answer) => assertRefused(answer, [BAD, INPUT, 'GRAPHQL_PARSE_FAILED']),
    );
  },

  async nul_bytes_are_answered() {
    await each(
      {
        'in the body': () => post('\0'.repeat(100)),
        'behind the body': () => post(`${GOOD}\0`),
        'in the query': () => ask('{ __typename \0 }'),
        'in a string': () => post('{"query":"{ __typename }\0"}'),
        'in the operation name': () => post({ query: '{ __typename }', operationName: '\0' }),
      },
      (answer) => assertRefused(answer, [BAD, 'GRAPHQL_PARSE_FAILED']),
    );
    const made = await ask('mutation($t: String!) { createProject(input: { title: $t }) { title } }', { t: 'a\0b' });
    const { data } = assertClean(made);
    if (data?.createProject) assert.equal(data.createProject.title, 'a\0b');
  },

  async keys_of_the_json_library_are_no_back_door() {
    const tokens = ['$serde_json::private::RawValue', '$serde_json::private::Number'];
    const requests = {};
    for (const key of tokens) {
      requests[`${key} in a result`] = () =>
        ask('mutation($r: [JSONObject!]!) { createAnnotation(taskId: 1, input: { result: $r }) { id } }', { r: [{ a: { [key]: '{"b":' } }] });
      requests[`${key} as a variable`] = () => ask('query($id: ID!) { task(id: $id) { id } }', { id: { [key]: '1' } });
      requests[`${key} as the variables`] = () => post({ query: 'query($id: ID!) { task(id: $id) { id } }', variables: { [key]: '{"id":"1"}' } });
      requests[`${key} as the request`] = () => post({ [key]: '{"query":"{ __typename }"}' });
    }
    await each(requests, (answer) => assertRefused(answer, [BAD, INPUT]));
  },

  async extensions_that_are_nonsense_are_answered() {
    const requests = {};
    for (const persistedQuery of [null, 7, 'x', [], {}, { version: 1 }, { version: 1, sha256Hash: 7 }, { version: 99, sha256Hash: 'x' }, { version: 1, sha256Hash: 'f'.repeat(MIB) }]) {
      requests[JSON.stringify(persistedQuery).slice(0, 60)] = () => post({ query: '{ __typename }', extensions: { persistedQuery } });
      requests[`${JSON.stringify(persistedQuery).slice(0, 60)} alone`] = () => post({ extensions: { persistedQuery } });
    }
    await each(requests, (answer) => assertClean(answer));
  },

  // ---------------------------------------------------------------- batches

  async batches_are_bounded() {
    const batch = (size) => JSON.stringify(Array(size).fill({ query: '{ __typename }' }));
    await each(
      {
        '10,000 requests': () => post(batch(10_000)),
        '11 requests': () => post(batch(11)),
        'no request': () => post('[]'),
        'a batch in a batch': () => post(`[${batch(2)}]`),
        'null': () => post('[null]'),
        'a million zeros': () => post(`[${'0,'.repeat(1_000_000)}0]`),
        'a batch that never ends': () => post('[{"query":"{ __typename }"},'),
      },
      (answer) => assertRefused(answer, [BAD, LIMIT], [400, 413]),
    );
    const answers = assertClean(await post(batch(10)));
    assert.deepEqual(answers, Array(10).fill({ data: { __typename: 'Query' } }));
  },

  // ---------------------------------------------------------------- bodies

  async bodies_that_are_no_request_are_400() {
    const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
    await each(
      {
        'nothing': () => post(''),
        'spaces': () => post(' '.repeat(MIB)),
        'null': () => post('null'),
        'a string': () => post('"{ __typename }"'),
        'a number': () => post('7'),
        'GraphQL': () => post('{ __typename }'),
        'an open string': () => post('"'),
        'two objects': () => post(GOOD + GOOD),
        'a trailing comma': () => post('{"query":"{ __typename }",}'),
        'a comment': () => post('{/**/"query":"{ __typename }"}'),
        'single quotes': () => post("{'query':'{ __typename }'}"),
        'bad UTF-8': () => post(bytes('{"query":"{ __typename } # ', [0xff, 0xfe], '"}')),
        'overlong UTF-8': () => post(bytes('{"query":"{ __typename } # ', [0xc0, 0xaf], '"}')),
        'a surrogate in UTF-8': () => post(bytes('{"query":"{ __typename } # ', [0xed, 0xa0, 0x80], '"}')),
        'half a character': () => post(bytes('{"query":"{ __typename } # ', [0xf0, 0x9f])),
        'UTF-16': () => post(Buffer.from(`\ufeff${GOOD}`, 'utf16le')),
        'an unescaped line break': () => post('{"query":"{ __typename\n }"}'),
        'random bytes': () => post(Buffer.from(Array.from({ length: 10_000 }, (_, n) => (n * 7919) % 256))),
        'XML': () => post('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'),
      },
      (answer) => assertRefused(answer, BAD, 400),
    );
  },

  async other_content_types_are_415() {
    const types = [
      'text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream', 'application/xml', 'application/jsonx', 'application/graphql',
      'text/json', 'application/json; charset=utf-16', 'application/json; charset=latin1', 'application', '/', 'application/json, text/plain', 'x'.repeat(5_000),
      'multipart/form-data', 'multipart/form-data; boundary=x', 'multipart/mixed; boundary=x',
    ];
    await each(Object.fromEntries(types.map((type) => [type.slice(0, 60), () => post(GOOD, { 'content-type': type })])), (answer) => assertRefused(answer, BAD, 415));
    const none = new Raw();
    await none.send(`POST /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${server.token}\r\nconnection: close\r\ncontent-length: ${GOOD.length}\r\n\r\n${GOOD}`);
    await none.end();
    assert.deepEqual(none.statuses, [415]);
  },

  async multipart_is_415() {
    const parts = (count) => times(count, (n) => `--x\r\ncontent-disposition: form-data; name="${n}"; filename="a"\r\n\r\n{"query":"{ __typename }"}\r\n`) + '--x--\r\n';
    const type = { 'content-type': 'multipart/form-data; boundary=x' };
    await each({ 'one part': () => post(parts(1), type), '10,000 parts': () => post(parts(10_000), type) }, (answer) => assertRefused(answer, BAD, 415));
  },

  async compressed_bodies_are_read() {
    await each(
      {
        gzip: () => post(gzipSync(GOOD), { 'content-encoding': 'gzip' }),
        br: () => post(brotliCompressSync(GOOD), { 'content-encoding': 'br' }),
        identity: () => post(GOOD, { 'content-encoding': 'identity' }),
        GZIP: () => post(gzipSync(GOOD), { 'content-encoding': 'GZIP' }),
      },
      (answer) => assert.deepEqual(assertClean(answer), { data: { __typename: 'Query' } }),
    );
  },

  async compressed_bodies_that_are_broken_are_400() {
    const [gzip, br] = [gzipSync(GOOD.padEnd(5_000)), brotliCompressSync(GOOD.padEnd(5_000))];
    const flipped = Buffer.from(gzip);
    flipped[gzip.length - 6] ^= 0xff;
    await each(
      {
        'plain text as gzip': () => post(GOOD, { 'content-encoding': 'gzip' }),
        'plain text as br': () => post(GOOD, { 'content-encoding': 'br' }),
        'half a gzip': () => post(gzip.subarray(0, gzip.length / 2), { 'content-encoding': 'gzip' }),
        'half a br': () => post(br.subarray(0, br.length - 2), { 'content-encoding': 'br' }),
        'the head of a gzip': () => post(gzip.subarray(0, 10), { 'content-encoding': 'gzip' }),
        'a wrong checksum': () => post(flipped, { 'content-encoding': 'gzip' }),
        'nothing as gzip': () => post('', { 'content-encoding': 'gzip' }),
        'a compressed nothing': () => post(gzipSync(''), { 'content-encoding': 'gzip' }),
        'compressed bad UTF-8': () => post(gzipSync(Buffer.from([0xff])), { 'content-encoding': 'gzip' }),
        'gzip as br': () => post(gzip, { 'content-encoding': 'br' }),
      },
      (answer) => assertRefused(answer, BAD, 400),
    );
  },

  async unknown_encodings_are_415() {
    await each(
      Object.fromEntries(['compress', 'x', 'gzip, x', 'x, gzip', 'rot13'].map((name) => [name, () => post(gzipSync(GOOD), { 'content-encoding': name })])),
      (answer) => assertRefused(answer, BAD, 415),
    );
  },

  async bombs_are_413() {
    const zeros = Buffer.alloc(256 * MIB);
    const [gzip, br] = [gzipSync(zeros), brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })];
    await each(
      {
        'gzip': () => post(gzip, { 'content-encoding': 'gzip' }, { to: patient }),
        'br': () => post(br, { 'content-encoding': 'br' }, { to: patient }),
      },
      (answer) => assertRefused(answer, LIMIT, 413),
    );
    const twice = await post(gzipSync(gzip), { 'content-encoding': 'gzip, gzip' }, { to: patient });
    assertRefused(twice, [LIMIT, BAD], [413, 415]);
    assertSlim(patient);
  },

  async bombs_at_once_are_bounded_together() {
    const bomb = gzipSync(Buffer.alloc(256 * MIB));
    const send = () => post(bomb, { 'content-encoding': 'gzip' }, { to: patient, limit: 20_000 });
    const answers = await Promise.all(Array.from({ length: 12 }, send));
    for (const answer of answers) assertRefused(answer, LIMIT, [413, 429]);
    assertSlim(patient);
  },

  async bodies_that_are_too_large_are_413() {
    const announced = new Raw(patient);
    await announced.send(`${HEAD}content-length: 10000000000\r\n\r\n{`);
    await until(() => announced.statuses.length > 0 || announced.isClosed, 'an answer', QUICK);
    assert.ok((announced.statuses[0] ?? 413) === 413, announced.text.slice(0, 200));
    const chunked = new Raw(patient);
    await chunked.send(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
    const chunk = `100000\r\n${' '.repeat(MIB)}\r\n`;
    for (let n = 0; n < 40 && !chunked.isClosed && chunked.statuses.length === 0; n += 1) await chunked.send(chunk);
    await until(() => chunked.statuses.length > 0 || chunked.isClosed, 'an answer', QUICK);
    assert.ok((chunked.statuses[0] ?? 413) === 413, chunked.text.slice(0, 200));
    for (const { socket } of [announced, chunked]) socket.destroy();
  },

  async bodies_in_small_parts_leave_room_for_others() {
    // Counted as 1 KiB each, the chunks would fill the memory for bodies: 1.6 MB on the wire, and 49 kB with a lower limit.
    const small = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '0', ANNOGRAPH_MAX_BODY: String(MIB) });
    for (const [to, chunks] of [[small, 2_048], [patient, 65_536]]) {
      const others = await otherUser(to);
      const senders = Array.from({ length: 4 }, () => new Raw(to));
      for (const sender of senders) await sender.send(`${HEAD}transfer-encoding: chunked\r\n\r\n${'1\r\n \r\n'.repeat(chunks)}`);
      for (let n = 0; n < 50; n += 1) await others.asks('{ viewer { id } }');
      for (const sender of senders) assert.deepEqual(sender.statuses, [], 'the bodies are still on their way');
    }
    await small.stop();
  },

  async counts_leave_room_for_other_reads() {
    const counting = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '0' }, { demo: false });
    const others = await otherUser(counting);
    await counting.query('mutation { createProject(input: { title: "Many" }) { id } }');
    await counting.query(`mutation { addProjectMember(projectId: 1, userId: ${others.id}, role: VIEWER) { role } }`);
    const annotations = Array.from({ length: 10 }, (_, n) => ({ result: [], lead_time: n }));
    const tasks = Array.from({ length: 1_000 }, () => ({ data: { text: 'x' }, annotations }));
    const query = 'mutation($tasks: [JSONObject!]!) { importTasks(projectId: 1, tasks: $tasks) { annotationCount } }';
    for (let rows = 0; rows < ROWS; rows += 10_000) {
      assert.equal(assertClean(await as(counting.token, { query, variables: { tasks } }, { to: counting, limit: 60_000 })).errors, undefined);
    }
    const counts = times(95, (n) => `a${n}: annotations(first: 0, filter: { leadTime: { gte: ${n / 100} } }) { totalCount }`);
    let isOver = false;
    const count = () => as(counting.token, { query: `{ ${counts} }` }, { to: counting, limit: 60_000 });
    const counted = Promise.all(Array.from({ length: 4 }, count)).finally(() => (isOver = true));
    for (let n = 0; n < 10 || (!isOver && n < 200); n += 1) await others.asks('{ viewer { id } tasks(first: 2) { nodes { id } } }');
    for (const answer of await counted) {
      const { data, errors } = assertClean(answer);
      if (data) assert.ok(data.a0.totalCount > 0);
      else assert.ok(errors);
    }
    await counting.stop();
  },

  // ---------------------------------------------------------------- methods, addresses and headers

  async mutations_over_get_are_405() {
    const query = encodeURIComponent('mutation { createProject(input: { title: "by GET" }) { id } }');
    const both = encodeURIComponent('query A { __typename } mutation B { createProject(input: { title: "by GET" }) { id } }');
    await each(
      {
        'a mutation': () => fetched('GET', `/graphql?query=${query}`, {}),
        'a mutation beside a query': () => fetched('GET', `/graphql?operationName=B&query=${both}`, {}),
      },
      (answer) => {
        assertRefused(answer, BAD, 405);
        assert.match(answer.headers.get('allow') ?? '', /POST/);
      },
    );
    const { data } = assertClean(await ask('{ projects(filter: { title: { eq: "by GET" } }) { totalCount } }'));
    assert.equal(data.projects.totalCount, 0);
  },

  async get_requests_that_are_none_are_refused() {
    await each(
      {
        'no query': () => fetched('GET', '/graphql', {}),
        'an empty query': () => fetched('GET', '/graphql?query=', {}),
        'variables that are no JSON': () => fetched('GET', '/graphql?query={__typename}&variables=x', {}),
        'variables that are a list': () => fetched('GET', '/graphql?query={__typename}&variables=[]', {}),
        'extensions that are no JSON': () => fetched('GET', '/graphql?query={__typename}&extensions={', {}),
        'bad percent encoding': () => fetched('GET', '/graphql?query=%7B%ff%fe%7D', {}),
        'half a percent encoding': () => fetched('GET', '/graphql?query=%7', {}),
        'a name of another style': () => fetched('GET', '/graphql?query=query+A{a:__typename}query+B{b:__typename}&operation_name=A', {}),
      },
      (answer) => assertRefused(answer, [BAD, 'GRAPHQL_PARSE_FAILED'], [200, 400]),
    );
  },

  async other_methods_are_405() {
    await each(
      Object.fromEntries(['PUT', 'PATCH', 'DELETE'].map((method) => [method, () => fetched(method, '/graphql', { 'content-type': 'application/json' }, GOOD)])),
      (answer) => {
        assertRefused(answer, BAD, 405);
        assert.match(answer.headers.get('allow') ?? '', /POST/);
      },
    );
    for (const method of ['TRACE', 'CONNECT', 'FOO', 'get', 'PROPFIND', 'X'.repeat(1_000)]) {
      await assertNoHttp(`${method} /graphql HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${server.token}\r\ncontent-length: 0\r\n\r\n`, [400, 405, 501]);
    }
    const head = await fetched('HEAD', '/graphql?query={__typename}', {});
    assert.ok(head.status < 500 && head.text === '');
  },

  async types_that_nobody_speaks_are_406() {
    const types = ['text/html', 'image/png', 'application/xml', 'multipart/mixed', 'application/json;q=0', '*/*;q=0', 'x', '/', ';;;', 'application/graphql+json'];
    await each(Object.fromEntries(types.map((accept) => [accept, () => post({ query: '{ __typename }' }, { accept })])), (answer) => assertRefused(answer, BAD, 406));
  },

  async odd_accept_headers_are_answered() {
    const types = ['application/json;q=nan', 'application/json;q=-1', 'application/json;q=1e400', ', '.repeat(2_000), 'application/json, '.repeat(400), '*/*;q=0.0000001', 'a'.repeat(8_000)];
    await each(Object.fromEntries(types.map((accept) => [accept.slice(0, 40), () => post({ query: '{ __typename }' }, { accept })])), (answer) => assertClean(answer));
  },

  async tokens_that_are_none_are_401() {
    const values = ['', 'Bearer', 'Bearer ', 'Bearer nobody', 'Basic YWRtaW46YWRtaW4=', server.token, `Bearer ${server.token}x`, `Bearer ${'x'.repeat(8_000)}`, 'Bearer ann_\xff', `Bearer ${server.token}, Bearer x`];
    await each(Object.fromEntries(values.map((value) => [value.slice(0, 40).replace(server.token, 'TOKEN'), () => post({ query: '{ __typename }' }, { authorization: value })])), (answer) =>
      assertRefused(answer, 'UNAUTHENTICATED', 401),
    );
  },

  async other_paths_are_404() {
    for (const path of ['/nothing', '/graphql/', '/graphql/x', '//graphql', '/%2e%2e/etc/passwd', '/../../etc/passwd', '/graphql%00', '/.env', '/assets/../../Cargo.toml']) {
      const raw = new Raw();
      await raw.send(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      await raw.end();
      assert.ok([400, 404].includes(raw.statuses[0]), `${path} gives ${raw.text.slice(0, 100)}`);
    }
  },

  async large_heads_are_431() {
    const get = `GET /graphql?query={__typename} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${server.token}\r\nconnection: close\r\n`;
    await assertNoHttp(`${get}x: ${'x'.repeat(100_000)}\r\n\r\n`, 431);
    await assertNoHttp(`${get}${'x'.repeat(100_000)}: x\r\n\r\n`, 431);
    await assertNoHttp(`${get}cookie: ${'a=b; '.repeat(20_000)}\r\n\r\n`, 431);
    await assertNoHttp(`${get}${times(10_000, (n) => `x${n}: y\r\n`).replaceAll('\n ', '\n')}\r\n`, 431);
    await assertNoHttp(`${get}${'a: b\r\n'.repeat(1_000)}\r\n`, 431);
    await assertNoHttp(`${get}x: ${'x'.repeat(40_000_000)}`, 431, 5_000);
  },

  async a_head_within_the_bounds_is_read() {
    const answer = await post({ query: '{ __typename }' }, { 'x-padding': 'x'.repeat(6_000), cookie: 'a=b; '.repeat(500) });
    assert.deepEqual(assertClean(answer), { data: { __typename: 'Query' } });
  },

  async long_addresses_are_refused() {
    for (const path of [`/${'x'.repeat(100_000)}`, `/graphql?query={__typename}&x=${'x'.repeat(100_000)}`, `/graphql?${'a&'.repeat(60_000)}`]) {
      await assertNoHttp(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`, [400, 414, 431]);
    }
  },

  // ---------------------------------------------------------------- HTTP that is none

  async what_is_no_http_is_refused() {
    const junk = {
      'a TLS hello': Buffer.from('16030100c8010000c403030000000000000000000000000000000000', 'hex'),
      'SSH': 'SSH-2.0-OpenSSH_9.6\r\n',
      'random bytes': Buffer.from(Array.from({ length: 2_000 }, (_, n) => (n * 7919 + 13) % 256)),
      'NUL bytes': Buffer.alloc(2_000),
      'no version': 'GET /graphql\r\n\r\n',
      'a version from the future': 'GET /graphql HTTP/9.9\r\nhost: a\r\n\r\n',
      'a broken header': 'GET /graphql HTTP/1.1\r\nhost a\r\n\r\n',
      'a space before the colon': 'POST /graphql HTTP/1.1\r\nhost : a\r\ncontent-length : 5\r\n\r\n',
      'a NUL in a header': 'GET /graphql HTTP/1.1\r\nhost: a\0b\r\n\r\n',
      'a NUL in the path': 'GET /gra\0phql HTTP/1.1\r\nhost: a\r\n\r\n',
      'line breaks only': '\r\n'.repeat(5_000),
    };
    for (const [name, bytes] of Object.entries(junk)) {
      await assertNoHttp(bytes, [400, 404, 405, 505], 3_000).catch((error) => assert.fail(`${name}: ${error.message}`));
    }
  },

  async lengths_that_contradict_each_other_are_refused() {
    const broken = {
      'two lengths': `${HEAD}content-length: 26\r\ncontent-length: 5\r\n\r\n${GOOD}`,
      'a list of lengths': `${HEAD}content-length: 26, 5\r\n\r\n${GOOD}`,
      'a negative length': `${HEAD}content-length: -1\r\n\r\n${GOOD}`,
      'a length in hex': `${HEAD}content-length: 0x1a\r\n\r\n${GOOD}`,
      'a length of 2 to the 64th': `${HEAD}content-length: 18446744073709551616\r\n\r\n${GOOD}`,
      'an unknown transfer': `${HEAD}transfer-encoding: x\r\n\r\n${GOOD}`,
      'chunked that is not last': `${HEAD}transfer-encoding: chunked, x\r\n\r\n1a\r\n${GOOD}\r\n0\r\n\r\n`,
      'a chunk size that is none': `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n${GOOD}\r\n0\r\n\r\n`,
      'a chunk size of 2 to the 68th': `${HEAD}transfer-encoding: chunked\r\n\r\n100000000000000000\r\n${GOOD}`,
      'a chunk that is longer than it says': `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n${GOOD}\r\n0\r\n\r\n`,
      'a long chunk extension': `${HEAD}transfer-encoding: chunked\r\n\r\n1a;${'x'.repeat(100_000)}\r\n${GOOD}\r\n0\r\n\r\n`,
    };
    for (const [name, bytes] of Object.entries(broken)) {
      await assertNoHttp(bytes, [400, 408, 411, 413, 415, 431, 501], 3_000).catch((error) => assert.fail(`${name}: ${error.message}`));
    }
  },

  async a_length_and_chunks_do_not_smuggle_a_request() {
    const raw = new Raw();
    const hidden = 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n';
    await raw.send(`${HEAD}transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\n${hidden}`);
    await until(() => raw.isClosed || raw.statuses.length > 0, 'an answer', QUICK);
    await within(raw.closed, 'the end of the connection', QUICK).catch(() => {});
    assert.ok(!raw.text.includes('\r\n\r\nok'), raw.text);
    raw.socket.destroy();
  },

  async garbage_behind_a_request_does_not_harm_its_answer() {
    for (const junk of ['\0\0\0\0\r\n\r\n', 'garbage\r\n\r\n', 'GET / HTTP/1.1\r\nbroken header\r\n\r\n']) {
      const raw = new Raw();
      await raw.send(request(GOOD) + junk);
      await raw.end(3_000);
      const [first, ...rest] = raw.statuses;
      assert.equal(first, 200, raw.text.slice(0, 200));
      assert.ok(rest.every((status) => status === 400), rest.join());
    }
  },

  async pipelined_requests_are_answered_in_order() {
    const raw = new Raw();
    await raw.send(times(100, (n) => request(`{"query":"{ n${n}: __typename }"}`)).replaceAll('} POST', '}POST'));
    await until(() => raw.text.includes('"n99"'), 'the last answer', 5_000);
    assert.deepEqual([...raw.text.matchAll(/"n(\d+)"/g)].map(([, n]) => Number(n)), Array.from({ length: 100 }, (_, n) => n));
    raw.socket.destroy();
  },

  // ---------------------------------------------------------------- connections

  async half_a_head_is_given_up() {
    const halves = ['P', 'POST /graphql HT', 'POST /graphql HTTP/1.1\r\nhost: a\r\n', `${HEAD}x`];
    const started = halves.map((bytes) => {
      const raw = new Raw();
      raw.socket.write(bytes);
      return raw;
    });
    for (const raw of started) {
      await raw.end(4_000);
      assert.ok([undefined, 408].includes(raw.statuses[0]), raw.text);
    }
  },

  async a_head_that_comes_byte_by_byte_is_given_up() {
    const raw = new Raw();
    const bytes = [...request(GOOD)];
    const dripping = setInterval(() => raw.socket.writable && raw.socket.write(bytes.shift() ?? ' '), 200);
    await raw.end(5_000).finally(() => clearInterval(dripping));
    assert.ok([undefined, 408].includes(raw.statuses[0]), raw.text);
  },

  async half_a_body_is_given_up() {
    for (const sent of ['', '{"query":']) {
      const raw = new Raw();
      await raw.send(`${HEAD}content-length: 100\r\n\r\n${sent}`);
      await until(() => raw.isClosed || raw.statuses.length > 0, 'an answer or the end', 4_000);
      assert.ok([undefined, 408].includes(raw.statuses[0]), raw.text);
      raw.socket.destroy();
    }
  },

  async a_body_that_comes_byte_by_byte_is_given_up() {
    const raw = new Raw();
    await raw.send(`${HEAD}content-length: 100000\r\n\r\n`);
    const dripping = setInterval(() => raw.socket.writable && raw.socket.write(' '), 200);
    const answered = until(() => raw.isClosed || raw.statuses.length > 0, 'an answer or the end', 5_000);
    await answered.finally(() => clearInterval(dripping));
    assert.ok([undefined, 408].includes(raw.statuses[0]), raw.text);
    raw.socket.destroy();
  },

  async half_closed_connections_are_answered_or_closed() {
    for (const bytes of ['', 'POST /gra', HEAD, request(GOOD), request(GOOD, 'connection: close\r\n')]) {
      const raw = new Raw();
      raw.socket.end(bytes);
      await raw.end();
      assert.ok([undefined, 200, 400].includes(raw.statuses[0]), raw.text);
    }
  },

  async half_a_request_and_a_hang_up_do_no_harm() {
    const before = server.sockets();
    for (let n = 0; n < 100; n += 1) {
      const raw = new Raw();
      raw.socket.write(`${HEAD}content-length: 1000\r\n\r\n{"query":`, () => raw.socket.resetAndDestroy());
      await within(raw.closed, 'the end');
    }
    await until(() => server.sockets() <= before, "the end of the server's side", 5_000);
  },

  async clients_that_do_not_read_are_bounded() {
    const slow = (count, bytes) => {
      const raw = new Raw();
      raw.socket.pause();
      raw.socket.write(bytes.repeat(count));
    };
    slow(100, request(JSON.stringify({ query: INTROSPECTION })));
    for (let n = 0; n < 20; n += 1) slow(2_000, 'GET /schema.graphql HTTP/1.1\r\nhost: a\r\n\r\n');
    for (let n = 0; n < 5; n += 1) await assertHealthy();
  },

  async five_hundred_idle_connections_leave_room_for_others() {
    const idle = Array.from({ length: 500 }, () => new Raw());
    const connected = idle.map(({ socket }) => new Promise((resolve) => socket.once('connect', resolve)));
    await within(Promise.all(connected), 'the connections', 15_000);
    for (let n = 0; n < 5; n += 1) await assertHealthy();
    for (const raw of idle) await raw.end(5_000);
  },

  async five_hundred_kept_connections_are_closed_in_time() {
    const kept = Array.from({ length: 500 }, () => {
      const raw = new Raw();
      raw.socket.write('GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n');
      return raw;
    });
    for (const raw of kept) await until(() => raw.statuses[0] === 200, 'the answers', 5_000);
    await assertHealthy();
    for (const raw of kept) await raw.end(5_000);
  },

  // ---------------------------------------------------------------- WebSockets

  async a_huge_message_ends_its_socket() {
    const { say, closed } = await websocket();
    say(`{"type":"ping","payload":{"x":"${'x'.repeat(64 * MIB)}"}}`);
    const code = await within(closed, 'the end of the socket', 5_000);
    // The close frame is lost when the server hangs up on what it does not want to read.
    assert.ok([1009, 1006].includes(code), `closed with ${code}`);
  },

  async deep_messages_are_refused() {
    for (const text of ['['.repeat(1_000_000), nested(100_000, '{"a":', '1', '}')]) {
      const { say, closed } = await websocket();
      say(text);
      assert.equal(await within(closed, 'the end of the socket'), 4400);
    }
    const { say, inbox, closed } = await websocket();
    say(`{"type":"ping","payload":${nested(100_000, '{"a":', '1', '}')}}`);
    const got = await within(Promise.race([closed, inbox.next()]), 'an answer to a deep ping');
    assert.ok(got === 4400 || got.type === 'pong', `got ${got}`);
  },

  async a_flood_of_subscribes_is_bounded() {
    const { say, inbox, closed, socket } = await websocket();
    for (let n = 0; n < 5_000; n += 1) say({ id: `s${n}`, type: 'subscribe', payload: { query: 'subscription { annotationEvents { version } }' } });
    const refused = until(() => inbox.items.some(({ type }) => type === 'error'), 'a refusal', 10_000);
    await Promise.race([refused, closed]);
    const { payload } = inbox.items.find(({ type }) => type === 'error') ?? { payload: undefined };
    if (payload) assertCoded(payload, LIMIT);
    socket.terminate();
  },

  async floods_of_a_client_that_does_not_read_are_bounded() {
    const pings = await websocket({ read: false });
    for (let n = 0; n < 2_000; n += 1) pings.say({ type: 'ping', payload: { n, x: 'x'.repeat(10_000) } });
    const queries = await websocket({ read: false });
    const query = '{ tasks(first: 2) { nodes { data meta } } }';
    for (let n = 0; n < 2_000; n += 1) queries.say({ id: `q${n}`, type: 'subscribe', payload: { query } });
    for (let n = 0; n < 5; n += 1) await assertHealthy();
  },

  async sockets_that_never_sign_in_are_dropped() {
    const handshake = `GET /graphql HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n`;
    const silent = Array.from({ length: 200 }, () => {
      const raw = new Raw();
      raw.socket.write(handshake);
      return raw;
    });
    for (const raw of silent) await raw.end(5_000);
    assert.ok(silent.every(({ statuses }) => statuses[0] === 101), silent[0].text.slice(0, 100));
  },

  async a_message_cannot_be_inflated() {
    const { socket, say, closed } = await websocket();
    if (socket.extensions === '') return;
    say(`{"type":"ping","payload":{"x":"${'x'.repeat(64 * MIB)}"}}`);
    assert.equal(await within(closed, 'the end of the socket'), 1009);
  },

  // ---------------------------------------------------------------- the rate

  async a_user_who_asks_too_often_is_429() {
    const limited = await start(annograph, { ANNOGRAPH_RATE_LIMIT: '20' }, { demo: false });
    await limited.command('user', 'add', 'other');
    const other = (await limited.command('token', 'create', '--user', 'other')).trim();
    const second = (await limited.command('token', 'create', '--user', 'admin')).trim();
    const send = (token = limited.token) =>
      limited.post({ query: '{ __typename }' }, { headers: { authorization: `Bearer ${token}` } });
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => send(n % 2 ? second : limited.token)));
    const refused = answers.filter(({ status }) => status === 429);
    assert.ok(answers.filter(({ status }) => status === 200).length >= 20, 'as many as the limit are answered');
    assert.ok(refused.length > 0, 'all 60 at once are answered');
    for (const answer of refused) {
      assertRefused({ status: answer.status, headers: answer.headers, text: await answer.text() }, LIMIT, 429);
      assert.match(answer.headers.get('retry-after') ?? '', /^[1-9]\d*$/, 'it says when to come back');
    }
    assert.equal((await send(other)).status, 200, 'another user is not concerned');
    await until(async () => (await send()).status === 200, 'room again', 3_000);
    const batch = JSON.stringify(Array(10).fill({ query: '{ __typename }' }));
    const batches = await Promise.all(Array.from({ length: 6 }, () => limited.post(batch)));
    assert.ok(batches.some(({ status }) => status === 429), 'each request of a batch counts');
    await limited.stop();
  },

  async the_server_is_still_the_same() {
    assert.equal(server.pid, pid);
    assert.ok(server.isUp(), server.log());
    assert.ok(patient.isUp(), patient.log());
    const faults = `${server.log()}\n${patient.log()}`.split('\n').filter((line) => /panicked|overflow|ERROR/.test(line));
    assert.deepEqual(faults, [], 'the log tells of faults');
  },
};

function isHealthy() {
  return assertHealthy().then(() => true, () => false);
}

/** The process runs and answers both ways in time. */
async function assertHealthy() {
  assert.ok(server.isUp(), `the server has died:\n${server.log()}`);
  const healthz = await fetched('GET', '/healthz', {});
  assert.deepEqual([healthz.status, healthz.text], [200, 'ok']);
  const { data } = assertClean(await ask('{ viewer { username } tasks(first: 2) { nodes { id annotations { totalCount } } } }'));
  assert.equal(data.tasks.nodes.length, 2);
}

/** The answer to a request of somebody's token. */
function as(token, body, options) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return fetched('POST', '/graphql', headers, JSON.stringify(body), options);
}

/** Another user of a server, whose requests are answered in time, whatever others do. */
async function otherUser(to) {
  const { createUser } = await to.query('mutation { createUser(input: { username: "other" }) { id } }');
  const { createToken } = await to.query(`mutation { createToken(input: { userId: ${createUser.id} }) { text } }`);
  return {
    id: createUser.id,
    async asks(query) {
      const answer = await as(createToken.text, { query }, { to });
      assert.equal(assertClean(answer).errors, undefined, answer.text);
    },
  };
}

let most = 0;

/** A server's memory was bounded since this was asked last; `most` is that of the whole run. */
function assertSlim(which, bound = MEMORY) {
  const peak = which.peak();
  most = Math.max(most, peak);
  assert.ok(peak < bound, `the server held ${Math.round(peak / MIB)} MiB`);
}

await run(checks, {
  limit: 180_000,
  async afterEach() {
    for (const { socket } of raws.splice(0)) socket.destroy();
    await assertHealthy();
    assertSlim(server);
  },
  async after() {
    console.log(`memory: ${Math.round(most / MIB)} MiB at most`);
  },
});
