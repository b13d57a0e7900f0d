import { useState } from 'react';

import { clean } from './token.js';

/** The bar above GraphiQL, there while the tab has no token or one that the server refuses. */
export function SignIn({ refused, onSignIn }) {
  const [malformed, setMalformed] = useState(false);

  function submit(event) {
    event.preventDefault();
    const token = clean(new FormData(event.currentTarget).get('token'));
    setMalformed(token === null);
    if (!token) return;
    event.currentTarget.reset();
    onSignIn(token);
  }

  let prompt = 'Sign in with an API token:';
  if (refused) prompt = 'The server did not accept this token. Try another one:';
  if (malformed) prompt = 'That is not a token: it has spaces or special characters. Try again:';
  return (
    <form className="page-sign-in" aria-label="Sign in" onSubmit={submit}>
      <label htmlFor="token" aria-live="polite">
        {prompt}
      </label>
      <input
        id="token"
        name="token"
        type="password"
        autoComplete="off"
        spellCheck="false"
        required
        autoFocus
      />
      <button type="submit" className="page-button">
        Sign in
      </button>
    </form>
  );
}
