import assert from "node:assert/strict";
import { test } from "node:test";
import { isSafeUrl } from "../../src/kernel/index.ts";

test("safe is https, and http to this machine alone", () => {
  for (const url of ["https://issuer.example", "https://10.0.0.1:8443/x", "http://localhost:9000", "http://127.0.0.1", "http://127.8.9.1:80/a", "http://[::1]:8200"]) assert.equal(isSafeUrl(url), true, url);
  for (const url of ["http://issuer.example", "http://10.0.0.1", "http://127.0.0.1.evil.example", "http://localhost.evil.example", "ftp://localhost", "issuer.example", ""]) assert.equal(isSafeUrl(url), false, url);
});
