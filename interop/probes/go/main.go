// SPDX-License-Identifier: Apache-2.0

// Go's net/http as the server or the client that is probed, in cleartext and without HTTP/1.
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	// What the peer did wrong is what is probed, and no news.
	log.SetOutput(io.Discard)
	switch strings.Join(os.Args[1:], " ") {
	case "server":
		serve()
	case "client":
		call()
	default:
		fmt.Fprintln(os.Stderr, "usage: probe-go server|client")
		os.Exit(2)
	}
}

func cleartext() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

// serve does what paths say: see ../../README.md
func serve() {
	server := &http.Server{
		Protocols: cleartext(),
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: 2},
		ErrorLog:  log.Default(),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			size, sends := strings.CutPrefix(r.URL.Path, "/send/")
			switch {
			case r.URL.Path == "/hang":
				<-r.Context().Done()
			case r.URL.Path == "/shutdown":
				// the way in which a handler ends its connection in order
				w.Header().Set("Connection", "close")
				w.WriteHeader(200)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
			case sends:
				n, _ := strconv.Atoi(size)
				io.Copy(io.Discard, r.Body)
				w.Write(make([]byte, n))
			default:
				io.Copy(io.Discard, r.Body)
			}
		}),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("READY %d\n", listener.Addr().(*net.TCPAddr).Port)
	server.Serve(listener)
}

// call makes a request to each port that comes on stdin, and prints how it ended, if it does.
func call() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		go func(port string) {
			fmt.Printf("OUTCOME %s %s\n", port, request(port))
		}(lines.Text())
	}
}

func request(port string) string {
	client := &http.Client{Transport: &http.Transport{Protocols: cleartext()}}
	response, err := client.Get("http://127.0.0.1:" + port + "/")
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	if err != nil {
		return "error"
	}
	return "answer"
}
