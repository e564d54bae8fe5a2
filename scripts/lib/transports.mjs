// Which tests of the API and of calls run over both transports, the router and HTTP against workerd, and which are marked
// `native_only!("why")`. Read from the sources, because a test that is skipped cannot say so itself.
//
//   transports.mjs SUITE           how many run on both, and the names and reasons of the others
//   transports.mjs SUITE --skip    the arguments that make the test binary skip those

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const SUITES = ["api", "calls"];

const TEST =
  /#\[(?:tokio::)?test(?:\([^)]*\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:async\s+)?fn\s+(\w+)\([^{]*\{(\s*native_only!\(([^;]*)\);)?/g;

/** The tests of a file; `why` is undefined where the test is unmarked, and "" where the mark gives no reason. */
export function testsIn(text) {
  return [...text.matchAll(TEST)].map(([, name, mark, reason]) => {
    const [, why = ""] = /^\s*"([^"]*)",?\s*$/.exec(reason ?? "") ?? [];
    return { name, why: mark && why.trim() };
  });
}

/** Marks that are not the first statement of a test. */
export function strayMarks(text) {
  const marks = text.match(/\bnative_only!\(/g)?.length ?? 0;
  return marks - testsIn(text).filter(({ why }) => why !== undefined).length;
}

function testsOf(suite) {
  const folder = join(import.meta.dirname, "../../tests", suite);
  const files = readdirSync(folder).filter((file) => file.endsWith(".rs"));
  const named = (file) => ({ name, why }) => ({ name: `${file.slice(0, -".rs".length)}::${name}`, why });
  return files.flatMap((file) => testsIn(readFileSync(join(folder, file), "utf8")).map(named(file)));
}

function main([suite, option]) {
  const tests = testsOf(suite);
  const native = tests.filter(({ why }) => why !== undefined);
  if (option === "--skip") {
    for (const { name } of native) console.log(`--skip\n${name}`);
    return;
  }
  console.log(`tests/${suite}: ${tests.length - native.length} of ${tests.length} on both transports; native only:`);
  for (const { name, why } of native) console.log(`    ${name}: ${why}`);
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2));
