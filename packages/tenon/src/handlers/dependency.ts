/**
 * What a handler needs from outside of the app, made visible: a span of its own, and an edge in the graph of calls, by which an
 * incident finds what failed first. The platform does not see into `fetch` or a client library by itself.
 */
import { type Call, isAgainst, nodeOf } from "../calls/index.ts";
import { Fault } from "../kernel/index.ts";
import type { Dependency } from "../service/index.ts";
import type { SpanShape } from "../telemetry/index.ts";

/** Names come from code; one that is made of an input must not fill the memory. */
const shapesMax = 256;
const shapes = new WeakMap<object, Map<string, SpanShape>>();

/** @param owner  Whose shapes are remembered: the environment of a service. */
export function dependencyOf(call: Call, owner: object): Dependency {
  return async (name, task) => {
    const { graph, trace } = call;
    const edge = graph?.edge(call.graphNode, nodeOf.dependency(name));
    const sinceMs = graph?.clock.elapsedMs() ?? 0;
    const span = trace === undefined || !trace.owner.isOn ? undefined : trace.start(shapeOf(owner, name), call.id);
    try {
      const value = await task();
      span?.end();
      edge?.observe(false, (graph?.clock.elapsedMs() ?? 0) - sinceMs);
      return value;
    } catch (thrown) {
      const isBad = isAgainst(thrown) && call.canceled?.code !== "canceled";
      span?.end({ code: Fault.from(thrown).publicCode, isError: isBad });
      edge?.observe(isBad, (graph?.clock.elapsedMs() ?? 0) - sinceMs);
      throw thrown;
    }
  };
}

function shapeOf(owner: object, name: string): SpanShape {
  let known = shapes.get(owner);
  if (known === undefined) shapes.set(owner, (known = new Map()));
  const shape = known.get(name) ?? { name, kind: "client", attributes: { "peer.service": name }, slowMs: Number.POSITIVE_INFINITY };
  if (known.size < shapesMax) known.set(name, shape);
  return shape;
}
