/** One request, its answer compared whole. */
import { get } from "node:http";
import { isDeepStrictEqual } from "node:util";

export class WrongAnswer extends Error {
  override readonly name = "WrongAnswer";
}

const timeoutMs = 5_000;

/** @throws {WrongAnswer} the answer is not 200 with this value as JSON. */
export async function fetchOnce(port: number, path: string, expected: object): Promise<void> {
  const { status, body } = await new Promise<{ readonly status: number | undefined; readonly body: string }>((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: timeoutMs }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, body }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new WrongAnswer(`GET ${path}: no answer within ${timeoutMs} ms`)));
    request.on("error", reject);
  });
  if (status !== 200 || !isDeepStrictEqual(JSON.parse(body), expected)) {
    throw new WrongAnswer(`GET ${path}: expected 200 ${JSON.stringify(expected)}, got ${status} ${body.slice(0, 500)}`);
  }
}
