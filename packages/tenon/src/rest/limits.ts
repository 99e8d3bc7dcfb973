/** Every limit of the HTTP face, with its default and the reason for it. Configuration may change those marked so. */

/** A JSON body, in bytes (413). Configurable. A form or an order is a few KiB; files travel as a body of bytes instead. */
export const bodyMaxBytes = 1024 * 1024;

/** What has come of JSON bodies that are on their way, together, in bytes: beyond it only small ones are taken, others get 503. */
export const bodiesMaxBytes = 256 * 1024 * 1024;

/** All headers of a request together, in bytes (431). Room for a large token and cookies; Node's own default. */
export const headersMaxBytes = 16 * 1024;

/** The request target, in characters (414). What every browser and proxy is sure to pass. */
export const targetMaxChars = 8 * 1024;

/** Parameters in a query string. More than a person or a page sends; below where reading them costs. */
export const queryMaxParameters = 256;

/** From the first byte of a request to the end of its headers, in ms (408). A slow phone takes a second. */
export const headersTimeoutMs = 10_000;

/**
 * From the first byte of a request to the end of its JSON body, in ms (408). 1 MiB at the pace of bad mobile reception.
 * A body of bytes may take as long as the deadline of its operation.
 */
export const requestTimeoutMs = 60_000;

/** A peer that neither sends what it announced nor takes what it asked for is let go after so long, in ms. */
export const stallTimeoutMs = 60_000;

/** How often the two time-outs of requests are looked at, in ms: so much later than they say may they come. */
export const timeoutCheckMs = 1_000;

/** How long an idle connection is kept, in ms. Above the 60 s of common load balancers, so that they close first. */
export const keepAliveTimeoutMs = 65_000;

/** Requests on one connection before it is closed; spreads long-lived clients over new instances. */
export const requestsPerConnectionMax = 100_000;

/** Connections at once. Above it new ones are closed as they come. Configurable. */
export const connectionsMax = 10_000;

/** A body that nobody wants is read to its end, to keep the connection, if it is no longer than this, in bytes. */
export const discardMaxBytes = 64 * 1024;

/**
 * How long to go on taking what a peer sends after it was refused, in ms, before the connection is closed. Closing
 * earlier could reset the connection before the peer has read why (RFC 9112 section 9.6).
 */
export const lingerMs = 2_000;

/** How long calls under way may take to finish after SIGTERM, in ms. Configurable. Below Kubernetes' 30 s of grace. */
export const drainMs = 10_000;

/** How long an idle connection stays open after SIGTERM, in ms, in case its client is sending at that moment. */
export const drainIdleMs = 1_000;
