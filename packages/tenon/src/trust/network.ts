/** Which part of an address stands for one caller. */

/**
 * The network that an address is counted under: an IPv4 address itself, the /64 of an IPv6 address. A subscriber gets
 * a /64 at the least (RFC 6177), so whole addresses would give everybody 2^64 limits.
 *
 * @param address  As a socket tells it, such as `"192.0.2.1"`, `"::ffff:192.0.2.1"` or `"fe80::1%eth0"`. Any other
 *   text is given back as it is.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice(7);
  return quickNetworkOf(address) ?? slowNetworkOf(address);
}

/** For the form in which sockets write most addresses, RFC 5952: four groups of lower-case digits without leading zeros. */
function quickNetworkOf(address: string): string | undefined {
  let colons = 0;
  let previous = colon;
  for (let at = 0; at < address.length; at += 1) {
    const code = address.charCodeAt(at);
    if (code === colon) {
      if (previous === colon) return undefined; // zeros left out
      colons += 1;
      if (colons === 4) return `${address.slice(0, at)}::/64`;
    } else if (code === zero && previous === colon) {
      if (address.charCodeAt(at + 1) !== colon) return undefined; // a leading zero
    } else if (!(code >= zero && code <= zero + 9) && !(code >= lowerA && code <= lowerA + 5)) {
      return undefined;
    }
    previous = code;
  }
  return undefined;
}

const colon = 0x3a;
const zero = 0x30;
const lowerA = 0x61;

function slowNetworkOf(address: string): string {
  const [head = "", tail] = (address.split("%", 1)[0] ?? "").toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  while (groups.length < 4) groups.push("0");
  return `${groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "")).join(":")}::/64`;
}
