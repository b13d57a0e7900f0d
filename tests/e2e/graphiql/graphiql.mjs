// Drives the GraphiQL page of a running server in Chromium, as a person would.
//
//   node graphiql.mjs http://127.0.0.1:PORT TOKEN [ANNOGRAPH]
//
// The token must be allowed to update annotation 1. ANNOGRAPH is the program, which makes and revokes a token in the
// server's database, ANNOGRAPH_DATABASE_URL; without it, that test is left out. CHROMIUM names the browser (default
// /usr/bin/chromium); SCREENSHOTS, when set, a directory for pictures of each step; ONLY, when set, the tests to run.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

const [address, token, annograph] = process.argv.slice(2);
if (!address || !token) {
  console.error('usage: node graphiql.mjs http://127.0.0.1:PORT TOKEN [ANNOGRAPH]');
  process.exit(2);
}
const origin = new URL(address).origin;
const screenshots = process.env.SCREENSHOTS;
if (screenshots) mkdirSync(screenshots, { recursive: true });

const tests = {
  async a_sign_in_link_opens_the_editor_and_hides_the_token(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    assert.equal(page.url(), `${origin}/`, 'the address bar keeps nothing of the link');
    assert.equal(await page.title(), 'Annograph');
    assert.equal(await page.getByRole('form', { name: 'Sign in' }).count(), 0, 'no bar asks for a token');
    assert.deepEqual(
      await page.getByRole('tab').allInnerTexts(),
      ['ViewerAndProjects', 'TasksWithAnnotations', 'UpdateAnnotation', 'AnnotationHistory', 'AnnotationEvents'],
      'the example tabs are there',
    );
    const local = await page.evaluate(() => JSON.stringify({ ...localStorage }));
    assert.ok(!local.includes(token), 'the token outlives the browser tab in localStorage');
  },

  async the_page_is_served_with_a_strict_policy(browser) {
    const page = await browser.open(`/#token=${token}`);
    const policy = page.document.headers()['content-security-policy'] ?? '';
    assert.match(policy, /default-src 'none'/, `the policy allows by default: ${policy}`);
    assert.match(policy, /script-src 'self'(;|$)/, `scripts may come from elsewhere than files: ${policy}`);
    assert.match(policy, /connect-src 'self'(;|$)/, `requests may leave the server: ${policy}`);
  },

  async the_docs_show_the_schema(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const docs = page.locator('.graphiql-plugin');
    await docs.getByRole('link', { name: 'Mutation' }).or(docs.getByText('Mutation', { exact: true })).first().click();
    await docs.getByText('updateAnnotation', { exact: true }).first().waitFor();
    await page.picture('docs');
  },

  async the_explorer_and_the_history_open(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
    const explorer = page.locator('.graphiql-explorer-root');
    await explorer.getByText('viewer', { exact: true }).first().waitFor();
    await page.picture('explorer');
    await run(page);
    await page.getByRole('button', { name: 'Show History' }).click();
    await page.locator('.graphiql-history').getByText('ViewerAndProjects').first().waitFor();
    await page.picture('history');
  },

  async the_editor_completes_and_prettifies(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    const lines = page.locator('.graphiql-query-editor .view-line');
    await lines.getByText('role', { exact: true }).click();
    await page.keyboard.press('End');
    await page.keyboard.press('Enter');
    await page.keyboard.type('emai');
    await page.getByRole('option', { name: 'email' }).first().waitFor();
    await page.picture('completion');
    await page.keyboard.press('Enter');
    await page.keyboard.type('    # mine');
    await page.getByRole('button', { name: 'Prettify query' }).click();
    await lines.getByText('email # mine').waitFor();
  },

  async viewer_and_projects_shows_the_username(browser) {
    const { viewer } = await query('{ viewer { username } }');
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await run(page);
    await seeAnswer(page, `"username": "${viewer.username}"`);
    await page.picture('viewer-and-projects');
  },

  async the_read_examples_run_without_errors(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    for (const name of ['TasksWithAnnotations', 'AnnotationHistory']) {
      await page.getByRole('tab', { name }).click();
      const { errors } = await run(page);
      assert.equal(errors, undefined, `${name} answers with errors: ${JSON.stringify(errors)}`);
      await seeAnswer(page, '"data": {');
      await page.picture(name);
    }
  },

  async update_an_annotation_shows_the_new_version(browser) {
    await query('mutation { updateAnnotation(id: "1", input: { leadTime: 1.25 }) { version } }');
    const before = await query('{ annotation(id: "1") { version } }');
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('tab', { name: 'UpdateAnnotation' }).click();
    await run(page);
    await seeAnswer(page, `"version": ${before.annotation.version + 1},`);
    await page.picture('update-annotation');
    const after = await query('{ annotation(id: "1") { version leadTime } }');
    assert.deepEqual(after.annotation, { version: before.annotation.version + 1, leadTime: 12.5 });
  },

  async numbers_are_sent_and_shown_as_they_are_spelled(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('tab', { name: 'UpdateAnnotation' }).click();
    await page.getByRole('region', { name: 'Variables' }).getByText('12.5').click();
    await page.keyboard.press('End');
    await page.keyboard.type('0');
    await page.route('**/graphql', (route) => {
      if (!route.request().postData().includes('UpdateAnnotation(')) return route.continue();
      return route.fulfill({ contentType: 'application/json', body: '{"data":{"is":1.0,"big":9223372036854775807}}' });
    });
    const sent = page.waitForRequest((request) => request.postData()?.includes('UpdateAnnotation('));
    await page.getByRole('button', { name: 'Execute query' }).click();
    assert.match((await sent).postData(), /"leadTime": 12\.50\s/, 'the server gets another spelling');
    await seeAnswer(page, '"is": 1.0,');
    await seeAnswer(page, '"big": 9223372036854775807');
  },

  async the_docs_and_the_explorer_show_the_subscription(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
    const docs = page.locator('.graphiql-plugin');
    await docs.getByRole('link', { name: 'Subscription', exact: true }).click();
    await docs.getByRole('link', { name: 'annotationEvents', exact: true }).click();
    await docs.getByRole('link', { name: 'AnnotationEventFilter', exact: true }).waitFor();
    await page.picture('docs-subscription');
    await page.getByRole('tab', { name: 'AnnotationEvents' }).click();
    await page.getByRole('button', { name: 'Show GraphiQL Explorer' }).click();
    const explorer = page.locator('.graphiql-explorer-root');
    await explorer.getByText('annotationEvents', { exact: true }).first().waitFor();
    await explorer.getByText('changedFields', { exact: true }).first().waitFor();
    await page.picture('explorer-subscription');
  },

  async a_subscription_shows_events_until_it_is_stopped(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await run(page);
    assert.equal(page.sockets.length, 0, 'a WebSocket is opened before there is a subscription');
    await follow(page);
    await page.picture('subscription-event');

    const outside = await touch();
    await seeAnswer(page, `"version": ${outside},`);
    const other = await page.otherTab(`/#token=${token}`);
    const lines = other.locator('.graphiql-query-editor .view-line');
    await lines.getByText('subscription AnnotationEvents').waitFor(); // GraphiQL opens the tab that was used last
    await other.getByRole('tab', { name: 'UpdateAnnotation' }).click();
    await lines.getByText('mutation UpdateAnnotation(').waitFor();
    const { data } = await run(other);
    assert.equal(data?.updateAnnotation.version, outside + 1, 'the other tab changes the annotation');
    await other.picture('subscription-other-tab');
    await seeAnswer(page, `"version": ${outside + 1},`);
    await seeAnswer(page, '"leadTime": 12.5,');
    await page.picture('subscription-event-of-the-other-tab');

    const socket = page.sockets.at(-1);
    await stop(page);
    await until(() => socket.closed, 'the WebSocket stays open');
    assert.ok(socket.sent.some((text) => text.includes('"complete"')), 'the server is not told');
    assert.ok(!socket.url.includes(token), 'the token is in an address');
    const received = socket.received.length;
    const missed = await touch();
    await page.waitForTimeout(1_500);
    assert.equal(socket.received.length, received, 'more arrives after stopping');
    assert.ok(!(await answer(page)).includes(`"version": ${missed},`), 'an event is shown after stopping');
    await page.picture('subscription-stopped');

    const [, cursor] = (await answer(page)).match(/"cursor": "([^"]+)"/);
    await insert(page, 'filter: {', `after: "${cursor}", `);
    await play(page);
    await seeAnswer(page, `"version": ${missed},`);
    await page.picture('subscription-resumed');
    assert.equal(page.sockets.length, 2, 'it is one WebSocket for each time of following');
  },

  async leaving_the_tab_or_signing_out_ends_a_subscription(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await follow(page);
    await page.getByRole('tab', { name: 'ViewerAndProjects' }).click();
    await until(() => page.sockets[0].closed, 'the WebSocket stays open when the tab is left');
    await run(page);
    await seeAnswer(page, '"viewer": {');
    await follow(page);
    await page.getByRole('button', { name: 'New tab' }).click();
    await until(() => page.sockets[1].closed, 'the WebSocket stays open when a tab is added');
    await follow(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await until(() => page.sockets[2].closed, 'the WebSocket stays open after signing out');
    assert.ok(!(await page.locator('body').innerText()).includes('"cursor"'), 'an event stays on the screen');
  },

  async the_errors_of_a_subscription_are_shown(browser) {
    const page = await browser.open(`/#token=${token}`);
    await seeEditor(page);
    await page.getByRole('tab', { name: 'AnnotationEvents' }).click();
    await insert(page, 'filter: {', 'after: "nonsense", ');
    await play(page);
    await seeAnswer(page, '"code": "BAD_USER_INPUT"');
    await page.getByRole('button', { name: 'Execute query' }).waitFor();
    await page.picture('subscription-refused');
    await until(() => page.sockets[0].closed, 'the WebSocket stays open');
  },

  async a_subscription_with_a_refused_token_says_so(browser) {
    const page = await browser.open('/#token=not-a-token', { refusals: true });
    await seeEditor(page, { schema: false });
    await page.getByRole('form', { name: 'Sign in' }).getByText('did not accept').waitFor();
    await page.getByRole('tab', { name: 'AnnotationEvents' }).click();
    await play(page);
    await seeAnswer(page, 'The server does not accept this token');
    await page.getByRole('button', { name: 'Execute query' }).waitFor();
    await page.picture('subscription-refused-token');
  },

  async a_token_that_is_revoked_ends_a_subscription_with_a_message(browser) {
    const { viewer } = await query('{ viewer { username } }');
    const lost = program('token', 'create', '--user', viewer.username, '--name', 'graphiql-e2e').match(/ann_\S+/)[0];
    const page = await browser.open(`/#token=${lost}`);
    await seeEditor(page);
    await follow(page);
    const listed = program('token', 'list').split('\n').filter((line) => line.includes('graphiql-e2e'));
    program('token', 'revoke', listed.at(-1).match(/\d+/)[0]);
    await seeAnswer(page, 'The server does not accept this token');
    await page.getByRole('form', { name: 'Sign in' }).getByText('did not accept').waitFor();
    await page.picture('subscription-revoked-token');
  },

  async a_token_that_is_lost_meanwhile_ends_a_subscription_with_a_message(browser) {
    let connection;
    const page = await browser.open(`/#token=${token}`, {
      onSocket(socket) {
        connection = socket;
        socket.connectToServer();
      },
    });
    await seeEditor(page);
    const { cursor } = await follow(page);
    await connection.close({ code: 4403, reason: 'Forbidden' });
    await seeAnswer(page, 'The server does not accept this token');
    await seeAnswer(page, `"cursor": "${cursor}"`);
    await page.getByRole('form', { name: 'Sign in' }).getByText('did not accept').waitFor();
    await page.getByRole('button', { name: 'Execute query' }).waitFor();
    await page.picture('subscription-lost-token');
  },

  async a_server_that_stops_ends_a_subscription_with_a_message(browser) {
    let connection;
    const page = await browser.open(`/#token=${token}`, {
      onSocket(socket) {
        connection = socket;
        socket.connectToServer();
      },
    });
    await seeEditor(page);
    const { cursor } = await follow(page);
    await connection.close({ code: 1001, reason: 'the server stops' });
    await seeAnswer(page, '(1001)');
    await seeAnswer(page, `"cursor": "${cursor}"`);
    assert.equal(await page.getByRole('form', { name: 'Sign in' }).count(), 0, 'the token is blamed');
    await page.picture('subscription-server-stops');
    await follow(page);
  },

  async numbers_of_subscriptions_are_sent_and_shown_as_they_are_spelled(browser) {
    let sent;
    const page = await browser.open(`/#token=${token}`, {
      onSocket(socket) {
        socket.onMessage((text) => {
          const { type, id } = JSON.parse(text);
          if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
          if (type !== 'subscribe') return;
          sent = text;
          socket.send(`{"id":"${id}","type":"next","payload":{"data":{"is":1.0,"big":9223372036854775807}}}`);
        });
      },
    });
    await seeEditor(page);
    await page.getByRole('tab', { name: 'AnnotationEvents' }).click();
    await page.getByRole('region', { name: 'Variables' }).locator('.view-line').first().click();
    await page.keyboard.insertText('{ "is": 12.50, "big": 9223372036854775807 }');
    await play(page);
    await seeAnswer(page, '"is": 1.0,');
    await seeAnswer(page, '"big": 9223372036854775807');
    assert.match(sent, /"is":12\.50,"big":9223372036854775807/, 'the server gets another spelling');
  },

  async without_a_token_the_page_asks_for_one_and_can_forget_it(browser) {
    const page = await browser.open('/');
    await seeEditor(page, { schema: false });
    const form = page.getByRole('form', { name: 'Sign in' });
    await form.waitFor();
    assert.equal(page.sent('/graphql').length, 0, 'a request was sent without a token');
    await page.picture('signed-out');
    await form.getByRole('textbox').or(form.locator('input')).first().fill(token);
    await form.getByRole('button', { name: 'Sign in' }).click();
    await form.waitFor({ state: 'detached' });
    await page.waitForFunction(() => sessionStorage.length > 0);
    await run(page);
    await seeAnswer(page, '"viewer": {');
    await page.reload();
    await seeEditor(page);
    assert.equal(await form.count(), 0, 'the token is lost on reload');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await form.waitFor();
    const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]));
    assert.ok(!kept.includes(token), 'the token is still stored after signing out');
  },

  async a_refused_token_can_be_replaced(browser) {
    const page = await browser.open('/#token=not-a-token', { refusals: true });
    const form = page.getByRole('form', { name: 'Sign in' });
    await form.getByText('did not accept').waitFor();
    await page.picture('refused');
    await form.locator('input').fill(token);
    // Signing in makes the page anew, which ends with its asking for the schema.
    const introspected = page.waitForResponse((response) => response.url() === `${origin}/graphql`);
    await form.getByRole('button', { name: 'Sign in' }).click();
    await form.waitFor({ state: 'detached' });
    await introspected;
    await seeEditor(page, { schema: false });
    await run(page);
    await seeAnswer(page, '"viewer": {');
  },

  async the_page_follows_a_dark_system(browser) {
    const page = await browser.open(`/#token=${token}`, { colorScheme: 'dark' });
    await seeEditor(page);
    await run(page);
    await seeAnswer(page, '"viewer": {');
    await page.picture('dark');
    const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const brightest = Math.max(...background.match(/\d+/g).slice(0, 3).map(Number));
    assert.ok(brightest < 100, `the background is bright: ${background}`);
  },
};

