/** Fields to fill in, made from a schema. Each carries the JSON Pointer of its value, so that a refusal finds its field. */
import { choicesOf, flat, sampleOf, typeOf } from "./api.js";
import { h, replace } from "./dom.js";
import { choiceLabel, typeLabel } from "./schema-view.js";

let lastId = 0;

/** A label, a control, and room for what is wrong with it. */
export function labeled({ isRequired, name, pointer }, control) {
  const input = control.matches("input, select, textarea") ? control : undefined;
  if (input !== undefined) input.id = `f${(lastId += 1)}`;
  const label = h(input === undefined ? "div.label" : "label.label", { for: input?.id }, h("code", name), isRequired ? h("span.required", { title: "required" }, "required") : undefined);
  return h("div.entry", { "data-pointer": pointer }, label, control, h("p.wrong", { role: "alert", hidden: true }));
}

/** Text of a path, query or header: what is typed is what is sent; empty is left out. */
export function textControl(schema, { onInput, value = "" }) {
  const { enum: values } = flat(schema);
  const isYesNo = typeOf(flat(schema)) === "boolean";
  if (values !== undefined || isYesNo) {
    const options = (isYesNo ? ["true", "false"] : values).map((each) => h("option", { value: String(each) }, String(each)));
    return h("select", { value, onchange: (event) => onInput(event.target.value) }, h("option", { value: "" }, "—"), options);
  }
  return textInput(schema, value, onInput);
}

function textInput(schema, value, onInput) {
  const { maxLength = 0, "x-data-class": dataClass } = flat(schema);
  const props = { value, placeholder: placeholderOf(schema), autocomplete: "off", spellcheck: "false", oninput: (event) => onInput(event.target.value) };
  if (maxLength > 200) return h("textarea", { ...props, rows: 2 });
  return h("input", { ...props, type: dataClass === "secret" ? "password" : "text", inputmode: /^(integer|number)$/.test(typeOf(flat(schema))) ? "decimal" : undefined });
}

function placeholderOf(node) {
  const schema = flat(node);
  const given = schema.examples?.[0] ?? schema.default;
  return given === undefined ? typeLabel(node) : String(given);
}

/** A list in a query or a header: one value a line. */
export function listControl(schema, { onInput }) {
  const item = flat(flat(schema).items);
  if (item.enum === undefined) return h("textarea", { rows: 2, placeholder: "one a line", spellcheck: "false", oninput: (event) => onInput(event.target.value.split("\n").filter((line) => line !== "")) });
  const boxes = item.enum.map((value) => h("label.check", h("input", { type: "checkbox", value: String(value) }), String(value)));
  const group = h("div.checks", { role: "group", onchange: () => onInput([...group.querySelectorAll(":checked")].map((box) => box.value)) }, boxes);
  return group;
}

/**
 * A control for any JSON value. `onChange` gets the whole value whenever a part of it changes.
 *
 * @param at  `{ value, pointer, onChange }`
 */
export function valueControl(node, at) {
  const schema = flat(node);
  const { options } = choicesOf(schema);
  if (schema.const !== undefined) return h("code.fixed", JSON.stringify(schema.const));
  if (options.length > 1 && schema.enum === undefined) return choiceControl(options, at);
  if (options.length === 1) return valueControl(options[0], at);
  if (schema.enum !== undefined) return enumControl(schema, at);
  switch (typeOf(schema)) {
    case "object": return schema.properties === undefined ? jsonControl(at) : objectControl(schema, at);
    case "array": return schema.items === false || schema.prefixItems ? jsonControl(at) : arrayControl(schema, at);
    case "string": return textInput(node, at.value ?? "", at.onChange);
    case "integer":
    case "number": return textInput(node, String(at.value ?? ""), (text) => at.onChange(text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)));
    case "boolean": return h("select", { value: String(at.value), onchange: (event) => at.onChange(event.target.value === "true") }, h("option", { value: "true" }, "true"), h("option", { value: "false" }, "false"));
    default: return jsonControl(at);
  }
}

function enumControl(schema, { onChange, value }) {
  const index = schema.enum.findIndex((each) => each === value);
  return h("select", { onchange: (event) => onChange(schema.enum[Number(event.target.value)]) }, schema.enum.map((each, number) => h("option", { value: number, selected: number === index }, typeof each === "string" ? each : JSON.stringify(each))));
}

