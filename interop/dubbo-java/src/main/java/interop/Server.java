// SPDX-License-Identifier: Apache-2.0
package interop;

import greet.GreetService;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.apache.dubbo.config.ApplicationConfig;
import org.apache.dubbo.config.ProtocolConfig;
import org.apache.dubbo.config.RegistryConfig;
import org.apache.dubbo.config.ServiceConfig;
import org.apache.dubbo.config.bootstrap.DubboBootstrap;

/** Server PORT [GROUP VERSION]: prints "READY PORT"; without GROUP it serves none, g1/1.0.0 and g2/2.0.0 on one port. */
public final class Server {
    private Server() {}

    private record Selector(String group, String version) {
        String tag() {
            return group == null ? "" : " from " + group + "/" + version;
        }
    }

    private static final List<Selector> REGISTRATIONS =
            List.of(new Selector(null, null), new Selector("g1", "1.0.0"), new Selector("g2", "2.0.0"));

    public static void main(String[] args) throws Exception {
        Loopback.only();
        int port = Integer.parseInt(args[0]);
        List<Selector> all = args.length == 3 ? List.of(new Selector(args[1], args[2])) : REGISTRATIONS;

        ApplicationConfig application = new ApplicationConfig("interop-server");
        application.setQosEnable(false);
        ProtocolConfig protocol = new ProtocolConfig("tri", port);
        protocol.setHost(Loopback.ADDRESS);
        DubboBootstrap bootstrap = DubboBootstrap.getInstance()
                .application(application)
                .registry(new RegistryConfig("N/A"))
                .protocol(protocol);
        Calls calls = new Calls();
        for (Selector selector : all) {
            ServiceConfig<GreetService> service = new ServiceConfig<>();
            service.setInterface(GreetService.class);
            service.setRef(new Greeter(selector.tag(), calls));
            service.setGroup(selector.group());
            service.setVersion(selector.version());
            // by default it does not answer a unary call that took more than a second
            service.setTimeout(20_000);
            bootstrap.service(service);
        }
        bootstrap.start();
        System.out.println("READY " + port);
        System.out.flush();
        new CountDownLatch(1).await();
    }
}