/** The page is ready: its editors have text, and its schema has come. */
async function seeEditor(page, { schema = true } = {}) {
  await page.locator('.graphiql-query-editor .view-line').getByText('ViewerAndProjects').waitFor();
  if (schema) await page.schemaLoaded;
}

/** Presses play, and returns the server's answer. */
async function run(page) {
  const answered = page.waitForResponse(
    (response) =>
      response.url() === `${origin}/graphql` &&
      !response.request().postData().includes('IntrospectionQuery'),
  );
  await page.getByRole('button', { name: 'Execute query' }).click();
  return (await answered).json();
}

/** Presses play without waiting for an answer. */
async function play(page) {
  await page.getByRole('button', { name: 'Execute query' }).click();
}

async function stop(page) {
  await page.getByRole('button', { name: 'Stop query' }).click();
  await page.getByRole('button', { name: 'Execute query' }).waitFor();
}

/**
 * Runs the subscription of the examples, and returns an event that it shows. Nothing but an event tells that it has
 * begun, so the annotation is changed until one comes.
 */
async function follow(page) {
  await page.getByRole('tab', { name: 'AnnotationEvents' }).click();
  await play(page);
  const deadline = Date.now() + 10_000;
  for (;;) {
    const version = await touch();
    await page.waitForTimeout(300);
    const shown = await answer(page);
    if (shown.includes(`"version": ${version},`)) return { version, cursor: shown.match(/"cursor": "([^"]+)"/)[1] };
    assert.ok(Date.now() < deadline, `no event is shown:\n${shown}`);
  }
}

