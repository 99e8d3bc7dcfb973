/** Schemas, for people. */
import { choicesOf, exampleOf, flat, typeOf } from "./api.js";
import { fold, h, inline } from "./dom.js";

/** `string · uuid`, `Order[]`, `map of integer`. */
export function typeLabel(node) {
  const schema = flat(node);
  const { options, orNull } = choicesOf(schema);
  return (schema.refName ?? plainLabel(schema, options)) + (orNull ? " or null" : "");
}

function plainLabel(schema, options) {
  const type = typeOf(schema);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (options.length > 0) return options.length === 1 ? typeLabel(options[0]) : `one of ${options.length}`;
  if (schema.prefixItems) return `[${schema.prefixItems.map(typeLabel).join(", ")}]`;
  if (type === "array") return `${typeLabel(schema.items)}[]`;
  if (isMap(schema)) return `map of ${typeLabel(schema.additionalProperties)}`;
  return [type ?? "anything", schema.format].filter(Boolean).join(" · ");
}

function isMap(schema) {
  return schema.properties === undefined && typeof schema.additionalProperties === "object";
}

/** What a value has to keep to, in words. */
function rulesView(schema) {
  const rules = [];
  const add = (text, value) => value !== undefined && rules.push(h("span.rule", text, h("code", value)));
  const between = (min, max, unit) => {
    const text = min === undefined ? `at most ${max}` : max === undefined ? `at least ${min}` : min === max ? min : `${min} to ${max}`;
    if (min !== undefined || max !== undefined) rules.push(h("span.rule", `${text} ${unit}`));
  };
  const real = (bound) => (Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound); // what every integer keeps to
  between(schema.minLength, schema.maxLength, "characters");
  between(real(schema.minimum), real(schema.maximum), "");
  if (!schema.prefixItems) between(schema.minItems, schema.maxItems, "items");
  add("above ", schema.exclusiveMinimum);
  add("below ", schema.exclusiveMaximum);
  add("in steps of ", schema.multipleOf);
  if (schema.pattern === "Z$") rules.push(h("span.rule", "in UTC, ends in Z"));
  else add("matches ", schema.pattern);
  add("default ", JSON.stringify(schema.default));
  add("example ", JSON.stringify(exampleOf(schema)));
  return rules.length > 0 && h("div.rules", rules);
}

/** One field: name, type, what it has to keep to, and what is inside. */
export function fieldRow(name, node, { depth = 0, isRequired = false, seen = [] } = {}) {
  const schema = flat(node);
  const dataClass = schema["x-data-class"];
  const values = schema.enum ?? flat(schema.items).enum;
  return h("li.field",
    h("div.field-head",
      h("code.field-name", name),
      h("span.type", typeLabel(node)),
      isRequired && h("span.required", "required"),
      schema.deprecated && h("span.tag.warn", "deprecated"),
      dataClass && h(`span.tag.class-${dataClass === "personal" ? "personal" : "guarded"}`, { title: "Data class" }, dataClass)),
    schema.description && h("div.field-about", inline(schema.description)),
    values && h("div.values", values.map((value) => h("code", JSON.stringify(value)))),
    rulesView(schema),
    insideOf(node, depth, seen));
}

/** What a list holds, or a value itself. */
function itemOf(node) {
  const schema = flat(node);
  return typeOf(schema) === "array" ? schema.items : node;
}

function insideOf(node, depth, seen) {
  const inner = itemOf(node);
  const schema = flat(inner);
  const name = schema.refName;
  if (name !== undefined && seen.includes(name)) return h("p.quiet", `↻ ${name}, as above`);
  const content = schemaBody(inner, depth + 1, [...seen, name]);
  const title = inner === node ? (choicesOf(schema).options.length > 1 ? "choices" : "fields") : "each item";
  return content && fold("inside", depth < 1, title, content);
}

/** The fields of an object, or the choices of a union; `undefined` where there is nothing to unfold. */
function schemaBody(node, depth, seen) {
  const schema = flat(node);
  const { options } = choicesOf(schema);
  if (options.length === 1) return schemaBody(options[0], depth, seen);
  if (options.some((option) => flat(option).properties)) {
    return h("div", options.map((option, index) => fold("choice", index === 0, choiceLabel(option, index), schemaBody(option, depth, seen))));
  }
  if (schema.properties) {
    const rows = Object.entries(schema.properties).map(([name, child]) => fieldRow(name, child, { depth, isRequired: schema.required?.includes(name), seen }));
    return h("ul.fields", rows);
  }
  return isMap(schema) ? insideOf(schema.additionalProperties, depth, seen) : undefined;
}

/** What sets a choice apart: the constants in it, or its name. */
export function choiceLabel(option, index) {
  const schema = flat(option);
  const fixed = Object.entries(schema.properties ?? {}).filter(([, child]) => flat(child).const !== undefined);
  if (fixed.length > 0) return fixed.map(([name, child]) => `${name}: ${typeLabel(child)}`).join(", ");
  return schema.title ?? schema.refName ?? (schema.properties ? `choice ${index + 1}` : typeLabel(option));
}

/** A whole schema, under its name. */
export function schemaView(node) {
  const schema = flat(node);
  const inner = itemOf(node);
  const name = flat(inner).refName;
  return h("div.schema",
    h("div.schema-head", (name !== undefined || !schema.properties) && h("span.type", typeLabel(node)), schema.description && h("span.quiet", inline(schema.description))),
    rulesView({ ...schema, examples: [] }),
    schemaBody(inner, 0, [name]));
}
