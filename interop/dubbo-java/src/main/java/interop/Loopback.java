// SPDX-License-Identifier: Apache-2.0
package interop;

/** Keeps dubbo on this machine. */
final class Loopback {
    private Loopback() {}

    /** 127.0.0.1 as one number: dubbo listens on 0.0.0.0 when an address begins with "127.". */
    static final String ADDRESS = "2130706433";

    /**
     * dubbo replaces 127.0.0.1 by the address of the first network interface, in what it registers and even in what a
     * client dials. With no interface to choose from it leaves the address alone.
     */
    static void only() {
        System.setProperty("dubbo.network.interface.ignored", ".*");
        System.setProperty("dubbo.application.logger", "slf4j");
    }
}
