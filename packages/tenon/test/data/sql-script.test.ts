import assert from "node:assert/strict";
import { test } from "node:test";
import { splitScript } from "../../src/data/index.ts";

function texts(script: string): readonly string[] {
  return splitScript(script).map((statement) => statement.text);
}

test("a statement ends at its semicolon and knows its line", () => {
  const script = "-- first\ncreate table a (id int);\n\n/* then */ insert into a\n  values (1) ;select 1";
  assert.deepEqual(splitScript(script), [
    { text: "create table a (id int)", line: 2 },
    { text: "insert into a\n  values (1) ", line: 4 },
    { text: "select 1", line: 5 },
  ]);
});

test("a script of nothing but comments and blanks has no statements", () => {
  assert.deepEqual(texts(" \n-- nothing;\n/* ; /* ; */ ; */ ;; "), []);
});

test("semicolons inside of texts, names and comments end nothing", () => {
  for (const whole of ["select ';'", "select 'it''s;'", `select ";" from "a"";b"`, "select /* ; */ 1", "select 1 -- ;\n + 2", "select e'\\';'", "select E'a\\\\' || ';'", "select 'a\\' || ';'"]) {
    assert.deepEqual(texts(`${whole}; select 2`), [whole, "select 2"], whole);
  }
});

test("a backslash escapes only in a text that begins with E", () => {
  assert.deepEqual(texts("select 'a\\'; select 2"), ["select 'a\\'", "select 2"]);
  assert.deepEqual(texts("select code'x\\'; select 2"), ["select code'x\\'", "select 2"]);
});

test("a body in dollars is one piece, whatever its tag", () => {
  const body = "create function f() returns int language plpgsql as $$ begin return 1; end; $$";
  const tagged = "do $body$ begin perform $$;$$; end $body$";
  assert.deepEqual(texts(`${body};\n${tagged};`), [body, tagged]);
  assert.deepEqual(texts("select $1; select a$b$; select 3"), ["select $1", "select a$b$", "select 3"]);
});

test("a body between BEGIN ATOMIC and END is one piece, with CASE in it", () => {
  const body = "create or replace function f(x int) returns int begin atomic select case when x > 0 then 1 else 2 end; select 3; end";
  assert.deepEqual(texts(`${body}; select 1`), [body, "select 1"]);
  assert.deepEqual(texts("begin; select 1; end; select 2"), ["begin", "select 1", "end", "select 2"]);
});

test("semicolons inside of parentheses end nothing", () => {
  const rule = "create rule r as on insert to a do also (insert into b values (1); insert into c values (2))";
  assert.deepEqual(texts(`${rule}; select 1`), [rule, "select 1"]);
});

test("what is left open runs to the end", () => {
  assert.deepEqual(texts("select 'open; select 2"), ["select 'open; select 2"]);
  assert.deepEqual(texts("select $$open; select 2"), ["select $$open; select 2"]);
  assert.deepEqual(texts("select 1; /* open"), ["select 1"]);
});
