// SPDX-License-Identifier: Apache-2.0

// #region
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { Code, ConnectError, createClient, createTransport, serve, type TripleRouter } from "@tristream/node";

const routes = (router: TripleRouter) =>
  router.service(GreetService, {
    greet({ name }) {
      if (name === "") throw new TypeError("what the client doesn't get"); // Internal, with an id; the log has the rest
      const wait = { desc: DurationSchema, value: { seconds: 2n } }; // a message of any schema
      throw new ConnectError("too many calls", Code.ResourceExhausted, { "x-queue": "7" }, [wait]);
    },
  });
// #endregion

const quiet = { error() {}, warn() {}, info() {}, debug() {} };
await using server = await serve({ host: "127.0.0.1", port: 0, routes, logger: quiet });
await using transport = createTransport(server.url);
const client = createClient(GreetService, transport);

// #region
try {
  await client.greet({ name: "a" });
} catch (thrown) {
  const error = ConnectError.from(thrown);
  console.log(Code[error.code], error.rawMessage); // error.message begins with the code
  console.log(error.metadata.get("x-queue")); // and the trailers
  for (const { seconds } of error.findDetails(DurationSchema)) console.log(`again in ${seconds} s`);
}
// #endregion

await client.greet({}).catch((error) => console.log(error.message.replace(/id \w+/, "id …")));
