// SPDX-License-Identifier: Apache-2.0
// Headers that interceptors get are made when they are looked at; to whoever takes `Headers` they are some.
// Mutant: core/src/engine/call/lazy-headers.ts # readonly #maker: HeadersMaker<Part>; => readonly #maker: HeadersMaker<Part>; readonly seen = "own";
// Mutant: core/src/engine/call/lazy-headers.ts # return this.#real()[Symbol.iterator](); => return [][Symbol.iterator]() as never;
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient, type Interceptor } from "@tristream/core";
import { GreetService } from "@tristream/gen/greet/greet_pb.js";
import { everyLink } from "./every-link.js";
import { greeter } from "./greeter.js";

/** The ways in which other code copies headers. */
async function handedOn(headers: Headers, url: string): Promise<Record<string, unknown>> {
  // Names that HTTP/1.1 keeps for itself are taken away, as one does before such headers are handed on.
  for (const name of ["te", "content-type", "connection"]) headers.delete(name);
  const fetched = (await (await fetch(url, { headers })).json()) as { tenant: string | null };
  return {
    fetch: fetched.tenant,
    headers: new Headers(headers).get("x-tenant"),
    cookies: new Headers(headers).getSetCookie(),
    request: new Request(url, { headers }).headers.get("x-tenant"),
    response: new Response(null, { headers }).headers.get("x-tenant"),
    object: Object.fromEntries(headers)["x-tenant"],
    pairs: new Map([...headers]).get("x-tenant"),
    keys: Object.keys(headers),
    spread: new Headers({ ...(headers as unknown as Record<string, string>) }).get("x-tenant"),
    json: JSON.stringify(headers),
    isHeaders: headers instanceof Headers,
  };
}

test.each(everyLink)(
  "headers of interceptors can be handed to fetch and copied in every way, over $name",
  async (link) => {
    const other = createServer((req, res) => {
      res.end(JSON.stringify({ tenant: req.headers["x-tenant"] ?? null }));
    });
    await once(other.listen(0, "127.0.0.1"), "listening");
    const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const seen: Record<string, unknown>[] = [];
    const look: Interceptor = (next) => async (req) => {
      seen.push(await handedOn(req.header, url));
      const res = await next(req);
      seen.push(await handedOn(res.header, url));
      return res;
    };
    try {
      await using end = await link.start({
        interceptors: [look],
        routes: (r) =>
          r.service(GreetService, {
            ...greeter(),
            greet(_request, context) {
              context.responseHeader.set("x-tenant", "blue");
              for (const value of ["a=1", "b=2"]) context.responseHeader.append("set-cookie", value);
              return {};
            },
          }),
      });
      const headers = [
        ["x-tenant", "blue"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ] as [string, string][];
      await createClient(GreetService, end.transport, { headers, interceptors: [look] }).greet({});
    } finally {
      other.closeAllConnections();
      other.close();
    }
    const expected = {
      fetch: "blue",
      headers: "blue",
      cookies: ["a=1", "b=2"],
      request: "blue",
      response: "blue",
      object: "blue",
      pairs: "blue",
      keys: [],
      spread: null,
      json: "{}",
      isHeaders: true,
    };
    expect(seen).toEqual([expected, expected, expected, expected]);
  },
);
