/** Fields to fill in, made from a schema. Each carries the JSON Pointer of its value, so that a refusal finds its field. */
import { choicesOf, exampleOf, flat, sampleOf, typeOf } from "./api.js";
import { button, h, parseJson, picker, replace, signButton } from "./dom.js";
import { choiceLabel, typeLabel } from "./schema-view.js";

let lastId = 0;

/** A label, a control, and room for what is wrong with it. */
export function labeled({ isRequired, name, pointer }, control, ...more) {
  const input = [control, ...control.children].find((each) => each.matches("input, select, textarea"));
  if (input) input.id = `f${(lastId += 1)}`;
  return h("div.entry", { "data-pointer": pointer }, h("label.label", { for: input?.id }, h("code", name), isRequired && h("span.required", "required"), more), control, wrongLine());
}

export function wrongLine() {
  return h("p.wrong", { role: "alert", hidden: true });
}

const asTyped = { autocomplete: "off", spellcheck: "false" };

/** Text of a path, query or header: what is typed is what is sent; empty is left out. */
export function textControl(node, value, onInput) {
  const schema = flat(node);
  const values = typeOf(schema) === "boolean" ? [true, false] : schema.enum;
  if (values) return picker(["—", ...values.map(String)], values.indexOf(value) + 1, (index) => onInput(index === 0 ? "" : String(values[index - 1])));
  const props = { ...asTyped, value, placeholder: String(exampleOf(schema) ?? schema.default ?? typeLabel(node)), oninput: (event) => onInput(event.target.value) };
  if (schema.maxLength > 200) return h("textarea", { ...props, rows: 2 });
  return h("input", { ...props, type: schema["x-data-class"] === "secret" ? "password" : "text", inputmode: /^(integer|number)$/.test(typeOf(schema)) && "decimal" });
}

/** A list in a query or a header: boxes to check, or one value a line. */
export function listControl(schema, onInput) {
  const { enum: values } = flat(flat(schema).items);
  if (!values) return h("textarea", { ...asTyped, rows: 2, placeholder: "one a line", oninput: (event) => onInput(event.target.value.split("\n")) });
  const boxes = values.map((value) => h("input", { type: "checkbox", value }));
  const onchange = () => onInput(boxes.filter((box) => box.checked).map((box) => box.value));
  return h("div.checks", { role: "group", onchange }, boxes.map((box) => h("label.check", box, box.value)));
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
  if (options.length === 1) return valueControl(options[0], at);
  if (options.length > 1) return choiceControl(options, at);
  const values = typeOf(schema) === "boolean" ? [true, false] : schema.enum;
  if (values) return picker(values.map(String), values.indexOf(at.value), (index) => at.onChange(values[index]));
  switch (typeOf(schema)) {
    case "object": return schema.properties ? objectControl(schema, at) : jsonControl(at);
    case "array": return schema.prefixItems ? jsonControl(at) : arrayControl(schema, at);
    case "string": return textControl(node, at.value ?? "", at.onChange);
    case "integer":
    case "number": return textControl(node, at.value ?? "", (text) => at.onChange(text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text)));
    default: return jsonControl(at);
  }
}

/** Anything that has no fields of its own: JSON, as it stands. */
function jsonControl({ onChange, value }) {
  const area = h("textarea.code", { ...asTyped, rows: 2, value: JSON.stringify(value ?? null, undefined, 1), oninput: () => {
    const parsed = parseJson(area.value);
    area.ariaInvalid = !parsed.ok;
    if (parsed.ok) onChange(parsed.value);
  } });
  return area;
}

function choiceControl(options, at) {
  const found = Math.max(options.findIndex((option) => fits(option, at.value)), 0);
  const inner = h("div", valueControl(options[found], at));
  const pick = (index) => {
    const value = sampleOf(options[index]);
    at.onChange(value);
    replace(inner, valueControl(options[index], { ...at, value }));
  };
  return h("div", picker(options.map(choiceLabel), found, pick), inner);
}

/** Whether a value is of this choice, by what sets choices apart: constants, or the type. */
function fits(option, value) {
  const schema = flat(option);
  if (schema.properties) return Object.entries(schema.properties).every(([name, child]) => flat(child).const === undefined || flat(child).const === value?.[name]);
  return schema.const === undefined ? typeOf(schema) === (Array.isArray(value) ? "array" : typeof value) : schema.const === value;
}

function objectControl(schema, { onChange, pointer, value }) {
  const object = { ...value };
  const isRequired = (name) => schema.required?.includes(name);
  return parts(() => onChange(object), (change) => {
    const entries = Object.entries(schema.properties);
    const there = entries.filter(([name]) => name in object).map(([name, child]) => {
      const at = { value: object[name], pointer: `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, onChange: (next) => onChange(Object.assign(object, { [name]: next })) };
      const leaveOut = !isRequired(name) && signButton(".remove", `Leave ${name} out`, change(() => delete object[name]), "×");
      return labeled({ name, isRequired: isRequired(name), pointer: at.pointer }, orNull(child, at), leaveOut);
    });
    const absent = entries.filter(([name]) => !(name in object));
    return [there, h("div.adders", absent.map(([name, child]) => button(".add", change(() => (object[name] = sampleOf(child))), `+ ${name}`)))];
  });
}

function arrayControl({ items: schema }, { onChange, pointer, value }) {
  const items = [...(value ?? [])];
  return parts(() => onChange(items), (change) => [
    items.map((item, index) => {
      const at = { value: item, pointer: `${pointer}/${index}`, onChange: (next) => onChange(Object.assign(items, { [index]: next })) };
      return labeled({ name: index, pointer: at.pointer }, orNull(schema, at), signButton(".remove", `Remove item ${index}`, change(() => items.splice(index, 1)), "×"));
    }),
    h("div.adders", button(".add", change(() => items.push(sampleOf(schema))), "+ item")),
  ]);
}

/** A box that is drawn anew whenever parts come or go. */
function parts(changed, draw) {
  const box = h("div.nest");
  const redraw = () => replace(box, draw((edit) => () => {
    edit();
    changed();
    redraw();
  }));
  return redraw();
}

/** Where null is a value, a box says so. */
function orNull(node, at) {
  if (!choicesOf(flat(node)).orNull) return valueControl(node, at);
  const place = h("div");
  const box = h("input", { type: "checkbox", onchange: () => {
    const value = box.checked ? null : sampleOf({ ...flat(node), default: undefined });
    at.onChange(value);
    draw(value);
  } });
  const draw = (value) => {
    box.checked = value === null;
    replace(place, !box.checked && valueControl(node, { ...at, value }), h("label.check", box, "null"));
  };
  draw(at.value);
  return place;
}
