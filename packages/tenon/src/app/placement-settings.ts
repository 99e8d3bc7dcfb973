/** The settings of services that run apart: which ones run here, where the others are, and how they know each other. */
import { anyText, list, type SettingsOf, SettingProblem, webUrl, wholeNumber } from "./setting.ts";

export interface PlacementConfig {
  readonly servicesOnly: readonly string[];
  /** `service=url`. */
  readonly serviceUrls: readonly string[];
  readonly servicesUrl: string;
  readonly servicesPort: number;
  readonly serviceIds: string;
  readonly identityDirectory: string;
  readonly identityLifeS: number;
  readonly identityRevoked: string;
}

const yearS = 365 * 86_400;

/** In the order in which `tenon config` shows them. */
export const placementSettings: SettingsOf<PlacementConfig> = {
  servicesOnly: { env: "SERVICES_ONLY", about: "the services that run in this process, with commas between; empty is all of them", fallback: [], parse: list },
  serviceUrls: { env: "SERVICE_URLS", about: "where services that run elsewhere are: catalog=https://catalog:3443, several with commas between", fallback: [], parse: serviceUrls },
  servicesUrl: { env: "SERVICES_URL", about: "where all others are, with {service} for the name: https://{service}.internal:3443", fallback: "", parse: (text) => secureUrl(text) },
  servicesPort: { env: "SERVICES_PORT", about: "TCP port for calls from other services, over mutual TLS; 0 lets the system choose; used with SERVICES_ONLY alone", fallback: 3443, parse: wholeNumber(0, 65_535) },
  serviceIds: { env: "SERVICE_IDS", about: "the SPIFFE ids of services, with {app} and {service} for their names", fallback: "spiffe://tenon.internal/{app}/{service}", parse: idPattern },
  identityDirectory: {
    env: "IDENTITY_DIRECTORY",
    about: "where certificates are mounted by SPIRE or cert-manager, with {service} in it for several services; empty is an authority for development in TENON_DIRECTORY",
    fallback: "",
    parse: anyText,
  },
  identityLifeS: { env: "IDENTITY_LIFE_S", about: "how long certificates of the authority for development are valid; replaced at half of it", fallback: 3_600, parse: wholeNumber(2, yearS) },
  identityRevoked: { env: "IDENTITY_REVOKED", about: "file with the serials and SPIFFE ids that are not believed any more, one a line; empty is revoked in TENON_DIRECTORY/authority", fallback: "", parse: anyText },
};

/** What is wrong with values that are right each by itself. */
export function placementProblems({ identityDirectory, servicesOnly }: PlacementConfig): readonly string[] {
  if (servicesOnly.length < 2 || identityDirectory === "" || identityDirectory.includes("{service}")) return [];
  return ["IDENTITY_DIRECTORY has no {service} in it, and SERVICES_ONLY names several: each service has a certificate of its own"];
}

/** Where a service elsewhere is; `undefined` where nobody has said it. */
export function urlOfService({ serviceUrls: urls, servicesUrl }: PlacementConfig, service: string): string | undefined {
  const own = urls.find((each) => each.startsWith(`${service}=`));
  if (own !== undefined) return own.slice(service.length + 1);
  return servicesUrl === "" ? undefined : servicesUrl.replaceAll("{service}", service);
}

function serviceUrls(text: string): readonly string[] {
  const pairs = list(text);
  for (const pair of pairs) {
    if (!/^[a-z][a-z0-9-]*=/.test(pair)) throw new SettingProblem("must be service=https://host:port, several with commas between");
    secureUrl(pair.slice(pair.indexOf("=") + 1));
  }
  return pairs;
}

function secureUrl(text: string): string {
  webUrl(text.replaceAll("{service}", "a"));
  if (text.startsWith("https://")) return text;
  throw new SettingProblem("must start with https://: services call each other over mutual TLS alone");
}

function idPattern(text: string): string {
  const sample = text.replaceAll("{app}", "a");
  if (/^spiffe:\/\/[a-z0-9._-]+\/(?:[A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]*\{service\}[A-Za-z0-9._/-]*$/.test(sample)) return text;
  throw new SettingProblem("must be spiffe://, a trust domain in lower case and a path with {service} in it: spiffe://example.org/shop/{service}");
}
