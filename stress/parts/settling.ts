// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetResponseSchema, GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, createClient, createTransport } from "@tristream/node";
import { Calls } from "../call.js";
import { inTime, never } from "../events.js";
import { inWords, outcomeInWords } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { methods } from "../plan.js";
import type { Random } from "../random.js";

const message = toBinary(GreetResponseSchema, create(GreetResponseSchema, { greeting: "a" }));
const good = Buffer.concat([Buffer.of(0, 0, 0, 0, message.length), message]);
const head = { ":status": 200, "content-type": "application/grpc+proto" };

/** Answers that no server should give. */
const odd: readonly ((stream: ServerHttp2Stream, random: Random) => void)[] = [
  (stream, random) => stream.close(random.of([0, 1, 2, 3, 5, 7, 8, 10, 11, 12, 0x1234])),
  (stream) => stream.respond(head, { endStream: true }),
  (stream, random) => {
    stream.respond({ ":status": random.of([204, 400, 404, 429, 500, 503]) });
    stream.end("no");
  },
  (stream) => {
    stream.respond(head);
    stream.end(good);
  },
  (stream, random) => {
    stream.respond(head);
    stream.end(good.subarray(0, 1 + random.below(good.length - 1)));
  },
  (stream, random) => {
    stream.respond(head);
    stream.write(good);
    setImmediate(() => stream.close(random.of([0, 2, 7, 8, 11])));
  },
  (stream, random) => {
    stream.respond(head, { waitForTrailers: true });
    stream.on("wantTrailers", () =>
      stream.sendTrailers(
        random.of([{}, { "grpc-status": "x" }, { "grpc-status": "99" }, { "grpc-status": "9" }]),
      ),
    );
    stream.end(random.percent(50) ? good : undefined);
  },
  (stream) => stream.session?.destroy(),
  (stream) => {
    stream.respond(head);
    stream.write(Buffer.of(0, 255, 255, 255, 255));
  },
];

export const settling: Part = {
  name: "6, every call settles",
  async run({ rig, random, times, wrong }) {
    const server = createServer();
    server.on("session", (session) => session.on("error", () => {}));
    server.on("stream", (stream) => {
      stream.on("error", () => {});
      stream.resume();
      random.of(odd)(stream, random);
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const transport = createTransport(`tri://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const calls = new Calls(createClient(GreetService, transport), rig.census);
    await repeat(times, 20, async () => {
      const plan = rig.plans.add(random.of(methods), "echo");
      const outcome = await inTime(calls.make({ plan, ending: "none" }));
      // No answer of these is right, and only the resets that say so are cancels.
      if (outcome === never || outcome.is === "ok" || outcome.is === Code.DeadlineExceeded)
        wrong(`${inWords({ plan, ending: "none" })}: ${outcomeInWords(outcome)}`);
      rig.plans.delete(plan);
    });
    await transport.close();
    await new Promise((resolve) => server.close(resolve));
  },
};
