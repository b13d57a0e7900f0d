/** A reviver for JSON that keeps a number's spelling. Browsers without `JSON.rawJSON` show JavaScript's. */
export function asSpelled(_key, value, context) {
  const source = context?.source;
  if (typeof value !== 'number' || !source || source === String(value) || !JSON.rawJSON) return value;
  return JSON.rawJSON(source);
}

/** An answer that the page gives itself. */
export function failure(message, extensions) {
  return { errors: [{ message, extensions }] };
}
