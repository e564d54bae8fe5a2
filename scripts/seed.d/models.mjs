// models.yaml: the platform's models, as rows of table catalogue.

const PRICES = {
  input_usd_per_mtok: "input_price",
  output_usd_per_mtok: "output_price",
  cached_input_usd_per_mtok: "cached_input_price",
  cache_write_usd_per_mtok: "cache_write_price",
};
const NEEDED_PRICES = ["input_usd_per_mtok", "output_usd_per_mtok"];
const OTHER_PRICES = ["cached_input_usd_per_mtok", "cache_write_usd_per_mtok"];
const CAPABILITIES = ["embeddings", "images", "json_schema", "reasoning", "streaming", "tools"];

/** The rows of the file. What is wrong in it stands among its faults. */
export function readModels(file) {
  const { priced_on, models } = file.fields(["source", "priced_on", "models"]) ?? {};
  const day = priced_on?.matching(/^\d{4}-[01]\d-[0-3]\d$/, "a day, YYYY-MM-DD");
  const items = models?.items() ?? [];
  if (models && items.length === 0) models.fail("models is empty, which is never meant");
  const seen = new Set();
  return items.map((item) => readModel(item, day, seen)).filter(Boolean);
}

function readModel(item, day, seen) {
  const required = ["provider", "code", ...NEEDED_PRICES, "context_tokens", "max_output_tokens", "capabilities"];
  const found = item.fields(required, [...OTHER_PRICES, "audio_input_usd_per_mtok", "long_context"]);
  if (!found?.provider || !found.code) return undefined;
  const row = {
    provider: found.provider.matching(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, "a provider's name (a-z, 0-9, -)"),
    code: found.code.matching(/^[A-Za-z0-9_.:/@+-]+$/, "a model's code (letters, digits and - _ . : / @ +)"),
    ...prices(found, ""),
    ...longContext(found),
    context_tokens: found.context_tokens?.integer(1, 100_000_000),
    max_output_tokens: found.max_output_tokens?.integer(1, 100_000_000),
    audio_input_price: found.audio_input_usd_per_mtok ? found.audio_input_usd_per_mtok.dollars() : null,
    capabilities: found.capabilities && JSON.stringify(found.capabilities.words((word) => word.oneOf(CAPABILITIES))),
    priced_on: day,
  };
  const name = `${row.provider}:${row.code}`;
  if (seen.has(name)) item.fail(`${name} stands twice`);
  seen.add(name);
  return row;
}

function prices(found, prefix) {
  const price = (field) => (found[field] ? found[field].dollars() : null);
  return Object.fromEntries(Object.entries(PRICES).map(([field, column]) => [prefix + column, price(field)]));
}

function longContext({ long_context, context_tokens }) {
  if (!long_context) return { long_context_tokens: null, ...prices({}, "long_") };
  const found = long_context.fields(["above_tokens", ...NEEDED_PRICES], OTHER_PRICES) ?? {};
  const above = found.above_tokens?.integer(1, 100_000_000);
  if (above >= context_tokens?.scalar().value) {
    found.above_tokens.fail("above_tokens is no less than context_tokens: no request could be that long");
  }
  return { long_context_tokens: above, ...prices(found, "long_") };
}
