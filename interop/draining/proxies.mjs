// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const host = "127.0.0.1";

/**
 * The proxies: `command` starts one in the foreground, with what it writes in `folder`; it listens on `port` and passes calls to `to`. `reload`
 * and `drain` are the signals for a new process that takes over and for an end in order, `stop` the one for an end at once.
 */
export const proxies = {
  haproxy: {
    reload: "SIGUSR2",
    drain: "SIGUSR1",
    stop: "SIGTERM",
    command(folder, port, to) {
      const config = join(folder, "haproxy.cfg");
      writeFileSync(
        config,
        `global
  stats socket ${join(folder, "haproxy.sock")} mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend calls
  bind ${host}:${port} proto h2
  default_backend tristream
backend tristream
  server one ${host}:${to} proto h2
`,
      );
      return ["haproxy", "-W", "-db", "-f", config];
    },
  },
  nginx: {
    reload: "SIGHUP",
    drain: "SIGQUIT",
    stop: "SIGTERM",
    command(folder, port, to) {
      const config = join(folder, "nginx.conf");
      const temporary = join(folder, "temporary");
      mkdirSync(temporary, { recursive: true });
      const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
        (name) => `  ${name}_temp_path ${join(temporary, name)};`,
      );
      writeFileSync(
        config,
        `daemon off;
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes 2;
pid ${join(folder, "nginx.pid")};
error_log stderr warn;
events {}
http {
  access_log off;
${paths.join("\n")}
  upstream tristream {
    server ${host}:${to};
    keepalive 8;
  }
  server {
    listen ${host}:${port} http2;
    client_max_body_size 0;
    location / {
      grpc_pass grpc://tristream;
    }
  }
}
`,
      );
      return ["nginx", "-e", "stderr", "-c", config];
    },
  },
};
