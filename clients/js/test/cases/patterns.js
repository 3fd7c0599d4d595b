/** The values of protocol/cases: variables put in, patterns compared (its README has the rules). */

/** @typedef {Map<string, unknown>} Variables */

const WHOLE = /^\$([a-z_][a-z0-9_]*)$/;
const INSIDE = /\$\{([a-z_][a-z0-9_]*)\}/g;

/**
 * The value with its variables put in.
 *
 * @param {any} value
 * @param {Variables} variables
 * @returns {any}
 */
export function filled(value, variables) {
  if (typeof value === "string") {
    const whole = value.match(WHOLE);
    if (whole) return variables.get(/** @type {string} */ (whole[1]));
    return value.replace(INSIDE, (_, name) => String(variables.get(name)));
  }
  if (Array.isArray(value)) return value.map((entry) => filled(entry, variables));
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$now === "number") return Math.floor(Date.now() / 1_000 + value.$now);
  const fields = Object.entries(value).map(([name, field]) => [name, filled(field, variables)]);
  return Object.fromEntries(fields);
}

/**
 * Where a value does not fit a pattern; null if it does. Captures new variables.
 *
 * @param {any} pattern
 * @param {any} value
 * @param {Variables} variables
 * @param {string} [at]
 * @returns {string | null}
 */
export function difference(pattern, value, variables, at = "$") {
  if (typeof pattern === "string") return textDifference(pattern, value, variables, at);
  if (Array.isArray(pattern)) return entriesDifference(pattern, value, variables, at);
  if (pattern === null || typeof pattern !== "object")
    return pattern === value ? null : `${at} is ${JSON.stringify(value)}`;
  if (pattern.$unordered) return unorderedDifference(pattern.$unordered, value, variables, at);
  return fieldsDifference(pattern, value, variables, at);
}

/**
 * @param {string} pattern
 * @param {unknown} value
 * @param {Variables} variables
 * @param {string} at
 */
function textDifference(pattern, value, variables, at) {
  if (pattern === "$_") return null;
  const name = pattern.match(WHOLE)?.[1];
  if (name && !variables.has(name)) {
    variables.set(name, value);
    return null;
  }
  return filled(pattern, variables) === value ? null : `${at} is ${JSON.stringify(value)}`;
}

/**
 * @param {any[]} pattern
 * @param {any} value
 * @param {Variables} variables
 * @param {string} at
 */
function entriesDifference(pattern, value, variables, at) {
  if (!Array.isArray(value) || value.length !== pattern.length)
    return `${at} is ${JSON.stringify(value)}, not an array of ${pattern.length}`;
  for (const [index, wanted] of pattern.entries()) {
    const found = difference(wanted, value[index], variables, `${at}[${index}]`);
    if (found) return found;
  }
  return null;
}

/**
 * @param {any[]} pattern
 * @param {any} value
 * @param {Variables} variables
 * @param {string} at
 */
function unorderedDifference(pattern, value, variables, at) {
  if (!Array.isArray(value) || value.length !== pattern.length)
    return `${at} is ${JSON.stringify(value)}, not ${pattern.length} entries`;
  const left = [...value];
  for (const wanted of pattern) {
    const index = left.findIndex((entry) => !difference(wanted, entry, variables));
    if (index < 0) return `${at} has no ${JSON.stringify(wanted)}`;
    left.splice(index, 1);
  }
  return null;
}

/**
 * @param {any} pattern
 * @param {any} value
 * @param {Variables} variables
 * @param {string} at
 */
function fieldsDifference(pattern, value, variables, at) {
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return `${at} is ${JSON.stringify(value)}, not an object`;
  const names = Object.keys(value).sort().join();
  if (names !== Object.keys(pattern).sort().join()) return `${at} has the fields ${names}`;
  for (const [name, wanted] of Object.entries(pattern)) {
    const found = difference(wanted, value[name], variables, `${at}.${name}`);
    if (found) return found;
  }
  return null;
}