/** Writes into the query, in front of the first line that has `before`. */
async function insert(page, before, text) {
  const line = page.locator('.graphiql-query-editor .view-line').filter({ hasText: before }).first();
  await line.click();
  await page.keyboard.press('Home');
  await page.keyboard.insertText(text);
}

/** Changes annotation 1; returns its new version. */
async function touch() {
  const leadTime = (Math.random() * 1000).toFixed(6);
  const { updateAnnotation } = await query(
    `mutation { updateAnnotation(id: "1", input: { leadTime: ${leadTime} }) { version } }`,
  );
  return updateAnnotation.version;
}

/** Runs a command of Annograph on the server's database; returns what it prints. */
function program(...words) {
  return execFileSync(annograph, words, { encoding: 'utf8' });
}

async function until(isSo, otherwise) {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    assert.ok(Date.now() < deadline, otherwise);
    await new Promise((again) => setTimeout(again, 50));
  }
}

async function seeAnswer(page, text) {
  const deadline = Date.now() + 10_000;
  while (!(await answer(page)).includes(text)) {
    assert.ok(Date.now() < deadline, `the answer does not show ${text}:\n${await answer(page)}`);
    await page.waitForTimeout(50);
  }
}

/** The text of the answer's visible lines. Monaco writes spaces as no-break spaces. */
async function answer(page) {
  const lines = await page.locator('.result-window .view-line').allInnerTexts();
  return lines.join('\n').replaceAll('\u00a0', ' ');
}

