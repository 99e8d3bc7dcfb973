/** The embedded issuer of tokens, for development and tests. */
export { EmbeddedIssuer, type EmbeddedIssuerOptions } from "./embedded-issuer.ts";
export { type IssuerClient, type IssuerFile, IssuerFileError, type IssuerPerson, parseIssuerFile, readIssuerFile } from "./issuer-file.ts";
export { resourceOf } from "./provider.ts";
