/** The configuration of an app, read for being shown: all values, or all that is wrong with them. */
import { ConfigError, type ConfigLayer, type ConfigLine, parseConfig, parseServiceConfigs } from "../app/index.ts";
import type { Service } from "../service/index.ts";
import { configLayers, wholeLayers } from "./config-layers.ts";

export interface ReadConfig {
  /** Of the platform, then of the services. Incomplete when there are problems. */
  readonly lines: readonly ConfigLine[];
  readonly problems: readonly string[];
}

/** @param home  The app's directory. */
export async function readConfig(services: readonly Service[], home: string): Promise<ReadConfig> {
  const problems: string[] = [];
  let layers: readonly ConfigLayer[];
  try {
    layers = await wholeLayers(home);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    layers = configLayers(home);
  }
  const lines: ConfigLine[] = [];
  for (const read of [() => parseConfig(layers), () => parseServiceConfigs(services, layers)]) {
    try {
      lines.push(...(await read()).lines);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  return { lines, problems };
}
