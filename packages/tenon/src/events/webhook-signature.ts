/**
 * Webhooks from outside: whether a request comes from whom it says, unchanged, and is not an old one sent again.
 *
 * What is signed are the bytes of the body as they came, so they are checked before anybody parses them. A verdict says
 * nothing of a secret and repeats nothing of what a stranger sent. It does not remember: that one delivery is taken
 * once is the business of whoever keeps its `id`.
 *
 * | family           | signed                        | id                    | a replay is refused                       |
 * |------------------|-------------------------------|-----------------------|-------------------------------------------|
 * | Standard Webhooks| id, time and body             | signed                | by its time, and by its id                |
 * | Stripe, Slack    | time and body                 | Stripe: in the body   | by its time; Stripe's by its id too       |
 * | GitHub, Shopify  | the body                      | a header, not signed  | not: whoever saw one can send it again    |
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { MistakeList } from "../contract/index.ts";

/** What a verdict is about. */
export interface WebhookRequest {
  /** A header's value by lower-case name; several are joined by `, `. */
  header(name: string): string | undefined;
  /** As it came. */
  readonly body: Uint8Array;
}

export type WebhookVerdict =
  /** `id` is the same for every attempt at one delivery, where the sender gives one. `sentAtMs` is the time of the attempt. */
  | { readonly ok: true; readonly id: string; readonly sentAtMs?: number }
  /** `reason` is a sentence for whoever set the webhook up. */
  | { readonly ok: false; readonly reason: string };

/** How one sender signs. */
export interface WebhookSignature {
  /** Never throws. @param nowMs  Milliseconds since 1970, of a clock that is right to within the tolerance. */
  verify(request: WebhookRequest, nowMs: number): WebhookVerdict;
}

/** One secret, or several while an old one is being replaced: any may have signed. */
export type WebhookSecret = string | readonly string[];

/** How far the sender's clock and time on the way may differ from ours, in ms. Standard Webhooks, Stripe and Slack all say five minutes. */
export const webhookToleranceMs = 5 * 60_000;

/** Longer ids would be an odd key for the memory of what has come; the longest in use have 64 characters. */
const idMaxLength = 256;

export interface StandardWebhookOptions {
  /** Base64 of 24 to 64 random bytes, with or without `whsec_` before it. */
  readonly secret: WebhookSecret;
}

/**
 * Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature`. Symmetric signatures (`v1`); others are
 * passed over.
 *
 * @throws {ContractMistakes} when a secret is not one. The secret is not shown.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function standardWebhook(options: StandardWebhookOptions): WebhookSignature {
  const keys = standardKeys(options.secret);
  return {
    verify(request, nowMs) {
      const id = request.header("webhook-id");
      const timestamp = request.header("webhook-timestamp");
      const signatures = request.header("webhook-signature");
      if (id === undefined) return refuse("the header webhook-id is missing");
      if (timestamp === undefined) return refuse("the header webhook-timestamp is missing");
      if (signatures === undefined) return refuse("the header webhook-signature is missing");
      // The specification: an id with a full stop could move what is signed from one part into another.
      if (!isId(id) || id.includes(".")) return refuse(`the header webhook-id is not an id of visible characters, without a full stop, up to ${idMaxLength}`);
      const sentAt = parseSentAt(timestamp, nowMs);
      if ("reason" in sentAt) return sentAt;

      const given = signatures.split(" ").filter((part) => part.startsWith("v1,")).map((part) => part.slice("v1,".length));
      if (given.length === 0) return refuse("the header webhook-signature holds no signature of version v1");
      const signed = [`${id}.${timestamp}.`, request.body];
      const fits = isAnyEqual(given, keys.map((key) => hmac(key, signed).toString("base64")));
      return fits ? { ok: true, id, sentAtMs: sentAt.sentAtMs } : refuse(doesNotFit);
    },
  };
}

export interface SignedWebhook {
  readonly id: string;
  readonly sentAtMs: number;
  readonly body: Uint8Array | string;
  /** Of several, each signs: receivers that know any of them take it. */
  readonly secret: WebhookSecret;
}

