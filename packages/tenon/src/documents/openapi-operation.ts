/** One operation as OpenAPI tells it. */
import {
  type FieldPlace,
  hasJsonBody,
  type HttpDescription,
  type JsonSchema,
  objectShapeOf,
  type OperationDescription,
  resolvePointer,
} from "../contract/index.ts";
import { jsonType, ndjsonType, sseType } from "../rest/index.ts";
import { descriptionOf, toSentence } from "./document-text.ts";
import { outwardAccess, securityOf } from "./openapi-access.ts";
import type { FaultResponses } from "./openapi-faults.ts";
import { type SchemaRegistry, type Side, toPascalCase } from "./openapi-schemas.ts";

type Json = Readonly<Record<string, unknown>>;

export interface OperationSurroundings {
  readonly contract: string;
  readonly schemas: SchemaRegistry;
  readonly faults: FaultResponses;
  /** The path as the document has it: parameters may be called otherwise there. */
  readonly path: string;
}

export function openApiOperation(operation: OperationDescription, http: HttpDescription, around: OperationSurroundings): Json {
  const input = inputParts(operation, http, around);
  return {
    tags: [around.contract],
    operationId: operation.id,
    summary: operation.summary ?? toSentence(operation.name),
    ...descriptionOf(operation),
    ...(operation.deprecated === undefined ? {} : { deprecated: true }),
    security: securityOf(operation.access, operation.senderConstrained),
    parameters: [...input.parameters, ...platformParameters(operation)],
    ...(input.requestBody === undefined ? {} : { requestBody: input.requestBody }),
    responses: { ...successOf(operation, http, around), ...faultsOf(operation, around) },
    "x-tenon-kind": operation.kind,
    "x-tenon-access": outwardAccess(operation.access),
    ...(operation.senderConstrained === undefined ? {} : { "x-tenon-sender-constrained": true }),
    "x-tenon-deadline-ms": operation.deadlineMs,
    ...(operation.objective === undefined ? {} : { "x-tenon-objective": operation.objective }),
    ...(operation.rateLimit === undefined ? {} : { "x-tenon-rate-limit": operation.rateLimit }),
    ...(operation.deprecated === undefined ? {} : { "x-tenon-deprecated": operation.deprecated }),
  };
}

interface InputParts {
  readonly parameters: readonly Json[];
  readonly requestBody: Json | undefined;
}

