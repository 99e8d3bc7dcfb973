/**
 * Elements, made by hand. Text is always set as text: nothing of the document is ever read as HTML, so a description
 * cannot smuggle a script in.
 */

/** `h("button.primary", { type: "button", onclick }, "Send")`, or without the attributes. Children that are not there are left out. */
export function h(tag, ...rest) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length > 0) element.className = classes.join(" ");
  const props = rest[0]?.constructor === Object ? rest.shift() : {};
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key !== "value") element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...present(rest));
  if ("value" in props) element.value = props.value; // last: a select has to have its options
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...present(children));
  return element;
}

function present(children) {
  return children.flat(9).filter((child) => child !== undefined && child !== null && child !== false);
}

const paths = {
  copy: "M8 8V4h12v12h-4M4 8h12v12H4z",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  open: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 7.5-2",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  menu: "M4 7h16M4 12h16M4 17h16",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  key: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3",
  gauge: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
  target: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  pen: "M4 20l1-5L16 4l4 4L9 19z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}

/** A button that copies what `read` gives. */
export function copyButton(what, read) {
  const button = h("button.icon", { type: "button", title: `Copy ${what}`, "aria-label": `Copy ${what}` }, icon("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(read());
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1_200);
  });
  return button;
}

/** The little of CommonMark that descriptions use: paragraphs, lists, code, strong, links to the web. */
export function prose(text) {
  const blocks = String(text).trim().split(/\n\s*\n/);
  return blocks.map((block) => {
    const lines = block.split("\n");
    if (lines.every((line) => /^\s*[-*] /.test(line))) return h("ul", lines.map((line) => h("li", inline(line.replace(/^\s*[-*] /, "")))));
    return h("p", inline(block));
  });
}

export function inline(text) {
  const parts = String(text).split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:\/\/[^\s)]+\))/);
  return parts.map((part) => {
    if (/^`[^`]+`$/.test(part)) return h("code", part.slice(1, -1));
    if (/^\*\*[^*]+\*\*$/.test(part)) return h("strong", part.slice(2, -2));
    const link = /^\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)$/.exec(part);
    return link === null ? part : h("a", { href: link[2], rel: "noreferrer" }, link[1]);
  });
}

/** JSON, colored. Beyond a size where coloring would hold up the page, plain. */
export function jsonView(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
  if (text.length > 200_000) return h("code", text);
  const view = h("code");
  let from = 0;
  for (const match of text.matchAll(/("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g)) {
    const kind = match[1] === undefined ? (/[tfn]/.test(match[0][0]) ? "word" : "number") : match[2] === undefined ? "text" : "name";
    const token = match[1] ?? match[0];
    view.append(text.slice(from, match.index), h(`span.j-${kind}`, token));
    from = match.index + token.length;
  }
  view.append(text.slice(from));
  return view;
}

export function methodChip(method) {
  return h(`span.method.m-${method}`, method === "delete" ? "del" : method);
}

/** A path with its parameters set apart. */
export function pathView(path) {
  return h("code.path", path.split(/(\{[^}]+\})/).map((part) => (part.startsWith("{") ? h("b", part) : part)));
}
