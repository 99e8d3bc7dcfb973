import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressOfCaller, parseNetwork, type ProxyHeader } from "../../src/trust/index.ts";

function seen(trusted: readonly string[], address: string, value?: string, header: ProxyHeader = "x-forwarded-for"): string {
  return addressOfCaller({ trusted, header })({ address, header: (name) => (name === header ? value : "6.6.6.6") });
}

describe("the address of a caller", () => {
  test("is that of the connection, whatever a header says, unless a trusted proxy wrote it", () => {
    assert.equal(seen([], "203.0.113.9", "1.1.1.1"), "203.0.113.9");
    assert.equal(seen(["10.0.0.0/8"], "203.0.113.9", "1.1.1.1"), "203.0.113.9");
    assert.equal(seen(["10.0.0.0/8"], "10.1.2.3", "1.1.1.1"), "1.1.1.1");
    assert.equal(seen(["10.0.0.0/8"], "10.1.2.3"), "10.1.2.3");
  });

  test("is read from the nearest hop outwards, as far as hops are trusted: what a caller writes itself counts for nothing", () => {
    assert.equal(seen(["10.0.0.0/8"], "10.0.0.1", "9.9.9.9, 203.0.113.7, 10.0.0.2"), "203.0.113.7");
    assert.equal(seen(["10.0.0.0/8"], "10.0.0.1", "10.0.0.9, 10.0.0.2"), "10.0.0.9", "nobody but proxies");
    assert.equal(seen(["10.0.0.0/8"], "10.0.0.1", "9.9.9.9, nonsense, 10.0.0.2"), "10.0.0.2", "the last that is known");
    assert.equal(seen(["10.0.0.0/8"], "10.0.0.1", `${"1.1.1.1, ".repeat(1_000)}203.0.113.7`), "203.0.113.7");
  });

  test("may be IPv6, with a port, in brackets, or IPv4 behind ::ffff:", () => {
    assert.equal(seen(["loopback"], "::1", "203.0.113.7:4711"), "203.0.113.7");
    assert.equal(seen(["loopback"], "::ffff:127.0.0.1", "[2001:db8::7]:4711"), "2001:db8::7");
    assert.equal(seen(["fd00::/8"], "fd12::1", "2001:db8::7"), "2001:db8::7");
    assert.equal(seen(["fd00::/8"], "fe80::1", "2001:db8::7"), "fe80::1");
  });

  test("may be told by Forwarded, and then by no other header", () => {
    assert.equal(seen(["loopback"], "127.0.0.1", 'for=9.9.9.9;proto=http, For="[2001:db8::7]:80";by=10.0.0.1', "forwarded"), "2001:db8::7");
    assert.equal(seen(["loopback"], "127.0.0.1", "for=_hidden", "forwarded"), "127.0.0.1");
    assert.equal(seen(["loopback"], "127.0.0.1", undefined, "forwarded"), "127.0.0.1");
  });

  test("a network is an address with a length that it can have", () => {
    for (const text of ["10.0.0.0/33", "10.0.0/8", "::1/129", "1.2.3.4/", "", "host", "10.0.0.0/8/8", "01.2.3.4", "1:2:3", "::1::2"]) assert.throws(() => parseNetwork(text), RangeError, text);
    assert.equal(seen(["0.0.0.0/0"], "203.0.113.9", "198.51.100.1"), "198.51.100.1");
    assert.equal(seen(["::ffff:10.0.0.0/104"], "10.1.1.1", "198.51.100.1"), "198.51.100.1");
  });
});
