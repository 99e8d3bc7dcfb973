/** `LogRecord` of opentelemetry/proto/logs/v1 in protobuf. */
import type { LogRecord } from "../telemetry/index.ts";
import { fieldsOf } from "./plain-value.ts";
import { writeAnyValue, writeAttributes } from "./proto-attributes.ts";
import type { ProtoWriter } from "./proto-writer.ts";

/** `log_records` of `ScopeLogs`. */
const recordTag = 0x12;
const tags = { time: 0x09, severityNumber: 0x10, severityText: 0x1a, body: 0x2a, attribute: 0x32, traceId: 0x4a, spanId: 0x52, observed: 0x59 } as const;

/** Numbers of `SeverityNumber`, the first of each range. */
export const severities: Readonly<Record<LogRecord["level"], number>> = { debug: 5, info: 9, warn: 13, error: 17 };

export function writeLogRecord(writer: ProtoWriter, record: LogRecord): void {
  const start = writer.open(recordTag, 2);
  writer.instant(tags.time, record.timeMs);
  writer.uint(tags.severityNumber, severities[record.level]);
  writer.text(tags.severityText, record.level.toUpperCase());
  const body = writer.open(tags.body);
  writeAnyValue(writer, record.message);
  writer.close(body);
  writeAttributes(writer, tags.attribute, fieldsOf(record));
  writer.hex(tags.traceId, record.traceId);
  writer.hex(tags.spanId, record.spanId);
  writer.instant(tags.observed, record.timeMs);
  writer.close(start, 2);
}
