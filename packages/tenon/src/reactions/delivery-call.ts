/** Deliveries as calls: what handles an event passes the same stages as what answers a request. */
import { Call, type CallStart } from "../calls/index.ts";
import type { Delivery } from "../events/index.ts";

export class DeliveryCall extends Call {
  /** More than one for a batch. */
  readonly deliveries: readonly Delivery[];

  constructor(start: CallStart, deliveries: readonly Delivery[]) {
    super(start);
    this.deliveries = deliveries;
  }
}
