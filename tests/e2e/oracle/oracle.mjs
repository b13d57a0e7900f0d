// Compares the server's verdict on many documents with that of graphql-js, the reference implementation.
//
//   node oracle.mjs http://127.0.0.1:PORT TOKEN
//
// Each document is judged as a syntax error, as invalid, or as valid. None of them changes anything: what
// they name does not exist. Exits with 1 when any verdict differs, and lists every difference.

import { GraphQLError, Source, buildClientSchema, getIntrospectionQuery, parse, validate } from 'graphql';

import { ON_PURPOSE, documents } from './documents.mjs';

const [address, token] = process.argv.slice(2);
if (!address || !token) {
  console.error('usage: node oracle.mjs http://127.0.0.1:PORT TOKEN');
  process.exit(2);
}
const endpoint = new URL('/graphql', address);

const introspection = await send({
  query: getIntrospectionQuery({ specifiedByUrl: true, schemaDescription: true, inputValueDeprecation: true, oneOf: true }),
});
if (!introspection.data) {
  console.error('the server does not tell its schema:', JSON.stringify(introspection));
  process.exit(2);
}
const schema = buildClientSchema(introspection.data);

const counts = {};
const differences = [];
for (const [rule, document] of documents()) {
  const expected = byTheReference(document);
  const actual = await byTheServer(document);
  counts[expected.verdict] = (counts[expected.verdict] ?? 0) + 1;
  if (expected.verdict !== actual.verdict) differences.push({ rule, document, expected, actual });
}

for (const [document, verdict, why] of ON_PURPOSE) {
  const actual = await byTheServer(document);
  if (actual.verdict !== verdict) differences.push({ rule: why, document, expected: { verdict, message: why }, actual });
  if (byTheReference(document).verdict === verdict) console.log(`no longer another verdict: ${document}`);
}

for (const { rule, document, expected, actual } of differences) {
  const shown = document.length > 300 ? `${document.slice(0, 300)}…` : document;
  console.log(`${rule}\n  ${shown.replaceAll('\n', '\n  ')}`);
  console.log(`  expected:   ${expected.verdict}${expected.message ? `: ${expected.message}` : ''}`);
  console.log(`  the server: ${actual.verdict}${actual.message ? `: ${actual.message}` : ''}`);
}
const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
const kinds = Object.entries(counts).map(([verdict, count]) => `${count} ${verdict}`);
console.log(`${total} documents (${kinds.join(', ')}), ${differences.length} differences`);
process.exit(differences.length > 0 ? 1 : 0);

/** What graphql-js says, with every rule that it has on by default. */
function byTheReference(text) {
  let document;
  try {
    document = parse(new Source(text));
  } catch (error) {
    if (error instanceof GraphQLError) return { verdict: 'syntax error', message: error.message };
    throw error;
  }
  let errors;
  try {
    errors = validate(schema, document);
  } catch (error) {
    // What stands at the root of a subscription is evaluated, though no variable has a value yet.
    if (!(error instanceof GraphQLError)) throw error;
    errors = [error];
  }
  return errors.length > 0 ? { verdict: 'invalid', message: errors[0].message } : { verdict: 'valid' };
}

/**
 * What the server says. A value that does not fit is a fault of the document here, while its variables are
 * not: those have no value in these requests, and every problem with them names one that is required.
 */
async function byTheServer(text) {
  const operationName = [...text.matchAll(/^\s*(?:query|mutation|subscription)\s+(\w+)/gm)].map(([, name]) => name)[0];
  const answer = await send({ query: text, operationName });
  const [error] = answer.errors ?? [];
  if (!error || error.path) return { verdict: 'valid' };
  const { code, problems = [] } = error.extensions ?? {};
  const message = [`${code} ${error.message}`, ...problems.map((problem) => JSON.stringify(problem))].join('\n    ');
  if (code === 'GRAPHQL_PARSE_FAILED') return { verdict: 'syntax error', message };
  const isOfVariables = (problem) => problem.code === 'REQUIRED' && /^variable \$/.test(problem.message);
  if (code === 'BAD_USER_INPUT' && problems.every(isOfVariables)) return { verdict: 'valid' };
  if (code === 'BAD_REQUEST') return { verdict: 'valid', message };
  return { verdict: 'invalid', message };
}

async function send(body) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  });
  return response.json();
}
