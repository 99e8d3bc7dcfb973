/** Attributes and resources in protobuf: `KeyValue` and `AnyValue` of opentelemetry/proto/common/v1. */
import type { Attributes } from "../telemetry/index.ts";
import type { PlainValue } from "./plain-value.ts";
import type { ProtoWriter } from "./proto-writer.ts";

const keyTag = 0x0a;
const valueTag = 0x12;

const anyTags = { string: 0x0a, bool: 0x10, int: 0x18, double: 0x21, array: 0x2a, list: 0x32 } as const;
/** `values` of `ArrayValue` and of `KeyValueList`. */
const valuesTag = 0x0a;

/** Every attribute as a `KeyValue` under `tag`. */
export function writeAttributes(writer: ProtoWriter, tag: number, attributes: Attributes | { readonly [name: string]: PlainValue }): void {
  for (const name of Object.keys(attributes)) {
    const pair = writer.open(tag);
    writer.text(keyTag, name);
    const value = writer.open(valueTag);
    writeAnyValue(writer, attributes[name]);
    writer.close(value);
    writer.close(pair);
  }
}

/** The content of an `AnyValue`; nothing for `undefined`, which OTLP reads as empty. */
export function writeAnyValue(writer: ProtoWriter, value: PlainValue): void {
  switch (typeof value) {
    case "string":
      writer.text(anyTags.string, value);
      return;
    case "number":
      if (Number.isSafeInteger(value)) writer.int(anyTags.int, value);
      else writer.double(anyTags.double, value);
      return;
    case "boolean":
      writer.bool(anyTags.bool, value);
      return;
    case "object":
      writeTree(writer, value);
      return;
    default:
  }
}

function writeTree(writer: ProtoWriter, value: readonly PlainValue[] | { readonly [name: string]: PlainValue }): void {
  if (isList(value)) {
    const array = writer.open(anyTags.array);
    for (const each of value) {
      const element = writer.open(valuesTag);
      writeAnyValue(writer, each);
      writer.close(element);
    }
    writer.close(array);
  } else {
    const list = writer.open(anyTags.list);
    writeAttributes(writer, valuesTag, value);
    writer.close(list);
  }
}

export function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value);
}
