/** Rows of sixteen persons in turn, which come back as they were read from the database. */
import { isDeepStrictEqual } from "node:util";
import { toRequestBytes } from "../load/http-connection.ts";
import { persons, rowId, seededRows } from "../subjects/encrypted-column/person.ts";
import type { Workload } from "./workload.ts";

const bodies = persons.map((person) => JSON.stringify(person));
const headers = { accept: "application/json", "user-agent": "bench/1.0" };

/** `POST /people`: each is written first. */
export const person: Workload = {
  name: "person",
  status: 201,

  requests(target) {
    return bodies.map((body) => toRequestBytes({ method: "POST", path: "/people", target, headers: { ...headers, "content-type": "application/json" }, body }));
  },
  problemOf,
};

/** `GET /people/{id}`: sixteen rows, again and again. */
export const personRead = reading("person-read", persons.length);

/** `GET /people/{id}`: all rows in turn, which are more than anybody remembers. */
export const personReadMany = reading("person-read-many", seededRows);

function reading(name: string, rows: number): Workload {
  return {
    name,
    status: 200,

    requests(target) {
      return Array.from({ length: rows }, (_, index) => toRequestBytes({ method: "GET", path: `/people/${rowId(index)}`, target, headers }));
    },
    problemOf,
  };
}

function problemOf(body: string, index: number): string | undefined {
  const { id: _id, ...rest } = JSON.parse(body) as { readonly id: string };
  return isDeepStrictEqual(rest, persons[index % persons.length]) ? undefined : `not the person that was asked for: ${body}`;
}
