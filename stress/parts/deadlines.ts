// SPDX-License-Identifier: Apache-2.0
import { type ClientHttp2Session, connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { GreetRequestSchema } from "@tristream/gen/greet/greet_pb.js";
import { Code } from "@tristream/node";
import type { Made } from "../call.js";
import { inTime, never } from "../events.js";
import { handlerEnds, inWords, makeAs } from "../expect.js";
import { type Part, repeat } from "../part.js";
import { type Act, methods, type Plan } from "../plan.js";

const acts: readonly Act[] = ["wait", "ignore"];

export const deadlines: Part = {
  name: "4, deadlines are kept by the engine",
  async run({ rig, random, times, wrong }) {
    const raw = connect(`http://127.0.0.1:${rig.relay.port}`);
    raw.on("error", () => {});
    await repeat(times, 20, async (i) => {
      const plan = rig.plans.add(random.of(methods), random.of(acts));
      const timeoutMs = 1 + random.below(40);
      const made: Made = { plan, ending: "deadline", timeoutMs };
      if (i % 2 === 0) await makeAs(rig, made, [Code.DeadlineExceeded], wrong);
      else {
        const status = await inTime(rawStatus(raw, plan, timeoutMs));
        if (status !== "4")
          wrong(`${inWords(made)}: a client that never cancels got ${status === never ? "nothing" : status}`);
      }
      // The call is over for the server, though the handler may still be stuck.
      plan.release.tell();
      if (plan.wasEntered) await handlerEnds(made, [Code.DeadlineExceeded, Code.Canceled], wrong);
      rig.plans.delete(plan);
    });
    await new Promise<void>((resolve) => raw.close(resolve));
  },
};

/** The status that a call gets whose client says a time and never cancels. */
function rawStatus(session: ClientHttp2Session, plan: Plan, timeoutMs: number): Promise<string> {
  const message = toBinary(GreetRequestSchema, create(GreetRequestSchema, { name: plan.id }));
  const envelope = Buffer.alloc(5 + message.length);
  envelope.writeUInt32BE(message.length, 1);
  envelope.set(message, 5);
  const stream = session.request({
    ":method": "POST",
    ":path": `/greet.GreetService/${plan.method[0]?.toUpperCase()}${plan.method.slice(1)}`,
    "content-type": "application/grpc+proto",
    te: "trailers",
    "grpc-timeout": `${timeoutMs}m`,
    "x-plan": plan.id,
  });
  let status = "no status";
  const seen = (fields: Record<string, unknown>): void => {
    if (typeof fields["grpc-status"] === "string") status = fields["grpc-status"];
  };
  stream.on("response", seen);
  stream.on("trailers", seen);
  stream.on("error", () => {});
  stream.resume();
  // The request of an upload or a chat stays open.
  if (plan.method === "greet" || plan.method === "greetServerStream") stream.end(envelope);
  else stream.write(envelope);
  return new Promise((resolve) => {
    stream.on("end", () => stream.end());
    stream.on("close", () => resolve(status));
  });
}
