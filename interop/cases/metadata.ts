// SPDX-License-Identifier: Apache-2.0
import { readAttachments } from "@tristream/node";
import { binary, binaryHeader } from "../greeter.js";
import { type Cases, type Server, same } from "./peer.js";

const asking = { "ask-text": "a plain value", "ask-bin": binaryHeader };
const described = "text=a plain value bin=0001feff";

/** As headers and as Dubbo's attachments: dubbo-java's keep their case by `tri-header-convert`. */
function sameTrailer(server: Server, trailer: Headers): void {
  same("answer-text", trailer.get("answer-text"), "from the trailer");
  const attachments = readAttachments(trailer);
  same("attachment", attachments[server === "java" ? "Answer-Text" : "answer-text"], "from the trailer");
  same("attached bytes", Buffer.from(attachments["answer"] ?? "").toString("hex"), binary.toString("hex"));
  same(
    "answer-bin",
    Buffer.from(trailer.get("answer-bin") ?? "", "base64").toString("hex"),
    binary.toString("hex"),
  );
}

/** Metadata both ways: headers there, headers and trailers back; dubbo-java has no response headers for its users. */
export const metadata: Cases = {
  async metadata({ greeter, server }) {
    let header = new Headers();
    let trailer = new Headers();
    const { greeting } = await greeter.greet(
      { name: "meta" },
      {
        headers: asking,
        onHeader(headers) {
          header = headers;
        },
        onTrailer(trailers) {
          trailer = trailers;
        },
      },
    );
    same("asked", greeting, described);
    if (server !== "java") same("answer-header", header.get("answer-header"), "from the header");
    sameTrailer(server, trailer);
  },

  async "metadata-stream"({ greeter, server }) {
    const chat = greeter.greetStream({ headers: asking });
    await chat.send({ name: "meta" });
    const reply = await chat.receive();
    same("asked", reply?.greeting, described);
    const header = await chat.responseHeader;
    if (server !== "java") same("answer-header", header.get("answer-header"), "from the header");
    await chat.closeRequest();
    same("end", await chat.receive(), undefined);
    sameTrailer(server, await chat.responseTrailer);
  },
};
