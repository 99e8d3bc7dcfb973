/** A line to a server that can be cut, and that can lose messages on their way to it. */
import { once } from "node:events";
import { createServer, type Server, Socket } from "node:net";

export class Line {
  readonly #sockets = new Set<Socket>();
  readonly #targetPort: number;
  #server: Server | undefined = undefined;
  port = 0;
  /** Told of each message on its way to the server; what it answers `lose` to does not arrive. */
  onMessage: (subject: string) => "pass" | "lose" = () => "pass";

  constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async open(): Promise<void> {
    this.#server = createServer((near) => {
      const far = new Socket().connect(this.#targetPort, "127.0.0.1");
      for (const socket of [near, far]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      }
      const frames = new Frames((subject) => this.onMessage(subject));
      near.on("data", (bytes: Buffer) => far.write(frames.pass(bytes))).on("close", () => far.destroy());
      far.on("data", (bytes: Buffer) => near.write(bytes)).on("close", () => near.destroy());
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as { readonly port: number }).port;
  }

  /** Cuts what is connected; new connections are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    if (this.#server?.listening !== true) return;
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** Takes a stream of bytes apart into frames of the protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol */
class Frames {
  readonly #onMessage: (subject: string) => "pass" | "lose";
  #rest = Buffer.alloc(0);

  constructor(onMessage: (subject: string) => "pass" | "lose") {
    this.#onMessage = onMessage;
  }

  pass(bytes: Buffer): Buffer {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const passed: Buffer[] = [];
    for (;;) {
      const end = this.#rest.indexOf("\r\n");
      if (end === -1) break;
      const [verb = "", subject = "", ...more] = this.#rest.subarray(0, end).toString().split(" ");
      const isMessage = /^H?PUB$/i.test(verb);
      const length = isMessage ? end + 2 + Number(more.at(-1)) + 2 : end + 2;
      if (this.#rest.length < length) break;
      if (!isMessage || this.#onMessage(subject) === "pass") passed.push(this.#rest.subarray(0, length));
      this.#rest = this.#rest.subarray(length);
    }
    return Buffer.concat(passed);
  }
}