/** The headers of a delivery, for services that send webhooks and for tests. @throws {ContractMistakes} when a secret or the id is not one. */
export function signStandardWebhook({ id, sentAtMs, body, secret }: SignedWebhook): Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>> {
  const keys = standardKeys(secret);
  const mistakes = new MistakeList("the webhook");
  if (!isId(id) || id.includes(".")) mistakes.add("id", "it is not an id that receivers take", `use up to ${idMaxLength} visible ASCII characters without a full stop`);
  if (!Number.isFinite(sentAtMs) || sentAtMs < 0) mistakes.add("sentAtMs", `${sentAtMs} is not an instant`, "give milliseconds since 1970");
  mistakes.assertNone();
  const timestamp = String(Math.floor(sentAtMs / 1_000));
  const signatures = keys.map((key) => `v1,${hmac(key, [`${id}.${timestamp}.`, body]).toString("base64")}`);
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

export interface HmacSignatureOptions {
  /** Where the signature stands: `"x-hub-signature-256"`. One header may hold several, with a comma between. */
  readonly header: string;
  readonly algorithm: "sha256";
  readonly encoding: "hex" | "base64";
  /** What stands before a signature: `"sha256="`, `"v1="`. Parts of the header that begin otherwise are passed over. */
  readonly prefix?: string;
  /** As the sender shows it: its characters are the key. */
  readonly secret: WebhookSecret;
  /**
   * Where the delivery's id is: the name of a header, or a field of the JSON body. Left out, the id is made of what was
   * signed, so that no delivery is lost to another that happens to be equal but for its time.
   */
  readonly id?: string | { readonly field: string };
  /** The time of sending, where it is signed: without it, an old request can be sent again. */
  readonly timestamp?: {
    /** Where it stands, in seconds since 1970: `"x-slack-request-timestamp"`. It may be the header of the signature. */
    readonly header: string;
    /** What stands before it in a header with commas: `"t="`. */
    readonly prefix?: string;
    /** What is signed: `"{timestamp}.{body}"`, `"v0:{timestamp}:{body}"`. */
    readonly signed: string;
  };
}

/**
 * A signature over the body by HMAC, as many senders have one of their own.
 *
 * ```ts
 * hmacSignature({ header: "x-hub-signature-256", prefix: "sha256=", algorithm: "sha256", encoding: "hex", id: "x-github-delivery", secret });
 * hmacSignature({
 *   header: "stripe-signature", prefix: "v1=", algorithm: "sha256", encoding: "hex", id: { field: "id" }, secret,
 *   timestamp: { header: "stripe-signature", prefix: "t=", signed: "{timestamp}.{body}" },
 * });
 * ```
 *
 * @throws {ContractMistakes} with everything that is wrong with the options. The secret is not shown.
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * @see https://docs.stripe.com/webhooks?verify=verify-manually
 * @see https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function hmacSignature(options: HmacSignatureOptions): WebhookSignature {
  const { encoding, timestamp } = options;
  const header = options.header.toLowerCase();
  const prefix = options.prefix ?? "";
  const keys = checkHmacOptions(options);
  const digestShape = encoding === "hex" ? /^[0-9a-f]{64}$/i : /^[A-Za-z0-9+/]{43}=$/;
  const [before = "", after = ""] = timestamp?.signed.split("{body}") ?? [];

  return {
    verify(request, nowMs) {
      const value = request.header(header);
      if (value === undefined) return refuse(`the header ${header} is missing`);
      const given = partsOf(value, prefix).filter((part) => digestShape.test(part));
      if (given.length === 0) return refuse(`the header ${header} holds no signature${prefix === "" ? "" : ` after "${prefix}"`} of SHA-256 in ${encoding}`);

      const sent = timestamp === undefined ? undefined : parseSentAt(timestampOf(request, timestamp), nowMs);
      if (sent !== undefined && "reason" in sent) return sent;
      const signed = [before.replace("{timestamp}", () => sent?.text ?? ""), request.body, after];
      // Hexadecimal digits mean the same in capitals; base64 is compared as it is written, so that no second spelling fits.
      const written = encoding === "hex" ? given.map((part) => part.toLowerCase()) : given;
      if (!isAnyEqual(written, keys.map((key) => hmac(key, signed).toString(encoding)))) return refuse(doesNotFit);
      const id = idOf(request, options.id, signed);
      if (typeof id !== "string") return id;
      return sent === undefined ? { ok: true, id } : { ok: true, id, sentAtMs: sent.sentAtMs };
    },
  };
}

interface Refusal {
  readonly ok: false;
  readonly reason: string;
}

const doesNotFit = "no signature fits: the secret is not the sender's, or the body was changed on its way";

function refuse(reason: string): Refusal {
  return { ok: false, reason };
}

interface SentAt {
  /** As the sender wrote it, which is what was signed. */
  readonly text: string;
  readonly sentAtMs: number;
}

function parseSentAt(text: string | undefined, nowMs: number): SentAt | Refusal {
  if (text === undefined || !/^\d{1,12}$/.test(text)) return refuse("its time of sending is missing, or is not in whole seconds since 1970");
  const sentAtMs = Number(text) * 1_000;
  // In whole seconds, since that is what was sent.
  const agoS = Math.floor(nowMs / 1_000) - Number(text);
  if (!Number.isFinite(agoS)) return refuse("the time here is not known, so nothing can be said of its age");
  const allowed = `more than ${webhookToleranceMs / 60_000} minutes`;
  if (agoS * 1_000 > webhookToleranceMs) return refuse(`it was sent ${inWords(agoS)} ago, ${allowed}: an old request sent again, or one of two clocks is wrong`);
  if (-agoS * 1_000 > webhookToleranceMs) return refuse(`it was sent ${inWords(-agoS)} in the future, ${allowed}: one of two clocks is wrong`);
  return { text, sentAtMs };
}

