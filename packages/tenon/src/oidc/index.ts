/** Tokens of OpenID Connect issuers, proofs that go with them, and an issuer of its own for development. */
export { developmentAudience, type DevelopmentIssuer, developmentIssuer, type DevelopmentToken, openDevelopmentIssuer } from "./development.ts";
export { type DevelopmentKey, DevelopmentKeyError, openDevelopmentKey } from "./development-key.ts";
export { type DiscoveryOptions, endpointOf, fetchMetadata, type Metadata, type Transport } from "./discovery.ts";
export { fetchJson, type FetchJsonOptions, IssuerRefused, IssuerUnreachable } from "./fetch-json.ts";
export { basicOf, type IntrospectionOptions, introspectionVerifier } from "./introspection.ts";
export { type PossessionOptions, possessionVerifier } from "./possession.ts";
export { isSameText } from "./same-text.ts";
export { type SeveralIssuers, severalIssuers } from "./several-issuers.ts";
export type { AcceptedTypes } from "./token-type.ts";
export { IssuerSettingsError, type OpenIdOptions, openIdVerifier, type OpenIdVerifier } from "./verifier.ts";
export { asymmetricAlgorithms } from "./verify-token.ts";
