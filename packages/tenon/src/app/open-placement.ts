/**
 * What a process needs whose app is spread over several: the identities of its services, a way to the others, and a
 * door for their calls. Loaded only there.
 */
import { openEmbeddedIdentities, openMountedIdentities, type RotatingIdentities } from "../certificates/index.ts";
import { operationsOf } from "../contract/index.ts";
import { IdPattern, type PeerRules } from "../identity/index.ts";
import type { Clock, Log, Part, Random } from "../kernel/index.ts";
import { type Answered, CallServer, RemoteCarrier } from "../remote/index.ts";
import type { App } from "../service/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { type Config, ConfigError } from "./config.ts";
import { authorityDirectoryOf, idPatternTextOf, revokedFileOf } from "./identity-places.ts";
import type { OpenApp } from "./open-app.ts";
import { urlOfService } from "./placement-settings.ts";

export interface PlacementOptions {
  readonly config: Config;
  /** With the services that run here. */
  readonly here: App;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface Placement {
  readonly carrier: RemoteCarrier;
  /** In the order in which they are started, before the door. */
  readonly parts: readonly Part[];
  /** Where other services call, once the app is open. */
  openDoor(open: OpenApp): CallServer;
}

/** @throws {Fault} a service has no certificate. @throws {ConfigError} */
export async function openPlacement(app: App, options: PlacementOptions): Promise<Placement> {
  const { clock, config, here, log, metrics, random } = options;
  const pattern = new IdPattern(idPatternTextOf(app, config));
  const identities = await openIdentities(options, pattern);
  const rules: PeerRules = { pattern, identities, services: new Set(app.services.map(({ name }) => name)) };
  const carrier = new RemoteCarrier({ urlOf: (service) => urlOfService(config, service), identities, rules, clock, random, log });
  metrics.watch({ name: "tenon_remote_calls_repeated", help: "Calls to services elsewhere that were sent again, because the connection was lost.", type: "counter" }, () => [{ value: carrier.repeats }]);
  metrics.watch({ name: "tenon_remote_services_resting", help: "Services elsewhere to which nothing is sent at present, because they did not answer.", type: "gauge" }, () => [{ value: carrier.resting.length }]);
  return {
    carrier,
    parts: [identities, carrier],
    openDoor(open) {
      const { drainMs, connectionsMax, host, servicesPort: port } = config;
      const services = here.services.map(({ name }) => name);
      const door = new CallServer({ answered: answeredIn(here, open), services, identities, rules, clock, ids: open.ids, log, port, host: host === "" ? undefined : host, drainMs, connectionsMax });
      metrics.watch({ name: "tenon_remote_callers_refused", help: "Connections and calls of other processes without a genuine identity.", type: "counter" }, () => [{ value: door.refusals }]);
      return door;
    },
  };
}

async function openIdentities({ clock, config, here, log }: PlacementOptions, pattern: IdPattern): Promise<RotatingIdentities> {
  const services = here.services.map(({ name }) => name);
  const common = { services, pattern, clock, log, revokedFile: revokedFileOf(config), lookEveryMs: Math.min(1_000, config.identityLifeS * 100) };
  if (config.identityDirectory !== "") return openMountedIdentities({ ...common, directory: config.identityDirectory });
  if (config.mode === "production") {
    throw new ConfigError(["IDENTITY_DIRECTORY is missing: in production services show certificates that SPIRE or cert-manager has mounted (TENON_MODE=development has an authority of its own)"]);
  }
  return openEmbeddedIdentities({ ...common, directory: authorityDirectoryOf(config), lifeMs: config.identityLifeS * 1_000 });
}

function answeredIn(here: App, { directory }: OpenApp): (operationId: string) => Answered | undefined {
  const answered = new Map<string, Answered>();
  for (const operation of here.services.flatMap(({ contract }) => operationsOf(contract))) {
    const handler = directory.find(operation.id);
    if (handler !== undefined) answered.set(operation.id, { operation, handler });
  }
  return (operationId) => answered.get(operationId);
}
