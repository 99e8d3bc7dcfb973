/** Schemas, for people. */
import { choicesOf, deref, flat, typeOf } from "./api.js";
import { h, inline } from "./dom.js";

/** `string · uuid`, `Order[]`, `map of integer`. */
export function typeLabel(node) {
  const schema = flat(node);
  const { options, orNull } = choicesOf(schema);
  const label = schema.refName ?? plainLabel(schema, options);
  return orNull ? `${label} or null` : label;
}

function plainLabel(schema, options) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (options.length > 0) return options.length === 1 ? typeLabel(options[0]) : `one of ${options.length}`;
  const type = typeOf(schema);
  if (type === "array") return schema.prefixItems ? `[${schema.prefixItems.map(typeLabel).join(", ")}]` : `${typeLabel(schema.items)}[]`;
  if (type === "object" && schema.properties === undefined && typeof schema.additionalProperties === "object") return `map of ${typeLabel(schema.additionalProperties)}`;
  if (type === undefined) return Array.isArray(schema.type) ? schema.type.filter((each) => each !== "null").join(" or ") : "anything";
  return schema.format === undefined ? type : `${type} · ${schema.format}`;
}

/** What a value has to keep to, in words. */
function rulesOf(schema) {
  const rules = [];
  const between = (min, max, unit) => {
    if (min !== undefined && max !== undefined) rules.push(min === max ? `${min}${unit}` : `${min} to ${max}${unit}`);
    else if (min !== undefined) rules.push(`at least ${min}${unit}`);
    else if (max !== undefined) rules.push(`at most ${max}${unit}`);
  };
  const real = (bound) => (Math.abs(bound) >= Number.MAX_SAFE_INTEGER ? undefined : bound); // what every integer keeps to
  between(schema.minLength, schema.maxLength, " characters");
  between(real(schema.minimum ?? Infinity), real(schema.maximum ?? Infinity), "");
  if (!schema.prefixItems) between(schema.minItems, schema.maxItems, " items");
  if (schema.exclusiveMinimum !== undefined) rules.push(`above ${schema.exclusiveMinimum}`);
  if (schema.exclusiveMaximum !== undefined) rules.push(`below ${schema.exclusiveMaximum}`);
  if (schema.multipleOf !== undefined) rules.push(`in steps of ${schema.multipleOf}`);
  const views = rules.map((rule) => h("span.rule", rule));
  if (schema.pattern === "Z$" && schema.format === "date-time") views.push(h("span.rule", "in UTC, ends in Z"));
  else if (schema.pattern !== undefined) views.push(h("span.rule", "matches ", h("code", schema.pattern)));
  if (schema.default !== undefined) views.push(h("span.rule", "default ", h("code", JSON.stringify(schema.default))));
  if (schema.additionalProperties === false) views.push(h("span.rule", "no other fields"));
  return views;
}

/** One field: name, type, what it has to keep to, and what is inside. */
export function fieldRow(name, node, { depth = 0, isRequired = false, seen = [] } = {}) {
  const schema = flat(node);
  const dataClass = schema["x-data-class"];
  const item = typeOf(schema) === "array" ? flat(schema.items) : undefined;
  const values = schema.enum ?? item?.enum;
  const example = schema.examples?.[0] ?? schema.example;
  return h("li.field", h("div.field-head", h("code.field-name", name),
      h("span.type", typeLabel(node)),
      isRequired ? h("span.required", "required") : undefined,
      schema.deprecated === true ? h("span.tag.warn", "deprecated") : undefined,
      dataClass === undefined ? undefined : h(`span.tag.class-${dataClass === "personal" ? "personal" : "guarded"}`, { title: `Data class: ${dataClass}` }, dataClass)),
    schema.description === undefined ? undefined : h("div.field-about", inline(schema.description)),
    values === undefined ? undefined : h("div.values", values.map((value) => h("code", JSON.stringify(value)))),
    h("div.rules", rulesOf(schema), example === undefined ? undefined : h("span.rule", "example ", h("code", JSON.stringify(example)))),
    insideOf(node, { depth, seen }));
}

function insideOf(node, { depth, seen }) {
  const schema = flat(node);
  const isList = typeOf(schema) === "array";
  const inner = isList ? schema.items : node;
  const name = deref(inner).refName;
  if (seen.includes(name)) return h("p.quiet.again", `↻ ${name}, as above`);
  const content = schemaBody(inner, { depth: depth + 1, seen: name === undefined ? seen : [...seen, name] });
  if (content === undefined) return undefined;
  return h("details.inside", { open: depth < 1 }, h("summary", isList ? "each item" : choicesOf(schema).options.length > 1 ? "choices" : "fields"), content);
}

/** The fields of an object, or the choices of a union; `undefined` where there is nothing to unfold. */
function schemaBody(node, { depth = 0, seen = [] } = {}) {
  const schema = flat(node);
  const { options } = choicesOf(schema);
  if (options.length > 1 && options.some((option) => flat(option).properties)) {
    return h("div.choices", options.map((option, index) => h("details.choice", { open: index === 0 }, h("summary", choiceLabel(option, index)), schemaBody(option, { depth, seen }))));
  }
  if (options.length === 1) return schemaBody(options[0], { depth, seen });
  if (schema.properties !== undefined) {
    const required = new Set(schema.required);
    const rows = Object.entries(schema.properties).map(([name, child]) => fieldRow(name, child, { depth, isRequired: required.has(name), seen }));
    return rows.length === 0 ? h("p.quiet", "An empty object.") : h("ul.fields", rows);
  }
  if (typeof schema.additionalProperties === "object" && Object.keys(schema.additionalProperties).length > 0) {
    return insideOf(schema.additionalProperties, { depth, seen });
  }
  return undefined;
}

/** What sets a choice apart: the constants in it, or its name. */
export function choiceLabel(option, index) {
  const schema = flat(option);
  const fixed = Object.entries(schema.properties ?? {}).filter(([, child]) => flat(child).const !== undefined);
  if (fixed.length > 0) return fixed.map(([name, child]) => `${name}: ${JSON.stringify(flat(child).const)}`).join(", ");
  return schema.title ?? schema.refName ?? (schema.properties ? `Choice ${index + 1}` : typeLabel(option));
}

/** A whole schema under a line that names its type. */
export function schemaView(node) {
  const schema = flat(node);
  const isList = typeOf(schema) === "array";
  const name = deref(isList ? schema.items : node).refName;
  const body = schemaBody(isList ? schema.items : node, { seen: name === undefined ? [] : [name] });
  return h("div.schema", h("div.schema-head", name === undefined && schema.properties ? undefined : h("span.type", typeLabel(node)), schema.description === undefined ? undefined : h("span.quiet", inline(schema.description))),
    isList || schema.properties === undefined ? h("div.rules", rulesOf(schema)) : undefined,
    body);
}
