// A YAML file read with places: every value knows its line, so that every fault can be told with file and line.

import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";

/** All faults of all files; reading goes on after one. */
export class Faults {
  list = [];

  add(file, { line, col }, message) {
    this.list.push({ file, line, col, message });
  }

  toString() {
    const order = (a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.col - b.col);
    return this.list
      .sort(order)
      .map(({ file, line, col, message }) => `${file}:${line}:${col}: ${message}\n`)
      .join("");
  }
}

/** A value of a file. What does not fit is put among the faults, and answered as `undefined`. */
export class Value {
  constructor(source, node, name) {
    this.source = source;
    this.node = node;
    this.name = name;
  }

  /** The whole of a file; `undefined` when it is not YAML, and the faults say why. */
  static open(faults, file, text) {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    const source = { faults, file, text, lines };
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      faults.add(file, lines.linePos(pos[0]), message);
    }
    return document.errors.length ? undefined : new Value(source, document.contents, "the file");
  }

  fail(message, offset = this.node?.range?.[0] ?? 0) {
    this.source.faults.add(this.source.file, this.source.lines.linePos(offset), message);
  }

  /** The fault stands where `text` does within this value's source, as far as it is found there. */
  failAt(text, message) {
    const [start, end] = this.node.range;
    const at = this.source.text.indexOf(text, start);
    this.fail(message, at >= 0 && at < end ? at : start);
  }

  /** The fields of a mapping as an object of values; unknown and missing ones are faults. */
  fields(required, optional = [], reasons = {}) {
    if (!isMap(this.node)) return this.fail(`${this.name} must be a mapping of fields`);
    const known = [...required, ...optional];
    const found = {};
    for (const { key, value } of this.node.items) {
      if (known.includes(key.value)) found[key.value] = new Value(this.source, value ?? key, key.value);
      else this.fail(unknown(String(key.value), known, reasons), key.range[0]);
    }
    const missing = required.filter((field) => !(field in found));
    if (missing.length) this.fail(`${this.name} lacks ${missing.join(", ")}`);
    return found;
  }

  /** Every key of a mapping whose keys are free: `[key, value]`. */
  entries() {
    if (!isMap(this.node)) return this.fail(`${this.name} must be a mapping`) ?? [];
    return this.node.items.map(({ key, value }) => [String(key.value), new Value(this.source, value ?? key, `${key.value}`)]);
  }

  items() {
    if (!isSeq(this.node)) return this.fail(`${this.name} must be a list`) ?? [];
    return this.node.items.map((node, index) => new Value(this.source, node, `${this.name}[${index}]`));
  }

  text(min = 1, max = 10_000) {
    const { value } = this.scalar();
    if (typeof value !== "string") return this.fail(`${this.name} must be a text`);
    const length = [...value].length;
    if (length < min || length > max) return this.fail(`${this.name} has ${length} characters; it must have ${min} to ${max}`);
    return value;
  }

  matching(pattern, what) {
    const value = this.text(0);
    if (value === undefined || pattern.test(value)) return value;
    return this.fail(`${this.name} must be ${what}, not ${JSON.stringify(value)}`);
  }

  oneOf(words) {
    const { value } = this.scalar();
    if (words.includes(value)) return value;
    return this.fail(`${this.name} is one of ${words.join(", ")}${hint(String(value), words)}`);
  }

  integer(min, max) {
    const { value } = this.scalar();
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    return this.fail(`${this.name} must be a whole number from ${min} to ${max}`);
  }

  boolean() {
    const { value } = this.scalar();
    return typeof value === "boolean" ? value : this.fail(`${this.name} must be true or false`);
  }

  /** Dollars as a quoted decimal string, in nano-dollars: digits are moved, no float is made. */
  dollars() {
    const { value } = this.scalar();
    const wanted = `${this.name} must be dollars as a decimal string with at most nine decimals, such as "0.15"`;
    if (typeof value !== "string") return this.fail(`${wanted}; quote it`);
    const [, whole, fraction = ""] = /^(\d+)(?:\.(\d{1,9}))?$/.exec(value) ?? [];
    if (whole === undefined) return this.fail(`${wanted}, not ${JSON.stringify(value)}`);
    const nanos = BigInt(whole + fraction.padEnd(9, "0"));
    return nanos <= BigInt(Number.MAX_SAFE_INTEGER) ? nanos : this.fail(`${this.name} is more than can be stored`);
  }

  /** A list of words, each at most once. */
  words(read) {
    const words = this.items().map((item) => [item, read(item)]);
    for (const [index, [item, word]] of words.entries()) {
      if (words.findIndex(([, other]) => other === word) < index) item.fail(`${this.name} has ${word} twice`);
    }
    return words.map(([, word]) => word);
  }

  scalar() {
    return isScalar(this.node) ? this.node : {};
  }

  /** As JSON has it, for what is passed on unread. Anchors are refused: a file must read as it stands. */
  plain() {
    if (isAlias(this.node)) return this.fail("anchors and aliases are not read here; write it out");
    if (isMap(this.node)) return Object.fromEntries(this.entries().map(([key, value]) => [key, value.plain()]));
    if (isSeq(this.node)) return this.items().map((item) => item.plain());
    return this.node?.value ?? null;
  }
}

function unknown(field, known, reasons) {
  if (reasons[field]) return `${field} cannot stand here: ${reasons[field]}`;
  return `unknown field ${field}${hint(field, known) || `; known are ${known.join(", ")}`}`;
}

/** `; did you mean …?`, when a word is near enough to be meant. */
export function hint(word, known) {
  const [nearest] = known.map((other) => [distance(word, other), other]).sort(([a], [b]) => a - b);
  return nearest && nearest[0] <= Math.max(2, word.length / 3) ? `; did you mean ${nearest[1]}?` : "";
}

/** Levenshtein's: how many letters to add, drop or change. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}
