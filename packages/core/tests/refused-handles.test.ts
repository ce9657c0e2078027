// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. A handle's call that is refused before the peer's application has seen it is made
// again; what is sent meanwhile belongs to the call, not to the attempt that has ended.
// Mutant: core/src/client/call/attempt.ts # if (!unary && messages instanceof RequestQueue) messages.detach(this);
// Mutant: core/src/client/call/request-queue.ts # if (attempt.writer.sent > 0) this.claim.consumed = true;
// Mutant: core/src/client/call/request-queue.ts # for (const each of waiting) each.reject(refusal);
// Mutant: core/src/client/call/request-queue.ts # copy = clone(this.schema, message);
// Mutant: core/src/client/call/attempt.ts # error !== null && partly ? notSentAgain(error) : error; => ended;
import { create } from "@bufbuild/protobuf";
import { Code, type ConnectError, createClient, type TripleTransport } from "@tristream/core";
import { GreetService, GreetStreamRequestSchema } from "@tristream/gen/greet/greet_pb.js";
import { createClock } from "@tristream/testing";
import { all, errorOf, turns } from "./events.js";
import { greeter } from "./greeter.js";
import { type Refusal, refusals, startRefusing } from "./refusing-peer.js";

const routes: Parameters<typeof startRefusing>[0] = (r) => r.service(GreetService, greeter());
const kinds = Object.keys(refusals) as Refusal[];
const clientOf = (transport: TripleTransport) => createClient(GreetService, transport);

/** The outcome of each `send()`, in order. */
function outcomes(sends: Promise<void>[]): Promise<string[]> {
  return Promise.all(
    sends.map((send) =>
      send.then(
        () => "sent",
        () => "not sent",
      ),
    ),
  );
}

describe.each(kinds)("a handle whose call meets %s", (refusal) => {
  test("sends what it is given while it reconnects, in order, and its end behind that", async () => {
    await using end = startRefusing(routes, refusal);
    const upload = clientOf(end.transport).greetClientStream();
    await end.arrived[0];
    end.refuse(0);
    await end.waits[0];
    const sends = ["a", "b", "c"].map((name) => upload.send({ name }));
    await turns(2);
    sends.push(upload.send({ name: "d" }));
    const answer = upload.closeAndReceive();
    const late = errorOf(upload.send({ name: "after the end" }));
    await turns(2);
    end.connected();
    expect(await outcomes(sends)).toEqual(["sent", "sent", "sent", "sent"]);
    expect((await answer).greeting).toBe("a,b,c,d");
    expect((await late).code).toBe(Code.FailedPrecondition);
  });

  test("sends everything once it waits for its connection, and both directions work", async () => {
    await using end = startRefusing(routes, refusal);
    const chat = clientOf(end.transport).greetStream();
    await end.arrived[0];
    end.refuse(0);
    await end.waits[0];
    const message = create(GreetStreamRequestSchema, {});
    const sends = ["a", "b", "c"].map((name) => {
      // A sender may use its object again.
      message.name = name;
      return chat.send(message);
    });
    const ended = chat.closeRequest();
    end.connected();
    expect(await outcomes(sends)).toEqual(["sent", "sent", "sent"]);
    await ended;
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["a", "b", "c"]);
  });

  test("goes on as any other handle behind what had waited", async () => {
    await using end = startRefusing(routes, refusal);
    await using chat = clientOf(end.transport).greetStream();
    await end.arrived[0];
    end.refuse(0);
    await end.waits[0];
    const first = chat.send({ name: "a" });
    end.connected();
    await first;
    for (const name of ["b", "c"]) await chat.send({ name });
    await chat.closeRequest();
    expect((await all(chat)).map((m) => m.greeting)).toEqual(["a", "b", "c"]);
  });

  test("fails if messages had gone to the first attempt, and says so; no later send is lost", async () => {
    await using end = startRefusing(routes, refusal);
    const upload = clientOf(end.transport).greetClientStream();
    await end.arrived[0];
    await upload.send({ name: "gone" });
    end.refuse(0);
    const answer = errorOf(upload.closeAndReceive());
    expect(await answer).toMatchObject({
      code: Code.Unavailable,
      rawMessage: expect.stringMatching(
        /; messages of the request were consumed before and can't be sent again: make the call again from its first message$/,
      ),
    });
    expect(await outcomes([upload.send({ name: "late" })])).toEqual(["not sent"]);
  });

  test.each(["cancel", "deadline"] as const)("%s meanwhile rejects what waits", async (how) => {
    const clock = createClock();
    await using end = startRefusing(routes, refusal, 1, clock);
    const options = how === "deadline" ? { timeoutMs: 30 } : {};
    const upload = clientOf(end.transport).greetClientStream(options);
    await end.arrived[0];
    end.refuse(0);
    await end.waits[0];
    const sends = [upload.send({ name: "a" }), upload.send({ name: "b" })];
    const answer = errorOf(upload.closeAndReceive());
    if (how === "cancel") upload.cancel();
    else await clock.advance(34);
    const code = how === "cancel" ? Code.Canceled : Code.DeadlineExceeded;
    for (const send of sends) expect((await errorOf(send)).code).toBe(code);
    expect((await answer).code).toBe(code);
    end.connected();
    expect((await errorOf(upload.send({ name: "c" }))).code).toBe(code);
  });

  test("a second refusal: all is delivered, or nothing had been sent", async () => {
    await using end = startRefusing(routes, refusal, 2);
    const upload = clientOf(end.transport).greetClientStream();
    await end.arrived[0];
    end.refuse(0);
    await end.waits[0];
    end.connected();
    await end.arrived[1];
    end.refuse(1);
    const answer = upload.closeAndReceive();
    answer.catch(() => {});
    // A request that never left is made again as often as its connection is lost.
    const again = refusal === "the connection's loss before it left";
    if (again) {
      await end.waits[1];
      end.connected();
    }
    const outcome = await answer.then(
      ({ greeting }) => greeting,
      (error: ConnectError) => error.code,
    );
    expect(outcome).toBe(again ? "" : Code.Unavailable);
    const late = again ? [] : await outcomes([upload.send({ name: "a" })]);
    expect(late).toEqual(again ? [] : ["not sent"]);
  });
});

/** Numbers that look random, the same ones for a seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

test.each(kinds)(
  "%s at any moment of an upload: all that was sent arrives, or the call fails",
  async (refusal) => {
    for (let seed = 1; seed <= 60; seed++) {
      const next = random(seed);
      await using end = startRefusing(routes, refusal);
      const upload = clientOf(end.transport).greetClientStream();
      const sends: Promise<void>[] = [];
      const names: string[] = [];
      const steps = 3 + next(8);
      const [refuseAt, connectAt] = [next(steps), next(steps)];
      void end.waits[0]!.then(async () => {
        await turns(connectAt);
        end.connected();
      });
      for (let i = 0; i < steps; i++) {
        if (i === refuseAt) end.refuse(0);
        if (next(3) > 0) {
          names.push(`${i}`);
          const send = upload.send({ name: `${i}` });
          send.catch(() => {});
          sends.push(send);
          if (next(2) === 0) await Promise.race([send.catch(() => {}), turns(3)]);
        }
        await turns(next(3));
      }
      const answer = upload.closeAndReceive().then(
        ({ greeting }) => greeting,
        (error) => error as Error,
      );
      const [got, sent] = await Promise.all([answer, outcomes(sends)]);
      if (typeof got !== "string") continue;
      expect({ seed, got }).toEqual({ seed, got: names.filter((_, i) => sent[i] === "sent").join(",") });
    }
  },
);
