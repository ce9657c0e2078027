// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.GreetService;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ReferenceConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/**
 * Client URL SERVER CASE...: prints "RUN case", then "PASS case" or "FAIL case: why"; exit code 1 if one failed. SERVER
 * is go, java or tristream: what the other end is, since some answers differ by what its implementation documents.
 */
public final class Client {
    final String url;
    final String server;
    final GreetService greeter;

    private Client(String url, String server) {
        this.url = url;
        this.server = server;
        this.greeter = dial("", null, null, 10_000);
    }

    GreetService dial(String path, String group, String version, int timeoutMs) {
        return reference(url + path, group, version, timeoutMs);
    }

    static GreetService reference(String url, String group, String version, int timeoutMs) {
        ReferenceConfig<GreetService> reference = new ReferenceConfig<>();
        reference.setInterface(GreetService.class);
        reference.setUrl(url);
        reference.setGroup(group);
        reference.setVersion(version);
        reference.setTimeout(timeoutMs);
        reference.setRetries(0);
        reference.setCheck(false);
        return reference.get();
    }

    static Object ignoringCase(Map<String, Object> attachments, String key) {
        for (Map.Entry<String, Object> entry : attachments.entrySet()) {
            if (entry.getKey().equalsIgnoreCase(key)) {
                return entry.getValue();
            }
        }
        return null;
    }

    static void start() {
        Loopback.only();
        ApplicationConfig application = new ApplicationConfig("interop-client");
        application.setQosEnable(false);
        DubboBootstrap.getInstance()
                .application(application)
                .registry(new RegistryConfig("N/A"))
                .start();
    }

    public static void main(String[] args) {
        start();
        Client to = new Client(args[0], args[1]);
        Map<String, Calling.Call> cases = new HashMap<>();
        for (Calling theme : List.of(
                new Kinds(to), new Selectors(to), new Errors(to), new Endings(to), new Metadata(to), new Load(to))) {
            cases.putAll(theme.cases());
        }
        int code = 0;
        for (String name : Arrays.asList(args).subList(2, args.length)) {
            say("RUN " + name);
            try {
                Calling.Call run = cases.get(name);
                if (run == null) {
                    throw new AssertionError("this client has no such case");
                }
                run.run();
                say("PASS " + name);
            } catch (Throwable t) {
                code = 1;
                say("FAIL " + name + ": " + String.valueOf(t.getMessage() == null ? t : t.getMessage()).replace('\n', '|'));
                t.printStackTrace();
            }
        }
        // its own threads would keep the process
        Runtime.getRuntime().halt(code);
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
