import { getOperationAST, parse } from 'graphql';

import { asSpelled, failure } from './answer.js';
import { createSubscriber } from './subscriptions.js';

/**
 * A GraphiQL fetcher that signs every request, introspection included, with `token`.
 *
 * `variablesText` returns the variables as they are written in the editor: numbers travel as they are spelled, in both
 * directions, because JavaScript's own would turn `1.0` into `1` and round integers beyond 2^53.
 */
export function createFetcher({ token, variablesText, onRefused }) {
  const subscribe = createSubscriber({ token, onRefused });
  return async ({ query, operationName, variables }) => {
    if (!token) return failure('Sign in with an API token first.');
    const request = { query, operationName: operationIn(query, operationName) };
    const variablesJson = variables && (strictJson(variablesText()) ?? JSON.stringify(variables));
    if (isSubscription(request)) {
      return subscribe({ ...request, variables: variablesJson && JSON.parse(variablesJson, asSpelled) });
    }
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: encode(request, variablesJson),
      cache: 'no-store',
      credentials: 'omit',
    });
    if (response.status === 401) onRefused(token);
    return decode(response);
  };
}

function encode(request, variablesJson) {
  const body = JSON.stringify(request);
  return variablesJson ? `${body.slice(0, -1)},"variables":${variablesJson}}` : body;
}

/** Documents that cannot be read are for the server to refuse. */
function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false;
  }
}

/** GraphiQL notices a change of tab a moment late: a name left over from the former tab is not sent. */
function operationIn(query, name) {
  return new RegExp(`\\b(query|mutation|subscription)\\s+${name}\\b`).test(query) ? name : undefined;
}

/** The editor also allows comments and trailing commas, which the server would refuse. */
function strictJson(text) {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return null;
  }
}

async function decode(response) {
  const text = await response.text();
  try {
    return JSON.parse(text, asSpelled);
  } catch {
    return failure(`The server answered ${response.status} ${response.statusText} without JSON.`, { body: text });
  }
}
