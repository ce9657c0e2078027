// SPDX-License-Identifier: Apache-2.0
import { once } from "node:events";
import type { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { type Code, ConnectError, type TripleContext, type TripleServiceImpl } from "@tristream/node";
import { type Calls, outcomeOf, trackedKey } from "./calls.js";

/** The bytes of `ask-bin` and `answer-bin`: neither text nor a multiple of three. */
export const binary = Buffer.from([0, 1, 0xfe, 0xff]);

/** Base64 as gRPC has it in headers. */
export const binaryHeader = binary.toString("base64").replace(/=+$/, "");

/** Does what names ask for; README.md lists them. */
export function greeter(
  { group, version }: { group: string; version: string },
  calls: Calls,
  shutdown: () => void,
): TripleServiceImpl<typeof GreetService> {
  const tag = group === "" && version === "" ? "" : ` from ${group}/${version}`;

  function greeting(name: string, context: TripleContext): string {
    failIfAsked(name);
    if (name === "meta") return answerMetadata(context);
    return large(name) ?? name + tag;
  }

  return {
    async greet({ name }, context) {
      const key = trackedKey(name);
      if (key !== undefined) {
        calls.begin(key);
        await aborted(context.signal);
        calls.end(key, outcomeOf(context.signal.reason));
        throw context.signal.reason;
      }
      if (name.startsWith("began:")) await calls.began(name.slice(6));
      if (name.startsWith("outcome:")) return { greeting: await calls.outcome(name.slice(8)) };
      if (name === "shutdown") shutdown();
      return { greeting: greeting(name, context) };
    },

    async *greetStream(requests, context) {
      let key: string | undefined;
      try {
        for await (const { name } of requests) {
          key ??= begin(name);
          if (name === "exit") process.kill(process.pid, "SIGKILL");
          if (name === "drain") {
            yield { greeting: "ready" };
            await aborted(context.shutdownSignal);
            yield { greeting: "draining" };
            continue;
          }
          yield { greeting: greeting(name, context) };
        }
        end(key, "ok");
      } catch (error) {
        end(key, outcomeOf(error));
        throw error;
      } finally {
        // a generator that is left at a yield comes here alone
        end(key, outcomeOf(context.signal.reason));
      }
    },

    async greetClientStream(requests) {
      let key: string | undefined;
      const names: string[] = [];
      try {
        for await (const { name } of requests) {
          key ??= begin(name);
          failIfAsked(name);
          names.push(name);
          if (name === "enough") break;
        }
        end(key, "ok");
      } catch (error) {
        end(key, outcomeOf(error));
        throw error;
      }
      return { greeting: names.join(",") + tag };
    },

    async *greetServerStream({ name }, context) {
      const key = begin(name);
      try {
        if (name.startsWith("hang:")) {
          yield { greeting: name };
          await aborted(context.signal);
          throw context.signal.reason;
        }
        for (let i = 0; name.startsWith("endless:"); i++) yield { greeting: `tick ${i}` };
        if (/^(?:fail|throw):/.test(name)) {
          for (let i = 0; i < 2; i++) yield { greeting: `before ${i}` };
          failIfAsked(name);
        }
        const [, count = "5", text = name] = /^count:(\d+):(.*)$/s.exec(name) ?? [];
        for (let i = 0; i < Number(count); i++) {
          yield { greeting: text === "empty" ? "" : (large(text) ?? `${text} ${i}${tag}`) };
        }
      } finally {
        end(key, outcomeOf(context.signal.reason));
      }
    },
  };

  function begin(name: string): string | undefined {
    const key = trackedKey(name);
    if (key !== undefined) calls.begin(key);
    return key;
  }

  function end(key: string | undefined, outcome: string): void {
    if (key !== undefined) calls.end(key, outcome);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** `fail:CODE:TEXT` ends the call with a code, `throw:TEXT` with a plain error. */
function failIfAsked(name: string): void {
  const [, code, text] = /^fail:(\d+):(.*)$/s.exec(name) ?? [];
  if (code !== undefined) throw new ConnectError(text ?? "", Number(code) as Code);
  if (name.startsWith("throw:")) throw new Error(name.slice(6));
}

function large(name: string): string | undefined {
  const size = /^large:(\d+)$/.exec(name)?.[1];
  return size === undefined ? undefined : "x".repeat(Number(size));
}

/** Says what metadata arrived, and answers with some in headers and in trailers: dubbo-java's users see the latter only. */
function answerMetadata({ requestHeader, responseHeader, responseTrailer }: TripleContext): string {
  responseHeader.set("answer-header", "from the header");
  responseTrailer.set("answer-text", "from the trailer");
  responseTrailer.set("answer-bin", binaryHeader);
  const asked = Buffer.from(requestHeader.get("ask-bin") ?? "", "base64");
  return `text=${requestHeader.get("ask-text")} bin=${asked.toString("hex")}`;
}
