/** One request, its answer compared whole. */
import { get } from "node:http";

export class WrongAnswer extends Error {
  override readonly name = "WrongAnswer";
}

const timeoutMs = 5_000;

/** @throws {WrongAnswer} the answer is not 200 with exactly this JSON. */
export async function fetchOnce(port: number, path: string, expected: string): Promise<void> {
  const text = await new Promise<string>((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path, agent: false, timeout: timeoutMs }, (response) => {
      let body = `${response.statusCode} `;
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(body));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new WrongAnswer(`GET ${path}: no answer within ${timeoutMs} ms`)));
    request.on("error", reject);
  });
  if (text !== `200 ${expected}`) throw new WrongAnswer(`GET ${path}: expected 200 ${expected}, got ${text.slice(0, 500)}`);
}
