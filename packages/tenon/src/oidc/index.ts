/** Tokens of OpenID Connect issuers, and an issuer of its own for development. */
export { developmentAudience, type DevelopmentIssuer, developmentIssuer, type DevelopmentToken, openDevelopmentIssuer } from "./development.ts";
export { DevelopmentKeyError } from "./development-key.ts";
export { IssuerUnreachable } from "./fetch-json.ts";
export { IssuerSettingsError, type OpenIdOptions, openIdVerifier, type OpenIdVerifier } from "./verifier.ts";
export { asymmetricAlgorithms } from "./verify-token.ts";
