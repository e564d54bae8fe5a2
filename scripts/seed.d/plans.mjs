// plans.yaml: what each plan allows, as rows of table plans.

const PLANS = ["budget", "standard", "professional", "enterprise"];
const COUNTS = ["agents", "members", "keys", "calls_per_minute", "concurrent_calls", "threads", "storage_mb", "runs_at_once", "memories", "keep_days"];
const FEATURES = ["public_agents", "own_templates", "import_url"];
const UNLIMITED = "unlimited";

/** The rows of the file. What is wrong in it stands among its faults. */
export function readPlans(file) {
  const { plans } = file.fields(["plans"]) ?? {};
  const rows = (plans?.items() ?? []).map(readPlan).filter(Boolean);
  const named = rows.map((row) => row.plan);
  for (const plan of PLANS) {
    const times = named.filter((name) => name === plan).length;
    if (plans && times !== 1) plans.fail(`plan ${plan} stands ${times} times; each of ${PLANS.join(", ")} must stand once`);
  }
  return rows;
}

function readPlan(item) {
  const found = item.fields(["plan", ...COUNTS, "monthly_spend_usd", "features"]);
  if (!found?.plan) return undefined;
  const counts = COUNTS.map((count) => [count, limit(found[count], (value) => value.integer(count === "keep_days" ? 1 : 0, 1_000_000_000))]);
  return {
    plan: found.plan.oneOf(PLANS),
    ...Object.fromEntries(counts),
    monthly_spend: limit(found.monthly_spend_usd, (value) => value.dollars()),
    features: found.features && JSON.stringify(found.features.words((word) => word.oneOf(FEATURES))),
  };
}

// In words, so that no limit is forgotten by leaving it out.
function limit(value, read) {
  if (!value || value.scalar().value === UNLIMITED) return null;
  if (value.scalar().value == null) return value.fail(`${value.name} is empty; write a number or ${UNLIMITED}`);
  return read(value);
}
