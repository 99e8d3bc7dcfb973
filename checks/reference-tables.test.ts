/** Tables of the documents that repeat what the code says: each row is there, in the code's order, with the code's values. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settings } from "../packages/tenon/src/app/config.ts";
import { faultTable } from "../packages/tenon/src/kernel/fault.ts";
import * as limits from "../packages/tenon/src/rest/limits.ts";
import { readText } from "./source-files.ts";

/** The rows of a table, each a list of its cells, by the text of its first heading. A bar inside of a cell is written `\|`. */
function rowsOf(path: string, firstHeading: string): readonly (readonly string[])[] {
  const lines = readText(path).text.split("\n");
  const start = lines.findIndex((line) => cellsOf(line)[0] === firstHeading);
  assert.notEqual(start, -1, `${path} has no table that begins with "${firstHeading}"`);
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return (end === -1 ? rest : rest.slice(0, end)).map(cellsOf);
}

function cellsOf(line: string): readonly string[] {
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

/** A limit as the document writes it: `1 MiB`, `10 s`, `8 192`. */
function limitText(name: string, value: number): string {
  const units: readonly (readonly [size: number, unit: string])[] = name.endsWith("Bytes") ? [[1_048_576, "MiB"], [1_024, "KiB"]] : name.endsWith("Ms") ? [[1_000, "s"]] : [];
  const fitting = units.find(([size]) => value >= size && value % size === 0);
  if (fitting !== undefined) return `${value / fitting[0]} ${fitting[1]}`;
  return String(value).replaceAll(/(?<=\d)(?=(?:\d{3})+$)/g, value >= 1_000 ? " " : "");
}

describe("the tables of the documents say what the code does", () => {
  test("fault codes", () => {
    const expected = Object.entries(faultTable).map(([name, { atFault, http, retry, title }]) => [code(name), String(http), retry, atFault, title]);
    assert.deepEqual(rowsOf("docs/http.md", "code"), expected);
  });

  test("settings", () => {
    const expected = Object.values(settings).map(({ about, env, fallback }) => [code(env), code([fallback].flat().join(",")), about]);
    assert.deepEqual(rowsOf("docs/configuration.md", "setting"), expected);
  });

  test("limits, and the settings that change them", () => {
    const shown = rowsOf("docs/http.md", "limit").map((cells) => cells.slice(0, 3));
    const envByName = new Map(Object.entries(settings).map(([name, setting]) => [name, setting.env]));
    const expected = Object.entries(limits).map(([name, value]) => [code(name), limitText(name, value), code(envByName.get(name) ?? "")]);
    // A module lists its names in alphabetic order; the document has an order of its own.
    assert.deepEqual([...shown].sort(byFirst), expected.sort(byFirst));
  });
});

function byFirst([a = ""]: readonly string[], [b = ""]: readonly string[]): number {
  return a < b ? -1 : 1;
}