/** Anything that has no fields of its own: JSON, as it stands. */
function jsonControl({ onChange, value }) {
  const area = h("textarea.code", { rows: 2, spellcheck: "false", value: JSON.stringify(value ?? null, undefined, 1) });
  area.addEventListener("input", () => {
    const parsed = parseJson(area.value);
    area.setAttribute("aria-invalid", String(!parsed.ok));
    if (parsed.ok) onChange(parsed.value);
  });
  return area;
}

function choiceControl(options, { onChange, pointer, value }) {
  const found = options.findIndex((option) => fits(option, value));
  const picked = h("select", { "aria-label": "Which one" }, options.map((option, index) => h("option", { value: index, selected: index === Math.max(found, 0) }, choiceLabel(option, index))));
  const inner = h("div");
  const show = (index, current) => replace(inner, valueControl(options[index], { value: current, pointer, onChange }));
  picked.addEventListener("change", () => {
    const sample = sampleOf(options[Number(picked.value)]);
    onChange(sample);
    show(Number(picked.value), sample);
  });
  show(Math.max(found, 0), value);
  return h("div", picked, inner);
}

/** Whether a value is of this choice, by what sets choices apart: constants, or the type. */
function fits(option, value) {
  const schema = flat(option);
  if (schema.const !== undefined) return schema.const === value;
  if (schema.properties === undefined) return typeOf(schema) === (Array.isArray(value) ? "array" : Number.isInteger(value) ? "integer" : typeof value);
  return Object.entries(schema.properties).every(([name, child]) => flat(child).const === undefined || flat(child).const === value?.[name]);
}

function objectControl(schema, { onChange, pointer, value }) {
  const object = { ...value };
  const required = new Set(schema.required);
  const box = h("div.nest");
  const draw = () => {
    const entries = Object.entries(schema.properties);
    const rows = entries.filter(([name]) => name in object).map(([name, child]) => {
      const at = { value: object[name], pointer: `${pointer}/${token(name)}`, onChange: (next) => onChange(Object.assign(object, { [name]: next })) };
      const row = labeled({ name, isRequired: required.has(name), pointer: at.pointer }, orNull(child, at));
      if (!required.has(name)) row.querySelector(".label").append(removeButton(`Leave ${name} out`, () => change(() => delete object[name])));
      return row;
    });
    const absent = entries.filter(([name]) => !(name in object));
    const adders = absent.map(([name, child]) => h("button.add", { type: "button", onclick: () => change(() => (object[name] = sampleOf(child))) }, `+ ${name}`));
    replace(box, rows, h("div.adders", adders));
  };
  const change = (edit) => {
    edit();
    onChange(object);
    draw();
  };
  draw();
  return box;
}

function arrayControl(schema, { onChange, pointer, value }) {
  const items = [...(value ?? [])];
  const box = h("div.nest.list");
  const draw = () => {
    const rows = items.map((item, index) => {
      const at = { value: item, pointer: `${pointer}/${index}`, onChange: (next) => onChange(items.with(index, (items[index] = next))) };
      const row = labeled({ name: String(index), pointer: at.pointer }, orNull(schema.items, at));
      row.querySelector(".label").append(removeButton(`Remove item ${index}`, () => change(() => items.splice(index, 1))));
      return row;
    });
    replace(box, rows, h("button.add", { type: "button", onclick: () => change(() => items.push(sampleOf(schema.items))) }, "+ item"));
  };
  const change = (edit) => {
    edit();
    onChange([...items]);
    draw();
  };
  draw();
  return box;
}

/** Where null is a value, a box says so. */
function orNull(node, at) {
  if (!choicesOf(flat(node)).orNull) return valueControl(node, at);
  const place = h("div");
  const box = h("input", { type: "checkbox", checked: at.value === null });
  const draw = (value) => replace(place, value === null ? undefined : valueControl(node, { ...at, value }), h("label.check", box, "null"));
  box.addEventListener("change", () => {
    const value = box.checked ? null : sampleOf({ ...flat(node), default: undefined });
    at.onChange(value);
    draw(value);
  });
  draw(at.value ?? null);
  box.checked = at.value === null || at.value === undefined;
  return place;
}

function removeButton(what, onclick) {
  return h("button.icon.remove", { type: "button", title: what, "aria-label": what, onclick }, "×");
}

export function parseJson(text) {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, reason: error.message };
  }
}

function token(name) {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
