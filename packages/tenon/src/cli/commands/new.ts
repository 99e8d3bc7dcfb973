/** `tenon new`: a new app, or a new service in the app that is here. Never overwrites anything. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type AppLocation, findAppAround } from "../app-location.ts";
import type { Answer, CommandSpec } from "../command.ts";
import { countOf } from "../plural.ts";
import { CommandProblem } from "../problem.ts";
import { addToApp } from "../scaffold/add-to-app.ts";
import { appFiles } from "../scaffold/app-files.ts";
import { serviceFiles } from "../scaffold/service-files.ts";
import { serviceNames } from "../scaffold/service-names.ts";
import { writeNewFiles } from "../scaffold/write-files.ts";
import { showPath } from "../source-place.ts";

export const newCommand: CommandSpec = {
  name: "new",
  operands: "<name...>",
  summary: "make an app, or add a service to the one that is here",
  description: [
    "Where there is no app, makes a directory with a new one: an example service with its contract, tables, migration",
    "and test. Inside of an app, adds a service in a directory of its own, with a test, and names it in the app's file.",
    "Nothing is ever overwritten.",
  ].join(" "),
  examples: [
    ["tenon new shop", "a new app in shop/"],
    ["tenon new .", "a new app in this empty directory, named like it"],
    ["tenon new orders", "inside of an app: a service in orders/"],
    ["tenon new service orders", "the same, and refused where there is no app"],
  ],
  async run({ operands }) {
    const [first = "", second, ...rest] = operands;
    const isService = first === "service" && second !== undefined;
    if (rest.length > 0 || (second !== undefined && !isService)) {
      throw new CommandProblem("new takes one name", { remedy: "tenon new shop, or tenon new service orders", exitCode: 2 });
    }
    const location = findAppAround(process.cwd());
    if (isService && location === undefined) {
      throw new CommandProblem("there is no app here to add a service to", { remedy: "go to the app's directory, or make an app first: tenon new shop" });
    }
    return location === undefined ? newApp(first) : newService(isService ? second : first, location);
  },
};

/** What a directory may hold and still be as good as empty: nothing of it is in the way. */
const harmlessEntries = new Set([".git", ".gitattributes", ".editorconfig", ".idea", ".vscode", ".DS_Store", "LICENSE", "LICENSE.md"]);

function newApp(given: string): Answer {
  const directory = resolve(given);
  const name = basename(directory);
  if (!/^[a-z][a-z0-9-]{0,40}$/.test(name)) {
    throw new CommandProblem(`"${name}" cannot name an app`, { remedy: "lower-case letters, digits and -, starting with a letter, 41 at most: my-shop", exitCode: 2 });
  }
  const inTheWay = existsSync(directory) ? readdirSync(directory).filter((entry) => !harmlessEntries.has(entry)) : [];
  if (inTheWay.length > 0) {
    throw new CommandProblem(`${showPath(directory)} is not empty: ${inTheWay.slice(0, 3).join(", ")}${inTheWay.length > 3 ? ", …" : ""}`, { remedy: "choose another name, or an empty directory" });
  }
  const files = appFiles(name);
  writeNewFiles(directory, files);
  const path = relative(process.cwd(), directory);
  const steps = [...(path === "" ? [] : [`cd ${path}`]), "npm install", "npm run dev"];
  return {
    text: [`made the app ${name}: ${countOf(files.length, "file")}${path === "" ? "" : ` in ${path}/`}`, "", ...files.map((file) => `  ${file.path}`), "", "next:", ...steps.map((step) => `  ${step}`)].join("\n"),
    data: { made: "app", name, directory, files: files.map((file) => file.path), next: steps },
  };
}

function newService(word: string, location: AppLocation): Answer {
  const names = serviceNames(word);
  const base = relative(location.home, dirname(location.file)).replaceAll("\\", "/");
  const directory = base === "" ? names.service : `${base}/${names.service}`;
  const files = serviceFiles(names, { directory, test: `test/${names.service}.test.ts`, fromTest: `../${directory}/service.ts` });
  writeNewFiles(location.home, files);

  const addition = { variable: names.variable, specifier: `./${names.service}/service.ts` };
  const before = readFileSync(location.file, "utf8");
  const after = addToApp(before, addition);
  if (after !== undefined) writeFileSync(location.file, after);
  const appFile = relative(location.home, location.file).replaceAll("\\", "/");
  const byHand = [`import ${addition.variable} from "${addition.specifier}";`, `app(…, { services: [ …, ${addition.variable}] })`];
  const added = after === undefined ? [`add it to ${appFile} by hand, since it is not written in the usual way:`, ...byHand.map((line) => `  ${line}`)] : [`added to ${appFile}`];
  return {
    text: [`made the service ${names.service}: ${countOf(files.length, "file")}`, "", ...files.map((file) => `  ${file.path}`), "", ...added, "", "next:", "  tenon check", "  npm test"].join("\n"),
    data: { made: "service", name: names.service, directory: join(location.home, directory), files: files.map((file) => file.path), addedTo: after === undefined ? null : appFile },
  };
}
