/** HashiCorp Vault, and what speaks its API (OpenBao): secrets as settings, and a master key that stays there. */
export { VaultError } from "./connection.ts";
export { openTransitWrapper, type TransitOptions } from "./transit.ts";
export { openVault, type Vault, type VaultOptions } from "./vault.ts";
