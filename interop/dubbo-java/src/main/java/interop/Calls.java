// SPDX-License-Identifier: Apache-2.0
package interop;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Remembers when a call with a key began and how it ended, so that a client can ask what the server saw instead of
 * waiting for some time.
 */
final class Calls {
    private final Map<String, CompletableFuture<String>> began = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<String>> ended = new ConcurrentHashMap<>();

    CompletableFuture<String> began(String key) {
        return began.computeIfAbsent(key, k -> new CompletableFuture<>());
    }

    CompletableFuture<String> ended(String key) {
        return ended.computeIfAbsent(key, k -> new CompletableFuture<>());
    }

    /** The key of the names that a call is remembered by, or "". */
    static String key(String name) {
        for (String verb : new String[] {"hang:", "endless:", "track:"}) {
            if (name.startsWith(verb)) {
                return name.substring(verb.length());
            }
        }
        return "";
    }
}
