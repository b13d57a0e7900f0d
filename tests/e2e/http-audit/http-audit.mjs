// Runs the audits of GraphQL over HTTP that the npm package graphql-http has, against a running server.
//
//   node http-audit.mjs http://127.0.0.1:PORT TOKEN
//
// Every audit has to pass, the optional ones too.

import { serverAudits } from 'graphql-http';

import { Server, run, words } from '../support/support.mjs';

const server = new Server(...words('http://127.0.0.1:PORT', 'TOKEN'));

const audits = serverAudits({
  url: server.endpoint,
  fetchFn: (url, init) =>
    fetch(url, { ...init, headers: { ...init?.headers, authorization: `Bearer ${server.token}` }, signal: AbortSignal.timeout(5_000) }),
});

const checks = {};
for (const audit of audits) {
  checks[`${audit.id} ${audit.name}`] = async () => {
    const result = await audit.fn();
    if (result.status === 'ok') return;
    const { response, reason } = result;
    const body = response.bodyUsed ? '' : await response.text();
    const headers = JSON.stringify(Object.fromEntries(response.headers));
    throw `${result.status}: ${reason}\ngot ${response.status} ${headers}\n${body}`;
  };
}
await run(checks);
