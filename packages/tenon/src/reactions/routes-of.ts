/** Who subscribes to what: services by their subscriptions, and by the workflows that wait for events. */
import type { Route } from "../events/index.ts";
import type { App } from "../service/index.ts";
import { mailOf } from "../workflows/index.ts";

export function routesOf(app: App): readonly Route[] {
  return app.services.flatMap(({ name: subscriber, subscriptions, workflows }) => [
    ...subscriptions.map(({ event, name }) => ({ type: event.id, subscriber, subscription: name })),
    ...workflows.flatMap(({ events, name }) => events.map(({ id }) => ({ type: id, subscriber, subscription: mailOf(name) }))),
  ]);
}