function inputParts(operation: OperationDescription, http: HttpDescription, around: OperationSurroundings): InputParts {
  const root = operation.input ?? {};
  const read = readerOf(operation, around, { root, side: "input", part: "Input" });
  const outside = http.fields.filter((place) => place.in !== "body");
  const fields = objectShapeOf(root)?.fields;
  const namesInPath = [...around.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
  const ownNames = [...http.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
  const parameters = outside.map((place) => {
    const name = place.in === "path" ? (namesInPath[ownNames.indexOf(place.name)] ?? place.name) : place.name;
    return parameterOf(place, name, read(fields?.get(place.field) ?? {}));
  });
  return { parameters, requestBody: requestBodyOf(operation, http, (names) => read(withoutFields(root, root, names))) };
}

const styles = { path: "simple", query: "form", header: "simple" } as const;

function parameterOf(place: FieldPlace & { readonly in: string }, name: string, schema: JsonSchema): Json {
  const { deprecated, description, ...rest } = schema;
  return {
    name,
    in: place.in,
    required: place.required,
    ...(description === undefined ? {} : { description }),
    ...(deprecated === true ? { deprecated } : {}),
    style: styles[place.in as keyof typeof styles],
    explode: place.in === "query", // a list is `tag=a&tag=b`; in a header it is `a, b`
    schema: rest,
  };
}

function requestBodyOf(operation: OperationDescription, http: HttpDescription, jsonWithout: (fields: ReadonlySet<string>) => JsonSchema): Json | undefined {
  if (operation.body !== undefined) {
    const { maxBytes, mediaTypes } = operation.body;
    // OpenAPI 3.1 describes bytes by their media type alone: a schema would be about JSON.
    return { required: true, description: `At most ${maxBytes} bytes.`, content: Object.fromEntries(mediaTypes.map((type) => [type, {}])), "x-tenon-max-bytes": maxBytes };
  }
  if (!hasJsonBody(operation)) return undefined;
  const outside = new Set(http.fields.filter((place) => place.in !== "body").map((place) => place.field));
  return { required: http.fields.some((place) => place.in === "body" && place.required), content: { [jsonType]: { schema: jsonWithout(outside) } } };
}

/** An object schema without some of its fields: those travel elsewhere. */
function withoutFields(node: unknown, root: JsonSchema, names: ReadonlySet<string>): unknown {
  if (names.size === 0 || node === null || typeof node !== "object") return node;
  const { $ref: ref, ...own } = node as JsonSchema;
  // A named schema without some of its fields is not that schema any more, so its name goes.
  const target = typeof ref === "string" ? withoutFields(resolvePointer(root, ref.slice(1)), root, names) : {};
  const schema: Record<string, unknown> = { ...(target as JsonSchema), ...own };
  if ("properties" in own) schema["properties"] = Object.fromEntries(Object.entries(own["properties"] as object).filter(([name]) => !names.has(name)));
  if (Array.isArray(own["required"])) schema["required"] = own["required"].filter((name) => !names.has(name as string));
  for (const keyword of ["allOf", "anyOf", "oneOf"]) {
    if (Array.isArray(own[keyword])) schema[keyword] = own[keyword].map((each) => withoutFields(each, root, names));
  }
  return schema;
}

function platformParameters(operation: OperationDescription): readonly Json[] {
  const shared = ["RequestTimeoutMs"];
  if (operation.kind === "command") shared.unshift("IdempotencyKey");
  if (operation.kind === "query" && operation.output.kind === "json") shared.unshift("IfNoneMatch");
  return shared.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

function successOf(operation: OperationDescription, http: HttpDescription, around: OperationSurroundings): Json {
  const { output } = operation;
  const headers = successHeaders(operation);
  switch (output.kind) {
    case "none":
      return { [http.status]: { description: "It is done; there is no body.", headers } };
    case "bytes":
      return { [http.status]: { description: `Bytes, at most ${output.maxBytes}.`, headers, content: Object.fromEntries(output.mediaTypes.map((type) => [type, {}])) } };
    case "stream": {
      const schema = readerOf(operation, around, { root: output.schema, side: "output", part: "Item" })(output.schema);
      const content = { [ndjsonType]: { schema }, [sseType]: { schema } };
      return { [http.status]: { description: "Items as they come: one JSON value a line, or as the data of server-sent events. The schema is that of one item.", headers, content, "x-tenon-stream": true } };
    }
    case "json": {
      const schema = readerOf(operation, around, { root: output.schema, side: "output", part: "Output" })(output.schema);
      const success = { [http.status]: { description: "The answer.", headers, content: { [jsonType]: { schema } } } };
      if (operation.kind === "command") return success;
      return { ...success, 304: { description: "What the caller has is still the answer.", headers: { ETag: headers["ETag"] } } };
    }
  }
}

function successHeaders(operation: OperationDescription): Json {
  const names: Record<string, string> = { "X-Request-Id": "RequestId" };
  if (operation.kind === "query" && operation.output.kind === "json") names["ETag"] = "ETag";
  if (operation.kind === "command") names["Idempotency-Replayed"] = "IdempotencyReplayed";
  if (operation.deprecated?.sunset !== undefined) names["Sunset"] = "Sunset";
  return Object.fromEntries(Object.entries(names).map(([header, name]) => [header, { $ref: `#/components/headers/${name}` }]));
}

function faultsOf(operation: OperationDescription, around: OperationSurroundings): Json {
  return around.faults.of(operation, (error) => {
    if (error.data === undefined) return undefined;
    return readerOf(operation, around, { root: error.data, side: "output", part: error.name })(error.data);
  });
}

function readerOf(
  operation: OperationDescription,
  around: OperationSurroundings,
  schema: { readonly root: JsonSchema; readonly side: Side; readonly part: string },
): (part: unknown) => JsonSchema {
  const name = toPascalCase(operation.id) + schema.part;
  return around.schemas.reader(schema.root, { side: schema.side, contract: around.contract, name });
}
