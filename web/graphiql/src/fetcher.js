/**
 * A GraphiQL fetcher that signs every request, introspection included, with `token`.
 *
 * `variablesText` returns the variables as they are written in the editor: numbers travel as they are spelled, in both
 * directions, because JavaScript's own would turn `1.0` into `1` and round integers beyond 2^53.
 */
export function createFetcher({ token, variablesText, onRefused }) {
  return async (params) => {
    if (!token) return failure('Sign in with an API token first.');
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        accept: 'application/graphql-response+json, application/json;q=0.9',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
      },
      body: encode(params, variablesText),
      cache: 'no-store',
      credentials: 'omit',
    });
    if (response.status === 401) onRefused(token);
    return decode(response);
  };
}

function encode({ query, operationName, variables }, variablesText) {
  const body = JSON.stringify({ query, operationName: operationIn(query, operationName) });
  if (!variables) return body;
  return `${body.slice(0, -1)},"variables":${strictJson(variablesText()) ?? JSON.stringify(variables)}}`;
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

/** Browsers without `JSON.rawJSON` show JavaScript's spelling. */
function asSpelled(_key, value, context) {
  const source = context?.source;
  if (typeof value !== 'number' || !source || source === String(value) || !JSON.rawJSON) return value;
  return JSON.rawJSON(source);
}

function failure(message, extensions) {
  return { errors: [{ message, extensions }] };
}
