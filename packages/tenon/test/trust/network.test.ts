import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { networkOf } from "../../src/trust/index.ts";

describe("networkOf", () => {
  for (const [address, network] of [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0DB8:0001:0002::1", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["1:2:3:4:5:6:7::", "1:2:3:4::/64"],
    ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"],
    ["1::2:3:4:5:6:7", "1:0:2:3::/64"],
    ["1::5:6:7:8", "1:0:0:0::/64"],
    ["::2:3:4:5:6:7:8", "0:2:3:4::/64"],
    ["0:0:0:0:0:0:0:1", "0:0:0:0::/64"],
    ["unix", "unix"],
    ["", ""],
  ] as const) {
    test(`${address || "nothing"} is counted under ${network || "nothing"}`, () => assert.equal(networkOf(address), network));
  }

  test("the quick way and the slow one agree", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const address = groups.join(":");
        const padded = groups.map((each) => each.padStart(4, "0")).join(":");
        assert.equal(networkOf(address), networkOf(padded));
        assert.equal(networkOf(address), networkOf(address.toUpperCase()));
        assert.equal(networkOf(address), `${groups.slice(0, 4).join(":")}::/64`);
      }),
    );
  });

  test("every address of one /64 is counted together, however it is written", () => {
    const written = ["2001:db8:a:b::1", "2001:db8:a:b:0:0:0:1", "2001:0db8:000a:000b:ffff:ffff:ffff:ffff", "2001:DB8:A:B::"];
    assert.equal(new Set(written.map(networkOf)).size, 1);
  });
});
