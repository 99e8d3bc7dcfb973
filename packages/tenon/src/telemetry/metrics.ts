/**
 * Counts and durations of calls, and their text form for Prometheus.
 *
 * One histogram per operation and one counter per operation and code: the contract bounds both, so no caller can make
 * the number of series grow.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */

/** Upper bounds in seconds: from a call that does nothing to one that nobody waits for; 2 to 2.5 apart. */
export const durationBoundsS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export class Histogram {
  /** One per bound and one for what is above all of them. Not cumulative. */
  readonly counts = new Float64Array(durationBoundsS.length + 1);
  sumS = 0;

  observe(seconds: number): void {
    let at = 0;
    while (at < durationBoundsS.length && seconds > (durationBoundsS[at] as number)) at += 1;
    this.counts[at] = (this.counts[at] as number) + 1;
    this.sumS += seconds;
  }
}

/** What is counted for one operation. */
export class OperationMeter {
  readonly durations: Histogram = new Histogram();
  readonly counts = new Map<string, number>();

  observe(code: string, ms: number): void {
    this.durations.observe(ms / 1000);
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
  }
}

/** A value read when somebody asks. */
export interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

export class Metrics {
  readonly #operations = new Map<string, OperationMeter>();
  readonly #gauges: Gauge[] = [];

  operation(id: string): OperationMeter {
    let meter = this.#operations.get(id);
    if (meter === undefined) this.#operations.set(id, (meter = new OperationMeter()));
    return meter;
  }

  gauge(gauge: Gauge): void {
    this.#gauges.push(gauge);
  }

  /** All of it as Prometheus text, version 0.0.4. */
  toPrometheus(): string {
    const lines: string[] = ["# HELP tenon_calls_total Calls answered, by operation and code.", "# TYPE tenon_calls_total counter"];
    for (const [id, meter] of this.#operations) {
      for (const [code, count] of meter.counts) lines.push(`tenon_calls_total{operation="${id}",code="${code}"} ${count}`);
    }
    lines.push("# HELP tenon_call_duration_seconds How long calls took, by operation.", "# TYPE tenon_call_duration_seconds histogram");
    for (const [id, meter] of this.#operations) pushHistogram(lines, id, meter.durations);
    for (const { name, help, read } of this.#gauges) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    return `${lines.join("\n")}\n`;
  }
}

function pushHistogram(lines: string[], id: string, histogram: Histogram): void {
  let total = 0;
  durationBoundsS.forEach((bound, at) => {
    total += histogram.counts[at] as number;
    lines.push(`tenon_call_duration_seconds_bucket{operation="${id}",le="${bound}"} ${total}`);
  });
  total += histogram.counts[durationBoundsS.length] as number;
  lines.push(`tenon_call_duration_seconds_bucket{operation="${id}",le="+Inf"} ${total}`);
  lines.push(`tenon_call_duration_seconds_sum{operation="${id}"} ${histogram.sumS}`);
  lines.push(`tenon_call_duration_seconds_count{operation="${id}"} ${total}`);
}
