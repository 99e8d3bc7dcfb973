import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { bytes, command, contract, describeOperationOf, hasJsonBody, type OperationSpec, query } from "../../src/contract/index.ts";

const access = "public";
const id = z.uuid();
const hasBody = (operation: OperationSpec): boolean => hasJsonBody(describeOperationOf(contract("a", { go: operation }), "go"));

test("an operation has a JSON body when a field travels in one, or when the input is the body as a whole", () => {
  assert.equal(hasBody(command({ http: "PUT /a/{id}", access, input: z.object({ id, name: z.string() }) })), true);
  assert.equal(hasBody(command({ http: "POST /a", access, input: z.record(z.string(), z.int()) })), true);
  assert.equal(hasBody(command({ http: "POST /a", access, input: z.union([z.object({ a: id }), z.object({ b: id })]) })), true);
});

test("an operation has none when every field travels elsewhere, when it has bytes, or no input, or no route", () => {
  assert.equal(hasBody(command({ http: "PUT /a/{id}", access, input: z.object({ id }) })), false);
  assert.equal(hasBody(query({ http: "GET /a", access, input: z.object({ id }) })), false);
  assert.equal(hasBody(command({ http: "DELETE /a", access, input: z.object({ id }) })), false);
  assert.equal(hasBody(command({ http: "POST /a", access, input: z.object({ id }), body: bytes({ mediaTypes: ["*/*"] }) })), false);
  assert.equal(hasBody(command({ http: "POST /a", access })), false);
  assert.equal(hasBody(command({ access, input: z.object({ id }) })), false);
});
