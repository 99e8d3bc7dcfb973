/** A page loads the client, the contract and all that they import: nothing of it may be Node's. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** Every module that `entry` needs when it runs, other packages and built-in modules by their names. */
function modulesFrom(entry: URL): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [entry];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file.href)) continue;
    found.add(file.href);
    const code = readFileSync(file, "utf8").replaceAll(/\/\*[\s\S]*?\*\//g, "");
    const uses = code.matchAll(/^\s*(?:import|export)\s+(?!type\b)(?:[^"';]*?\bfrom\s+)?"([^"]+)"|\bimport\(\s*"([^"]+)"/gm);
    for (const [, from, dynamic] of uses) {
      const specifier = from ?? dynamic ?? "";
      if (specifier.startsWith(".")) open.push(new URL(specifier, file));
      else found.add(specifier);
    }
  }
  return found;
}

test("the client reaches no module of Node and no package but the schema library", () => {
  const modules = modulesFrom(new URL("../../src/client/index.ts", import.meta.url));
  assert.ok([...modules].some((each) => each.endsWith("/src/client/exchange.ts")), "the walk has seen the client's own files");
  assert.ok([...modules].some((each) => each.endsWith("/src/kernel/fault.ts")), "the walk has seen other rooms");
  const packages = [...modules].filter((each) => !each.startsWith("file:"));
  assert.deepEqual(packages.filter((each) => !each.startsWith("zod")), []);
});

test("the client's own files use no global of Node", () => {
  const own = [...modulesFrom(new URL("../../src/client/index.ts", import.meta.url))].filter((each) => each.includes("/src/client/"));
  for (const file of own) assert.doesNotMatch(readFileSync(new URL(file), "utf8"), /\b(?:process\.|Buffer\b|require\(|setImmediate\b|__dirname\b)/, file);
});
