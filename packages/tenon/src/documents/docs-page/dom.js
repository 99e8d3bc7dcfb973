/**
 * Elements, made by hand. Text is always set as text: nothing of the document is ever read as HTML, so a description
 * cannot smuggle a script in.
 */

/** `h("p.quiet", { title }, "Text")`, or without the attributes. Children that are `undefined` or `false` are left out. */
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
  replace(element, rest);
  if ("value" in props) element.value = props.value;
  return element;
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(9).filter((child) => child !== undefined && child !== false));
  return element;
}

export function button(tag, onclick, ...children) {
  return h(`button${tag}`, { type: "button", onclick }, ...children);
}

/** A button that shows a sign, and says `what` to those who do not see it. */
export function signButton(tag, what, onclick, sign) {
  const made = button(`.icon${tag}`, onclick, sign);
  made.title = made.ariaLabel = what;
  return made;
}

/** A choice between `labels`; `onPick` gets the index. */
export function picker(labels, picked, onPick) {
  return h("select", { onchange: (event) => onPick(event.target.selectedIndex) }, labels.map((label, index) => h("option", { selected: index === picked }, label)));
}

/** What folds away under a line. */
export function fold(tag, isOpen, title, ...content) {
  return h(`details.${tag}`, { open: isOpen }, h("summary", title), content);
}

/** Names and values in two columns; those without a value are left out. */
export function pairs(entries) {
  return h("dl", entries.map(([name, value]) => Boolean(value) && [h("dt", name), h("dd", value)]));
}

const drawings = {
  copy: "M8 8V4h12v12h-4M4 8h12v12H4z",
  lock: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 8 0v3",
  open: "M6 11h12v9H6zM8 11V8a4 4 0 0 1 7.5-2",
  clock: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  menu: "M4 7h16M4 12h16M4 17h16",
  theme: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  key: "M8 11a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM11 12l9-9M16 7l3 3",
  order: "M9 6h11M9 12h11M9 18h11M4 5v3M4 11h.1M4 17h.1",
  limit: "M4 18a9 9 0 1 1 16 0M12 14l4-5",
  goal: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  command: "M4 20l1-5L16 4l4 4L9 19z",
  query: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
};

export function icon(name) {
  const make = (tag, attribute, value) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    element.setAttribute(attribute, value);
    return element;
  };
  const svg = make("svg", "viewBox", "0 0 24 24");
  svg.ariaHidden = "true";
  svg.append(make("path", "d", drawings[name]));
  return svg;
}

export function copyButton(what, read) {
  const made = signButton("", `Copy ${what}`, async () => {
    await navigator.clipboard?.writeText(read());
    made.classList.add("done");
    setTimeout(() => made.classList.remove("done"), 1_200);
  }, icon("copy"));
  return made;
}

/** The little of CommonMark that descriptions use: paragraphs, lists, code, strong, links to the web. */
export function prose(text) {
  return text === "" ? [] : text.trim().split(/\n\s*\n/).map((block) => {
    const items = block.split(/^\s*[-*] /m).slice(1);
    return /^\s*[-*] /.test(block) ? h("ul", items.map((item) => h("li", inline(item)))) : h("p", inline(block));
  });
}

export function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:\/\/[^\s)]+\))/).map((part) => {
    if (/^`.+`$/s.test(part)) return h("code", part.slice(1, -1));
    if (/^\*\*.+\*\*$/s.test(part)) return h("strong", part.slice(2, -2));
    const link = /^\[(.+)\]\((https?:.+)\)$/s.exec(part);
    return link === null ? part : h("a", { href: link[2], rel: "noreferrer" }, link[1]);
  });
}

/** JSON, colored; plain where it is so long that coloring would hold up the page. */
export function jsonView(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, undefined, 2);
  if (text.length > 200_000) return h("code", text);
  const parts = text.split(/("(?:\\.|[^"\\])*"(?=\s*:))|("(?:\\.|[^"\\])*")|\b(true|false|null)\b|(-?\d[\d.eE+-]*)/);
  // Each match is its four groups, of which one is there; between two matches stands what is neither.
  return h("code", parts.map((part, index) => (index % 5 === 0 ? part : part !== undefined && h(`span.j${index % 5}`, part))));
}

export function methodChip(method) {
  return h(`span.method.m-${method}`, method === "delete" ? "del" : method);
}

/** A path with its parameters set apart. */
export function pathView(path) {
  return h("code.path", path.split(/(\{[^}]+\})/).map((part, index) => (index % 2 === 1 ? h("b", part) : part)));
}

export function statusView(status, text = status) {
  return h(`span.status.s${String(status)[0]}`, text);
}

export function hrefOf(operationId) {
  return `#/${encodeURIComponent(operationId)}`;
}

export function parseJson(text) {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, reason: error.message };
  }
}

/** Storage may be switched off; what would be kept then lasts as long as the page. */
export function storedIn(kind, name) {
  return {
    read() {
      try {
        return globalThis[kind].getItem(name) ?? "";
      } catch {
        return "";
      }
    },
    write(text) {
      try {
        globalThis[kind].setItem(name, text);
      } catch {
        // see above
      }
    },
  };
}
