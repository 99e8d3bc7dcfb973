import { test } from "node:test";
import { databaseContract } from "../../src/data/testing.ts";
import { openServerDatabase, skip } from "../data/server.ts";

if (skip === false) databaseContract("postgres", openServerDatabase);
else test("postgres keeps the Database contract", { skip });
