import { createClient } from 'graphql-ws';

import { asSpelled, failure } from './answer.js';

/** How the server closes a WebSocket whose token it does not accept, at once or later. */
const FORBIDDEN = 4403;

/**
 * Makes the function that runs a subscription, signed with `token`, over a WebSocket that is open while one runs.
 *
 * It returns an observable, which GraphiQL unsubscribes from when it stops or goes to another tab.
 *
 * Nothing connects anew by itself: what happened in between would be left out in silence. The last result stays on the
 * screen with what ended it, so that its cursor can be used to go on.
 */
export function createSubscriber({ token, onRefused }) {
  const client = createClient({
    url: new URL('/graphql', location.href).href.replace(/^http/, 'ws'),
    connectionParams: { authorization: `Bearer ${token}` },
    jsonMessageReviver: asSpelled,
    retryAttempts: 0,
  });

  return (request) => ({
    subscribe({ next, complete }) {
      let lastResult;
      let wanted = true;
      const stop = client.subscribe(request, {
        next(result) {
          if (!wanted) return;
          lastResult = result;
          next(result);
        },
        error(cause) {
          if (!wanted) return;
          if (cause.code === FORBIDDEN) onRefused(token);
          next(ending(cause, lastResult));
          complete();
        },
        complete() {
          if (wanted) complete();
        },
      });
      return {
        unsubscribe() {
          wanted = false;
          stop();
        },
      };
    },
  });
}

/** `cause` is the server's list of errors, a WebSocket's close event or error event, or an error of the client. */
function ending(cause, lastResult) {
  const extensions = lastResult && { lastResult };
  if (Array.isArray(cause)) return { errors: cause, extensions };
  return failure(reason(cause), extensions);
}

function reason(cause) {
  if (cause instanceof Error) return cause.message;
  if (cause.code === FORBIDDEN) return 'The server does not accept this token: it is unknown, revoked or expired.';
  if (cause.reason) return `The server closed the connection: ${cause.reason} (${cause.code}).`;
  return 'The connection to the server is lost, or cannot be made.';
}