async function query(text) {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: text }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, `${text} fails: ${JSON.stringify(errors)}`);
  return data;
}

/** Opens pages of a fresh profile each, and keeps what goes wrong in them besides what a test looks at. */
class Browser {
  constructor(chrome) {
    this.chrome = chrome;
    this.faults = [];
  }

  /**
   * With `refusals`, the console lines that Chromium writes for answers 401 are no fault. `onSocket`, when given, gets
   * the page's WebSockets in place of the server.
   */
  async open(path, { colorScheme = 'light', refusals = false, onSocket } = {}) {
    const context = await this.chrome.newContext({ colorScheme, viewport: { width: 1400, height: 900 } });
    await context.exposeFunction('reportViolation', (text) => this.faults.push(`policy violation: ${text}`));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.reportViolation(`${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    const requests = [];
    context.on('request', (request) => {
      requests.push(request);
      if (isOutside(request.url())) this.faults.push(`request outside the server: ${request.url()}`);
    });
    await context.route('**/*', (route) => (isOutside(route.request().url()) ? route.abort() : route.fallback()));
    if (onSocket) await context.routeWebSocket('**/graphql', onSocket);
    context.setDefaultTimeout(15_000);

    const page = await this.tab(context, path, refusals);
    page.sent = (sentTo) => requests.filter((request) => new URL(request.url()).pathname === sentTo);
    page.otherTab = (path) => this.tab(context, path, refusals);
    return page;
  }

  async tab(context, path, refusals) {
    const page = await context.newPage();
    page.on('response', (response) => {
      const expected = response.status() < 400 || (refusals && response.status() === 401);
      if (!expected) this.faults.push(`${response.url()} answers ${response.status()}`);
    });
    page.on('pageerror', (error) => this.faults.push(`uncaught: ${error.stack}`));
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type())) return;
      if (refusals && message.text().includes('status of 401')) return;
      this.faults.push(`console ${message.type()}: ${message.text()}`);
    });

    page.sockets = [];
    page.on('websocket', (websocket) => {
      const socket = { url: websocket.url(), sent: [], received: [], closed: false };
      page.sockets.push(socket);
      if (isOutside(socket.url)) this.faults.push(`WebSocket outside the server: ${socket.url}`);
      websocket.on('framesent', ({ payload }) => socket.sent.push(payload));
      websocket.on('framereceived', ({ payload }) => socket.received.push(payload));
      websocket.on('close', () => (socket.closed = true));
    });

    page.picture = async (name) => {
      if (!screenshots) return;
      await page.mouse.move(700, 890);
      await page.waitForTimeout(600); // tooltips and scroll bars fade
      await page.screenshot({ path: join(screenshots, `${name}.png`) });
    };
    page.schemaLoaded = page.waitForResponse(
      (response) => response.ok() && response.request().postData()?.includes('IntrospectionQuery'),
    );
    page.schemaLoaded.catch(() => {});
    page.document = await page.goto(`${origin}${path}`);
    return page;
  }

  async close() {
    await Promise.all(this.chrome.contexts().map((context) => context.close()));
  }
}

function isOutside(address) {
  const url = new URL(address);
  return url.origin.replace(/^ws/, 'http') !== origin && url.protocol !== 'data:';
}

const chrome = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});

if (!annograph) {
  delete tests.a_token_that_is_revoked_ends_a_subscription_with_a_message;
  console.log('left out: revoking a token, which takes ANNOGRAPH');
}

let passed = 0;
let failed = 0;
for (const [name, test] of Object.entries(tests)) {
  if (!new RegExp(process.env.ONLY ?? '').test(name)) continue;
  const browser = new Browser(chrome);
  let error;
  try {
    await test(browser);
  } catch (thrown) {
    error = thrown;
  }
  await browser.close();

  const problems = error ? [error.stack, ...browser.faults] : browser.faults;
  if (problems.length === 0) {
    passed += 1;
    console.log(`ok ${name}`);
  } else {
    failed += 1;
    console.error(`FAILED ${name}\n${problems.join('\n')}`);
  }
}
await chrome.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
