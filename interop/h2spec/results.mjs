// SPDX-License-Identifier: Apache-2.0

/** The first title that h2spec prints of each of its four lists, and the name that the list has in ids. */
const lists = [
  [/^Generic tests for HTTP\/2 server/, "generic"],
  [/^Generic tests for HTTP\/2 client/, "client"],
  [/^Hypertext Transfer Protocol/, "http2"],
  [/^HPACK/, "hpack"],
];

/**
 * Reads what h2spec prints, line by line, as `{ id, title, outcome, why }`: the id as its `--help` has it
 * (`http2/5.1/8`), the outcome `passed`, `failed` or `skipped`. h2spec announces each case with a line of its own;
 * h2specd does not.
 */
export class Results {
  /** @type {{ id: string, title: string, outcome: string, why: string[] }[]} */
  all = [];
  #list = "";
  #section = "";
  #announced = "";
  #over = false;
  #announces;

  constructor({ announces }) {
    this.#announces = announces;
  }

  /** Takes a line; true when it was a result. */
  line(line) {
    const text = line.trim();
    // A summary follows, which repeats what failed.
    if (text === "Failures:") this.#over = true;
    if (this.#over || text === "") return false;
    const list = lists.find(([title]) => title.test(text));
    if (list !== undefined) this.#list = list[1];
    const group = text.split(" -> ").at(-1);
    const [, section] = /^(\d[\d.]*)\. /.exec(group) ?? [];
    if (section !== undefined) this.#section = section;
    if (list !== undefined || section !== undefined) return false;
    const [, mark, number, title] = /^(✔|×|)\s*(\d+): (.*)$/.exec(text) ?? [];
    if (number === undefined) {
      if (this.all.at(-1)?.outcome === "failed") this.all.at(-1).why.push(text);
      return false;
    }
    const skipped = mark === "" && (!this.#announces || this.#announced === text);
    this.#announced = text;
    if (mark === "" && !skipped) return false;
    const outcome = skipped ? "skipped" : mark === "✔" ? "passed" : "failed";
    const id = [this.#list, this.#section, number].join("/");
    this.all.push({ id, title, outcome, why: [] });
    return true;
  }
}
