/** The settings of limits, and of proxies in front of the app. */
import { parseNetwork, type ProxyHeader, type WithoutStore } from "../trust/index.ts";
import { list, oneOf, type SettingsOf, SettingProblem } from "./setting.ts";

export interface TrustConfig {
  readonly redisUrl: string;
  readonly limitsWithoutRedis: WithoutStore;
  readonly trustedProxies: readonly string[];
  readonly proxyHeader: ProxyHeader;
}

export const trustSettings: SettingsOf<TrustConfig> = {
  redisUrl: {
    env: "REDIS_URL",
    about: "redis://user:password@host:6379: rate limits are counted there, by all instances together; empty is each by itself",
    fallback: "",
    isSecret: true,
    parse: redisUrl,
  },
  limitsWithoutRedis: {
    env: "LIMITS_WITHOUT_REDIS",
    about: "while Redis does not answer: local counts in each instance, allow lets calls pass, refuse answers unavailable",
    fallback: "local",
    parse: oneOf("local", "allow", "refuse"),
  },
  trustedProxies: {
    env: "TRUSTED_PROXIES",
    about: "addresses and networks of proxies that tell where a request comes from: 10.0.0.0/8,192.0.2.7, or loopback; empty is none",
    fallback: [],
    parse: networks,
  },
  proxyHeader: {
    env: "PROXY_HEADER",
    about: "the one header that they tell it in: x-forwarded-for or forwarded (RFC 7239)",
    fallback: "x-forwarded-for",
    parse: oneOf("x-forwarded-for", "forwarded"),
  },
};

function redisUrl(text: string): string {
  if (/^rediss?:\/\/.+/.test(text)) return text;
  throw new SettingProblem("must be redis://host:6379, or rediss:// with TLS");
}

function networks(text: string): readonly string[] {
  const found = list(text);
  for (const each of found) {
    if (each === "loopback") continue;
    try {
      parseNetwork(each);
    } catch (error) {
      throw new SettingProblem(`has something in it that is no address and no network: 10.0.0.0/8, 192.0.2.7, fd00::/8 or loopback`, { cause: error });
    }
  }
  return found;
}