function inWords(seconds: number): string {
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} minutes`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} hours` : `${Math.floor(seconds / 86_400)} days`;
}

/** What follows the prefix, in each part of a header that begins with it. */
function partsOf(value: string, prefix: string): readonly string[] {
  return value.split(",").map((part) => part.trim()).filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
}

/** `undefined` also when there are several, of which nobody could say which was meant. */
function timestampOf(request: WebhookRequest, { header, prefix = "" }: NonNullable<HmacSignatureOptions["timestamp"]>): string | undefined {
  const found = partsOf(request.header(header.toLowerCase()) ?? "", prefix);
  return found.length === 1 ? found[0] : undefined;
}

/** Read only after the signature was found to fit. */
function idOf(request: WebhookRequest, place: HmacSignatureOptions["id"], signed: readonly (string | Uint8Array)[]): string | Refusal {
  if (place === undefined) return `sha256:${digest(signed)}`;
  const id = typeof place === "string" ? request.header(place.toLowerCase()) : fieldOf(request.body, place.field);
  const where = typeof place === "string" ? `the header ${place.toLowerCase()}` : `the field ${place.field} of the body`;
  if (typeof id === "string" && isId(id)) return id;
  return refuse(`${where}, which is to hold the delivery's id, is missing or is not up to ${idMaxLength} visible characters`);
}

function fieldOf(body: Uint8Array, field: string): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null && Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
  } catch {
    return undefined; // not JSON: there is no such field
  }
}

function isId(text: string): boolean {
  return text.length <= idMaxLength && /^[\x21-\x7e]+$/.test(text);
}

function hmac(key: Uint8Array, parts: readonly (string | Uint8Array)[]): Buffer {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

function digest(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** How long it takes tells nothing of how much was equal, nor which fitted. */
function isAnyEqual(given: readonly string[], expected: readonly string[]): boolean {
  let fits = false;
  for (const one of given) {
    for (const other of expected) fits = isEqual(Buffer.from(one), Buffer.from(other)) || fits;
  }
  return fits;
}

function isEqual(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other); // the length of a signature is no secret
}

function secretsOf(secret: WebhookSecret): readonly unknown[] {
  return typeof secret === "string" || !Array.isArray(secret) ? [secret] : (secret as readonly unknown[]);
}

/** The specification asks for 24 to 64 bytes. */
function standardKeys(secret: WebhookSecret): readonly Buffer[] {
  const mistakes = new MistakeList("the webhook");
  const keys = secretsOf(secret).map((one, index) => {
    const text = typeof one === "string" ? one.replace(/^whsec_/, "") : "";
    const key = /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? Buffer.from(text, "base64") : Buffer.alloc(0);
    if (key.length < 24 || key.length > 64) mistakes.add(placeOf(secret, index), "it is not base64 of 24 to 64 bytes", "copy it from the sender's page, with or without whsec_ before it");
    return key;
  });
  if (keys.length === 0) mistakes.add("secret", "there is none", "give at least one");
  mistakes.assertNone();
  return keys;
}

function checkHmacOptions({ header, prefix, secret, algorithm, encoding, timestamp }: HmacSignatureOptions): readonly Buffer[] {
  const mistakes = new MistakeList("the webhook");
  if (header.trim() === "") mistakes.add("header", "it is empty", 'write the name of the header that holds the signature, such as "x-hub-signature-256"');
  if (prefix?.includes(",") === true) mistakes.add("prefix", "it holds a comma, at which the header is divided", "write what stands before one signature");
  if (algorithm !== "sha256") mistakes.add("algorithm", `${JSON.stringify(algorithm)} is not known`, 'write "sha256"');
  if (encoding !== "hex" && encoding !== "base64") mistakes.add("encoding", `${JSON.stringify(encoding)} is not known`, 'write "hex" or "base64"');
  if (timestamp !== undefined && !/^[^{}]*\{timestamp\}[^{}]*\{body\}[^{}]*$/.test(timestamp.signed)) {
    mistakes.add("timestamp.signed", "it does not hold {timestamp} and then {body}, each once", 'write what the sender signs, such as "{timestamp}.{body}"');
  }
  const keys = secretsOf(secret).map((one, index) => {
    if (typeof one !== "string" || one === "") mistakes.add(placeOf(secret, index), "it is empty", "copy it from the sender's page");
    return Buffer.from(typeof one === "string" ? one : "");
  });
  if (keys.length === 0) mistakes.add("secret", "there is none", "give at least one");
  mistakes.assertNone();
  return keys;
}

function placeOf(secret: WebhookSecret, index: number): string {
  return Array.isArray(secret) ? `secret ${index + 1} of ${secret.length}` : "secret";
}
