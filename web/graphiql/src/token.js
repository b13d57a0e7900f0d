// The API token of this browser tab: kept in its sessionStorage, so it is gone when the tab is closed.

const KEY = 'annograph:token';

/** What an HTTP header can carry: visible ASCII, no spaces. */
const WELL_FORMED = /^[\x21-\x7e]+$/;

export function stored() {
  return sessionStorage.getItem(KEY);
}

export function store(token) {
  sessionStorage.setItem(KEY, token);
}

export function forget() {
  sessionStorage.removeItem(KEY);
}

/** Takes the token out of a link `/#token=…`, and the fragment out of the address bar and the tab's history. */
export function takeFromLink() {
  const fragment = /^#token=(.*)$/.exec(location.hash);
  if (!fragment) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return clean(fragment[1]);
}

/** The token in a pasted text, which may be a whole `Authorization` value; null when there can be none. */
export function clean(text) {
  const token = text.trim().replace(/^(Bearer|Token)\s+/i, '');
  return WELL_FORMED.test(token) ? token : null;
}
