import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Call } from "../../src/calls/index.ts";
import { createIdSource } from "../../src/kernel/index.ts";
import { type Span, SpanRecorder } from "../../src/telemetry/index.ts";
import { DatabaseError, outcomeOf, StatementSpans, withoutLiterals } from "../../src/data/index.ts";
import { Fault } from "../../src/kernel/index.ts";
import { get, ManualClock } from "../calls/fixture.ts";

function recorded(texts: readonly string[], failure?: unknown): readonly Span[] {
  const clock = new ManualClock();
  const ids = createIdSource(() => 0.5);
  const spans = new SpanRecorder({ clock, random: () => 0.5, ids });
  const taken: Span[] = [];
  spans.addSink({ spans: (portion) => void taken.push(...portion) });
  const call = new Call({ operation: get, id: ids(), startedAtMs: 0, input: {} });
  call.trace = spans.begin(call.id, undefined);
  const statements = new StatementSpans("things");
  for (const text of texts) statements.start(call, text)?.end(failure === undefined ? undefined : outcomeOf(failure));
  while (spans.pending > 0) spans.flush();
  return taken;
}

describe("the span of a statement", () => {
  test("is named by command and table", () => {
    const names: Readonly<Record<string, string>> = {
      'select "id" from "orders" where "id" = $1': "select orders",
      'insert into "orders" ("id") values ($1)': "insert orders",
      'update "things"."orders" set "a" = $1': "update things.orders",
      "DELETE FROM orders": "delete orders",
      "with gone as (delete from a returning *) insert into b select * from gone": "delete a",
      "with all_of as (select 1) select * from all_of": "select all_of",
      "select 1": "select",
      "(select 1) union (select 2)": "select",
      "savepoint tenon_1": "savepoint",
      commit: "commit",
      "": "statement",
    };
    assert.deepEqual(recorded(Object.keys(names)).map(({ name }) => name), Object.values(names));
  });

  test("tells why the database refused it by its SQLSTATE, and blames no statement for a caller that went away", () => {
    const [broken] = recorded(["select 1"], new DatabaseError("duplicate key (id)=(ada)", "23505"));
    assert.deepEqual([broken?.status, broken?.message, broken?.attributes["db.response.status_code"], broken?.attributes["error.type"]], ["error", "23505", "23505", "23505"]);
    const [canceled] = recorded(["select 1"], new Fault("canceled", "gone"));
    assert.deepEqual([canceled?.status, canceled?.attributes["error.type"]], ["unset", "canceled"]);
  });

  test("has no text any more once a service has a thousand", () => {
    const spans = recorded(Array.from({ length: 1_010 }, (_, n) => `select "column${n}" from "t"`));
    assert.equal(spans[999]?.attributes["db.query.text"], 'select "column999" from "t"');
    assert.deepEqual([spans[1_000]?.name, spans[1_000]?.attributes["db.query.text"]], ["select t", undefined]);
  });
});

describe("the text of a statement", () => {
  test("has no literals, in whatever way they are written", () => {
    const texts: Readonly<Record<string, string>> = {
      "select * from t where a = 'ada' and b = $1 limit 10": "select * from t where a = ? and b = $1 limit ?",
      "select 'it''s', E'it\\'s', e'a\\\\', $$ada$$, $tag$ $$ ada $tag$, 1.5e10, x1, \"col 2\", $12": "select ?, ?, ?, ?, ?, ?, x1, \"col 2\", $12",
      "select a -- of ada\nfrom t /* 'ada' */ where b = 'x -- y'": "select a \nfrom t  where b = ?",
      "select \"it's\" from t where a = '\"ada'": "select \"it's\" from t where a = ?",
      "select 'c:\\' , 'ada'": "select ? , ?",
    };
    for (const [text, expected] of Object.entries(texts)) assert.equal(withoutLiterals(text), expected);
  });

  test("never shows a quoted value, whatever it is", () => {
    fc.assert(fc.property(fc.array(fc.string(), { maxLength: 5 }), (values) => {
      const text = `select ${values.map((value) => `'${value.replaceAll("'", "''")}'`).join(", ")} from t`;
      assert.equal(withoutLiterals(text), `select ${values.map(() => "?").join(", ")} from t`);
    }));
  });
});
