/**
 * The address of whoever sent a request, behind proxies that are trusted to tell it. Nothing that a request says of its
 * origin is believed unless the connection comes from one of them: anybody can write a header.
 *
 * Read from the nearest hop outwards, and only as far as each hop is trusted: what stands before the first one that is not
 * was written by a stranger.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7239 `Forwarded`; `X-Forwarded-For` is the custom that it put in order
 */

/** Which header trusted proxies write. Only one: the other one passes through them as a stranger wrote it. */
export type ProxyHeader = "x-forwarded-for" | "forwarded";

export interface ProxyOptions {
  /** Addresses and networks: `10.0.0.0/8`, `192.0.2.7`, `fd00::/8`; `loopback` is 127.0.0.0/8 and ::1. */
  readonly trusted: readonly string[];
  readonly header: ProxyHeader;
}

/** What of a request says where it comes from. */
export interface Received {
  readonly address: string;
  header(name: string): string | undefined;
}

export type AddressOf = (request: Received) => string;

/** More hops than any chain of proxies has: a longer header is somebody's game. */
const hopsMax = 32;

/** @throws {RangeError} a network that is none. */
export function addressOfCaller({ header, trusted }: ProxyOptions): AddressOf {
  if (trusted.length === 0) return ({ address }) => address;
  const networks = trusted.flatMap((text) => (text === "loopback" ? [parseNetwork("127.0.0.0/8"), parseNetwork("::1")] : [parseNetwork(text)]));
  const isTrusted = (address: string): boolean => {
    const bits = parseAddress(address);
    return bits !== undefined && networks.some(({ length, prefix }) => bits >> BigInt(128 - length) === prefix >> BigInt(128 - length));
  };
  return (request) => {
    if (!isTrusted(request.address)) return request.address;
    const value = request.header(header);
    if (value === undefined) return request.address;
    let found = request.address;
    for (const hop of hopsOf(value, header).slice(-hopsMax).toReversed()) {
      if (parseAddress(hop) === undefined) return found; // `unknown`, `_hidden`: the last that is known
      found = hop;
      if (!isTrusted(hop)) return hop;
    }
    return found;
  };
}

function hopsOf(value: string, header: ProxyHeader): readonly string[] {
  const hops = value.split(",");
  if (header === "x-forwarded-for") return hops.map((hop) => withoutPort(hop.trim()));
  return hops.map((hop) => {
    const pair = hop.split(";").map((part) => part.trim()).find((part) => /^for=/i.test(part));
    return withoutPort((pair ?? "").slice(4).replace(/^"(.*)"$/, "$1"));
  });
}

/** `192.0.2.1:1234`, `[2001:db8::1]:1234` and `[2001:db8::1]`; an IPv6 address without brackets has no port. */
function withoutPort(text: string): string {
  const inBrackets = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (inBrackets !== null) return inBrackets[1] ?? "";
  return text.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
}

interface Network {
  readonly prefix: bigint;
  /** Bits of it that count, of 128: IPv4 stands behind ::ffff:0:0/96. */
  readonly length: number;
}

/** @throws {RangeError} */
export function parseNetwork(text: string): Network {
  const [address = "", length, ...rest] = text.trim().split("/");
  const prefix = parseAddress(address);
  const bits = address.includes(":") ? 128 : 32;
  const given = length === undefined ? bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (prefix === undefined || rest.length > 0 || !(given >= 0 && given <= bits)) throw new RangeError(`"${text}" is no address and no network: 10.0.0.0/8, 192.0.2.7, fd00::/8 or loopback`);
  return { prefix, length: given + 128 - bits };
}

/** As 128 bits, or `undefined` for a text that is none. */
function parseAddress(text: string): bigint | undefined {
  const plain = text.split("%", 1)[0] ?? "";
  if (!plain.includes(":")) {
    const bits = parseIpv4(plain);
    return bits === undefined ? undefined : (0xffffn << 32n) | bits;
  }
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const ipv4 = tail === null ? undefined : parseIpv4(tail[2] ?? "");
  if (tail !== null && ipv4 === undefined) return undefined;
  return parseGroups(ipv4 === undefined ? plain : `${tail?.[1]}${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`);
}

function parseIpv4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function parseGroups(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":"))) as [string[], string[] | undefined];
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = tail === undefined ? head : [...head, ...Array.from({ length: missing }, () => "0"), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
