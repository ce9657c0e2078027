// SPDX-License-Identifier: Apache-2.0

// Go's HPACK (golang.org/x/net/http2/hpack) as a program: a command a line, an answer a line.
//
//	decode HEX         the fields of the block, or "error TEXT": the decoder is then of no more use
//	encode FIELDS      the block in hex; values are Huffman-coded where that is shorter
//	huffman HEX        the octets, Huffman-coded
//	decoder-limit N    our SETTINGS_HEADER_TABLE_SIZE; no answer
//	encoder-size N     the size of the encoder's table from the next block on; no answer
//	new-decoder        begins anew; no answer
//
// FIELDS are NAME=VALUE with both in hex, "!" behind those that are never to be indexed, and spaces between them.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// more than a test sends
const longestString = 1 << 24

func newDecoder() *hpack.Decoder {
	decoder := hpack.NewDecoder(4096, nil)
	decoder.SetMaxStringLength(longestString)
	return decoder
}

func main() {
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	decoder := newDecoder()
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		switch command {
		case "decode":
			fields, err := decoder.DecodeFull(unhex(rest))
			if err != nil {
				fmt.Fprintf(out, "error %s\n", strings.ReplaceAll(err.Error(), "\n", " "))
			} else {
				fmt.Fprintln(out, formatFields(fields))
			}
		case "encode":
			block.Reset()
			for _, field := range parseFields(rest) {
				check(encoder.WriteField(field))
			}
			fmt.Fprintln(out, hex.EncodeToString(block.Bytes()))
		case "huffman":
			fmt.Fprintln(out, hex.EncodeToString(hpack.AppendHuffmanString(nil, string(unhex(rest)))))
		case "decoder-limit":
			decoder.SetAllowedMaxDynamicTableSize(number(rest))
		case "encoder-size":
			encoder.SetMaxDynamicTableSize(number(rest))
		case "new-decoder":
			decoder = newDecoder()
		default:
			check(fmt.Errorf("no command %q", command))
		}
		// Answers leave once nothing more is there to be read.
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func formatFields(fields []hpack.HeaderField) string {
	var text strings.Builder
	for i, field := range fields {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(hex.EncodeToString([]byte(field.Name)))
		text.WriteByte('=')
		text.WriteString(hex.EncodeToString([]byte(field.Value)))
		if field.Sensitive {
			text.WriteByte('!')
		}
	}
	return text.String()
}

func parseFields(text string) []hpack.HeaderField {
	var fields []hpack.HeaderField
	for _, part := range strings.Fields(text) {
		part, sensitive := strings.CutSuffix(part, "!")
		name, value, _ := strings.Cut(part, "=")
		fields = append(fields, hpack.HeaderField{
			Name: string(unhex(name)), Value: string(unhex(value)), Sensitive: sensitive,
		})
	}
	return fields
}

func unhex(text string) []byte {
	octets, err := hex.DecodeString(text)
	check(err)
	return octets
}

func number(text string) uint32 {
	n, err := strconv.ParseUint(text, 10, 32)
	check(err)
	return uint32(n)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
