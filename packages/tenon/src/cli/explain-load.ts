/**
 * Why an app could not be loaded, in a person's words. Node's own messages name internals and absolute paths; here
 * each is turned into: which file of yours, which line, what is wrong, what to do.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, extname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { nearest } from "./nearest.ts";
import { CommandProblem, type ProblemMore } from "./problem.ts";
import { placeOfError, placeOfSyntaxError, showPath, showPlace, type SourcePlace } from "./source-place.ts";

/** Explains a failure of the module loader, or `undefined` where it is none. */
export function explainLoaderError(error: Error): CommandProblem | undefined {
  const code = "code" in error ? String(error.code) : "";
  const place = placeOfSyntaxError(error.stack ?? "");
  if (code === "ERR_MODULE_NOT_FOUND" || code === "ERR_UNSUPPORTED_DIR_IMPORT") return explainMissing(error);
  if (code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") return explainUnsupported(error, place);
  if (code === "ERR_IMPORT_ATTRIBUTE_MISSING") return explainMissingAttribute(error);
  if (code === "ERR_UNKNOWN_FILE_EXTENSION") return explainExtension(error);
  if (code === "ERR_PACKAGE_PATH_NOT_EXPORTED") return explainSubpath(error);
  if (error.name === "SyntaxError" && place !== undefined) return explainMissingExport(error, place) ?? unreadable(error, place);
  return undefined;
}

/** A file that does not parse: also used for those of which Node does not say the place. */
export function unreadable(error: Error, place: SourcePlace): CommandProblem {
  const isDecorator = place.excerpt[0]?.trimStart().startsWith("@") === true;
  return problemAt(place, `cannot be read: ${lowerFirst(error.message)}`, { cause: error, ...(isDecorator ? { remedy: "Node runs no decorators: call the function instead" } : {}) });
}

/** What the app's own code threw while it was loaded. */
export function explainThrown(error: Error, file: string): CommandProblem {
  const place = placeOfError(error);
  const what = `${error.name}: ${error.message}`;
  if (place === undefined) return new CommandProblem(`${showPath(file)} could not be loaded: ${what}`, { cause: error });
  const remedy = remedyFor(error);
  return new CommandProblem(`${showPlace(place)} fails while it is loaded: ${what}`, { excerpt: place.excerpt, cause: error, ...(remedy === undefined ? {} : { remedy }) });
}

function remedyFor(error: Error): string | undefined {
  if (error.message.startsWith("require is not defined")) return 'this is an ES module: write import { readFileSync } from "node:fs"';
  if (/^__(dir|file)name is not defined/.test(error.message)) return "this is an ES module: use import.meta.dirname and import.meta.filename";
  if (/^Cannot access '.*' before initialization/.test(error.message)) return "if it comes from another file, the two files import each other in a circle: move what both need into a third";
  return undefined;
}

function explainMissing(error: Error): CommandProblem {
  const [, kind = "", wanted = "", importer = ""] = /(package|module|import) '(.*?)'.* imported from (.*)$/s.exec(error.message) ?? [];
  const from = showPath(importer.startsWith("file:") ? fileURLToPath(importer) : importer);
  if (kind === "package") {
    return new CommandProblem(`${from} imports "${wanted}", which is not installed`, { remedy: `npm install ${wanted}`, cause: error });
  }
  const path = wanted.startsWith("file:") ? fileURLToPath(wanted) : wanted;
  const specifier = toSpecifier(dirname(importer), path);
  return new CommandProblem(`${from} imports "${specifier}", which is not there`, { remedy: remedyForMissing(path, dirname(importer)), cause: error });
}

function remedyForMissing(path: string, from: string): string {
  const candidates = [`${path}.ts`, path.replace(/\.(m?)js$/, ".$1ts"), join(path, "index.ts")];
  const meant = candidates.find((each) => each !== path && statSync(each, { throwIfNoEntry: false })?.isFile());
  if (meant !== undefined) return `Node runs the files as they are, so write the whole name: "${toSpecifier(from, meant)}"`;
  const directory = dirname(path);
  if (!existsSync(directory)) return `there is no directory ${showPath(directory)}`;
  const similar = nearest(basename(path), readdirSync(directory).filter((name) => extname(name) !== ""));
  return similar === undefined ? `mend the path, or make the file ${showPath(path)}` : `did you mean "${toSpecifier(from, join(directory, similar))}"?`;
}

function toSpecifier(from: string, path: string): string {
  const specifier = relative(from, path).replaceAll("\\", "/");
  return specifier.startsWith(".") ? specifier : `./${specifier}`;
}

/** Node takes types out and turns nothing into code: https://nodejs.org/api/typescript.html#type-stripping */
const unsupported: readonly { readonly pattern: RegExp; readonly what: string; readonly remedy: string }[] = [
  { pattern: /enum/, what: "an enum", remedy: 'write an object instead: const Status = { placed: "placed", paid: "paid" } as const' },
  { pattern: /parameter property/, what: "a parameter property", remedy: "declare the field in the class, and assign it in the constructor" },
  { pattern: /namespace|module/, what: "a namespace", remedy: "make it a file of its own, and export from it" },
  { pattern: /import equals/, what: "an import with =", remedy: 'write import name from "…"' },
];

function explainUnsupported(error: Error, place: SourcePlace | undefined): CommandProblem {
  const known = unsupported.find(({ pattern }) => pattern.test(error.message));
  const what = known?.what ?? `what Node does not run (${lowerFirst(error.message)})`;
  const remedy = [...(known === undefined ? [] : [known.remedy]), '"erasableSyntaxOnly": true in tsconfig.json lets the editor say so'].join("\n");
  return problemAt(place, `has ${what}: Node runs TypeScript by leaving its types out, and this is more than a type`, { remedy, cause: error });
}

function explainMissingExport(error: Error, place: SourcePlace): CommandProblem | undefined {
  const [, module, name] = /The requested module '(.*?)' does not provide an export named '(.*?)'/.exec(error.message) ?? [];
  if (module === undefined || name === undefined) return undefined;
  const remedy =
    name === "default"
      ? `export a default there, or import by name: import { … } from "${module}"`
      : `if it is a type, write import { type ${name} } from "${module}"\notherwise export it there, or mend the name`;
  return problemAt(place, `imports ${name === "default" ? "a default" : name} from "${module}", which does not export it`, { remedy, cause: error });
}

function explainMissingAttribute(error: Error): CommandProblem {
  const [, url = ""] = /Module "(.*?)"/.exec(error.message) ?? [];
  const name = basename(url);
  return new CommandProblem(`${url.startsWith("file:") ? showPath(fileURLToPath(url)) : name} is imported as if it were code`, {
    remedy: `say that it is JSON: import data from "./${name}" with { type: "json" }`,
    cause: error,
  });
}

function explainExtension(error: Error): CommandProblem {
  const [, extension = "", path = ""] = /extension "(.*?)" for (.*)$/s.exec(error.message) ?? [];
  return new CommandProblem(`${showPath(path)} cannot be run: Node does not know files that end in ${extension}`, {
    remedy: extension === ".tsx" ? "Node runs .ts files alone: move what is not JSX into one" : "read it as a file instead: readFileSync(new URL(…, import.meta.url))",
    cause: error,
  });
}

function explainSubpath(error: Error): CommandProblem {
  const [, subpath = "", manifest = "", importer] = /subpath '\.\/(.*?)' is not defined by "exports" in (.*?package\.json)(?: imported from (.*))?$/s.exec(error.message) ?? [];
  const name = basename(dirname(manifest));
  return new CommandProblem(`${importer === undefined ? "the app" : showPath(importer)} imports "${name}/${subpath}", which the package ${name} does not offer`, {
    remedy: `look what it offers: "exports" in ${showPath(manifest)}`,
    cause: error,
  });
}

function problemAt(place: SourcePlace | undefined, what: string, more: ProblemMore): CommandProblem {
  return new CommandProblem(`${place === undefined ? "a file of the app" : showPlace(place)} ${what}`, { ...more, excerpt: place?.excerpt ?? [] });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
