// SPDX-License-Identifier: Apache-2.0
// Promise 11: nothing is lost or reordered. The order of the calls of a handle is the order on the wire, whatever has to be waited
// for before the first message can leave.
// Mutant: core/src/client/call/request-queue.ts # this.closed = true;
// Mutant: core/src/client/call/request-queue.ts # this.queue.push(waiting); => this.queue.unshift(waiting);
import { Code, ConnectError, createClient, type Interceptor, type StreamRequest } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { all, errorOf, happening, turns } from "./events.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** An interceptor that goes on when the test says so, with the request's messages read by a wrapper or not. */
function waiting(wrap: boolean) {
  const goOn = happening();
  const interceptor = ((next: (req: StreamRequest) => unknown) => async (req: StreamRequest) => {
    await goOn;
    if (!wrap) return next(req);
    const message = async function* () {
      yield* req.message;
    };
    return next({ ...req, message: message() } as StreamRequest);
  }) as unknown as Interceptor;
  return { goOn, interceptor };
}

type Options = NonNullable<Parameters<typeof createClient<typeof GreetService>>[2]>;

const hindrances: readonly [what: string, make: () => { goOn(): void; options: Options }][] = [
  [
    "an async headers function",
    () => {
      const goOn = happening();
      const headers = async () => {
        await goOn;
        return {};
      };
      return { goOn: () => goOn.tell(), options: { headers } };
    },
  ],
  [
    "an async interceptor",
    () => {
      const { goOn, interceptor } = waiting(false);
      return { goOn: () => goOn.tell(), options: { interceptors: [interceptor] } };
    },
  ],
  [
    "an async interceptor that wraps the messages",
    () => {
      const { goOn, interceptor } = waiting(true);
      return { goOn: () => goOn.tell(), options: { interceptors: [interceptor] } };
    },
  ],
  ["connecting", () => ({ goOn() {}, options: {} })],
];

const names = Array.from({ length: 40 }, (_, i) => `${i}`);

describe.each(everyLink)("sends over $name before", (link) => {
  const start = () => link.start({ routes: (r) => r.service(GreetService, greeter()) });

  describe.each(hindrances)("%s is done", (what, make) => {
    test.each([0, 1, 3])("keep their order, %i microtasks between", async (pause) => {
      await using end = await start();
      // A connection that is there makes the first send after `goOn` a direct one.
      if (what !== "connecting") await createClient(GreetService, end.transport).greet({});
      const { goOn, options } = make();
      const upload = createClient(GreetService, end.transport, options).greetClientStream();
      const sends: Promise<void>[] = [];
      for (const name of names) {
        sends.push(upload.send({ name }));
        for (let i = 0; i < pause; i++) await null;
        if (name === "20") goOn();
      }
      await Promise.all(sends);
      expect((await upload.closeAndReceive()).greeting).toBe(names.join(","));
    });

    test("come before a closeAndReceive() that nobody waited with", async () => {
      await using end = await start();
      const { goOn, options } = make();
      const upload = createClient(GreetService, end.transport, options).greetClientStream();
      const sends = names.map((name) => upload.send({ name }));
      const answer = upload.closeAndReceive();
      const late = errorOf(upload.send({ name: "late" }));
      await turns(1);
      goOn();
      await Promise.all(sends);
      expect((await answer).greeting).toBe(names.join(","));
      expect(await late).toMatchObject({
        code: Code.FailedPrecondition,
        rawMessage: "the request is closed: nothing can be sent after closeRequest()",
      });
    });

    test("come before closeRequest(), and are answered in order", async () => {
      await using end = await start();
      const { goOn, options } = make();
      const chat = createClient(GreetService, end.transport, options).greetStream();
      const sends = names.map((name) => chat.send({ name }));
      const closed = chat.closeRequest();
      goOn();
      expect((await all(chat)).map((m) => m.greeting)).toEqual(names);
      await Promise.all([...sends, closed]);
    });

    test("are refused with the call's error when it ends meanwhile", async () => {
      await using end = await start();
      const { options } = make();
      const upload = createClient(GreetService, end.transport, options).greetClientStream();
      const sends = ["a", "b"].map((name) => upload.send({ name }));
      const answer = errorOf(upload.closeAndReceive());
      upload.cancel(new ConnectError("given up", Code.Aborted));
      expect((await answer).rawMessage).toBe("given up");
      // Where there was a connection they had left.
      const allowed = what === "connecting" ? ["sent", "given up"] : ["given up"];
      for (const send of sends)
        expect(allowed).toContain(
          await send.then(
            () => "sent",
            (error: ConnectError) => error.rawMessage,
          ),
        );
    });
  });

  test("an interceptor's reader is done hand their messages over as they were when they were sent", async () => {
    await using end = await start();
    const { goOn, interceptor } = waiting(true);
    const client = createClient(GreetService, end.transport, { interceptors: [interceptor] });
    const upload = client.greetClientStream();
    goOn.tell();
    const message = { name: "" };
    for (const name of names) {
      message.name = name;
      await upload.send(message);
    }
    expect((await upload.closeAndReceive()).greeting).toBe(names.join(","));
  });
});
